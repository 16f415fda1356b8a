"""Drift and diversity against closed forms, naive twins and their own properties."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg

from analysis.drift import (
    Moments,
    SubsetDistance,
    diversity,
    frechet_at_size,
    frechet_distance,
    frechet_from_moments,
    moments,
)

Array = npt.NDArray[np.float64]


def normal(n: int, d: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((n, d))


def rotation(d: int, seed: int = 0) -> Array:
    return np.linalg.qr(normal(d, d, seed))[0]


def with_moments(mean: Array, covariance: Array, n: int, seed: int = 0) -> Array:
    """Return n samples whose sample mean and covariance are exactly these."""
    white = normal(n, len(mean), seed)
    white -= white.mean(axis=0)
    white @= np.linalg.inv(np.linalg.cholesky(np.cov(white.T).reshape(len(mean), len(mean)))).T
    return np.asarray(white @ np.linalg.cholesky(covariance).T + mean)


def naive_frechet(a: Array, b: Array) -> float:
    """Return the formula as it is printed, with a general matrix root."""
    c1, c2 = np.cov(a.T), np.cov(b.T)
    cross = scipy.linalg.sqrtm(c1 @ c2)
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * cross).real)


def naive_diversity(features: Array, groups: list[str]) -> float:
    means = []
    for name in set(groups):
        rows = [row for row, group in zip(features, groups, strict=True) if group == name]
        distances = [float(np.sqrt(((x - y) ** 2).sum())) for x, y in itertools.combinations(rows, 2)]
        means.append(sum(distances) / len(distances))
    return sum(means) / len(means)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_gaussians_with_covariances_that_commute_have_a_closed_form(d: int) -> None:
    generator = np.random.default_rng(d)
    axes, (s, t) = rotation(d, d), generator.uniform(0.1, 3.0, (2, d))
    m, n = generator.standard_normal((2, d))
    first, second = Moments(m, (axes * s**2) @ axes.T), Moments(n, (axes * t**2) @ axes.T)
    expected = ((m - n) ** 2).sum() + ((s - t) ** 2).sum()
    assert frechet_from_moments(first, second) == pytest.approx(expected, rel=1e-10)
    a, b = with_moments(*first, n=40, seed=1), with_moments(*second, n=25, seed=2)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)


def test_two_by_two_covariances_have_a_closed_form() -> None:
    # The root of a 2 x 2 matrix has trace sqrt(tr + 2 sqrt(det)).
    first, second = np.array([[2.0, 0.6], [0.6, 1.0]]), np.array([[0.5, -0.3], [-0.3, 1.5]])
    product = first @ second
    shared = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(first) + np.trace(second) - 2 * shared
    zero = np.zeros(2)
    assert frechet_from_moments(Moments(zero, first), Moments(zero, second)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_formula_as_printed(seed: int) -> None:
    a, b = normal(60, 5, seed) @ normal(5, 5, seed + 10), normal(80, 5, seed + 20) + 0.5
    assert frechet_distance(a, b) == pytest.approx(naive_frechet(a, b), rel=1e-9)


def test_it_is_symmetric_and_unmoved_by_what_moves_both() -> None:
    a, b, axes = normal(50, 4, 0) * [1.0, 2.0, 3.0, 4.0], normal(30, 4, 1), rotation(4)
    distance = frechet_distance(a, b)
    assert frechet_distance(b, a) == pytest.approx(distance, rel=1e-10)
    assert frechet_distance(a @ axes + 7.0, b @ axes + 7.0) == pytest.approx(distance, rel=1e-10)
    assert frechet_distance(3.0 * a, 3.0 * b) == pytest.approx(9.0 * distance, rel=1e-10)
    assert frechet_distance(a, a + np.array([3.0, 0.0, 4.0, 0.0])) == pytest.approx(25.0, rel=1e-10)


@pytest.mark.parametrize("n", [3, 10, 200])
def test_a_set_is_at_no_distance_from_itself_even_with_singular_covariances(n: int) -> None:
    a = 1e3 * normal(n, 20)
    assert 0.0 <= frechet_distance(a, a[::-1]) < 1e-8 * moments(a).covariance.trace()


def test_singular_covariances_on_different_axes_share_nothing() -> None:
    first, second = np.diag([4.0, 0.0, 0.0]), np.diag([0.0, 9.0, 1.0])
    assert frechet_from_moments(Moments(np.zeros(3), first), Moments(np.zeros(3), second)) == pytest.approx(14.0)


def test_the_distance_is_exact_where_the_root_of_a_product_is_not() -> None:
    # Eigenvalues over twelve decades: the square root of C1 C2 would lose half the digits of the small ones.
    axes, scales = rotation(8), np.logspace(-6, 0, 8)
    first, second = Moments(np.zeros(8), (axes * scales**2) @ axes.T), Moments(np.zeros(8), np.zeros((8, 8)))
    assert frechet_from_moments(first, second) == pytest.approx((scales**2).sum(), rel=1e-12)
    assert frechet_from_moments(first, first) < 1e-14


def test_the_bias_is_the_documented_one_and_the_same_at_equal_size() -> None:
    d, n, draws = 6, 200, 60
    found = [frechet_distance(normal(n, d, 2 * i), normal(n, d, 2 * i + 1)) for i in range(draws)]
    expected = 2 * d / n + d * (d + 1) / (2 * n - 2)
    error = float(np.std(found, ddof=1)) / np.sqrt(draws)
    # Second-order terms of 1/N remain besides the Monte Carlo error.
    assert abs(float(np.mean(found)) - expected) < 4 * error + 0.02 * expected
    many, fewer = normal(3000, d, 1000), normal(900, d, 1001)
    floor = frechet_at_size(normal(3000, d, 1002), normal(3000, d, 1003), size=n, repeats=20)
    assert frechet_at_size(many, fewer, size=n, repeats=20).mean == pytest.approx(floor.mean, rel=0.2)
    assert frechet_distance(many, fewer) < 0.4 * floor.mean


def test_subsets_depend_on_the_seed_alone() -> None:
    a, b = normal(50, 3, 0), normal(40, 3, 1)
    first = frechet_at_size(a, b, size=20, repeats=3)
    assert first == frechet_at_size(a.copy(), b.copy(), size=20, repeats=3)
    assert first != frechet_at_size(a, b, size=20, repeats=3, seed=1)
    assert first.subsets == 3
    assert first.deviation > 0.0


def test_whole_sets_are_taken_once() -> None:
    a, b = normal(30, 3, 0), normal(30, 3, 1)
    found = frechet_at_size(a, b, size=30)
    assert found == SubsetDistance(pytest.approx(frechet_distance(a, b), rel=1e-12), 0.0, 1)


def test_subsets_hold_no_row_twice() -> None:
    # Of two rows only the pair itself can be drawn, so its moments are those of the whole.
    pair = np.array([[0.0], [4.0]])
    found = frechet_at_size(pair, np.array([[1.0], [5.0], [1.0], [5.0]]), size=2, repeats=30)
    assert found.mean > 0.0
    assert frechet_at_size(pair, pair, size=2).mean == 0.0


def test_diversity_agrees_with_its_definition() -> None:
    features, groups = normal(17, 3), ["b", "a", "c", "a", "b", "c"] * 2 + ["a"] * 5
    assert diversity(features, groups) == pytest.approx(naive_diversity(features, groups), rel=1e-12)


def test_diversity_of_copies_is_nothing_however_far_the_groups_are_apart() -> None:
    centers = 100.0 * normal(5, 4)
    assert diversity(np.repeat(centers, 3, axis=0), np.repeat(np.arange(5), 3)) == 0.0


@pytest.mark.parametrize("n", [2, 5, 50])
def test_diversity_of_normal_samples_has_a_closed_form_without_bias(n: int) -> None:
    # The distance of two standard normal points of the plane has mean sqrt(pi).
    draws = 2000
    found = diversity(normal(draws * n, 2), np.repeat(np.arange(draws), n))
    assert found == pytest.approx(np.sqrt(np.pi), rel=0.05)


def test_every_group_counts_the_same() -> None:
    features = np.array([[0.0], [1.0], [0.0], [3.0], [0.0], [3.0]])
    pairs = [float(abs(x - y)) for x, y in itertools.combinations([0.0, 3.0, 0.0, 3.0], 2)]
    assert diversity(features, [0, 0, 1, 1, 1, 1]) == pytest.approx((1.0 + np.mean(pairs)) / 2)


def test_inputs_are_not_written() -> None:
    a, b = normal(20, 3, 0), normal(20, 3, 1)
    a.setflags(write=False)
    b.setflags(write=False)
    before = a.copy(), b.copy()
    frechet_at_size(a, b, size=10)
    diversity(a, [0, 1] * 10)
    assert (a == before[0]).all()
    assert (b == before[1]).all()


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((1, 2)), np.zeros((5, 2)), "a must have two rows at least, found 1"),
        (np.zeros((5, 2)), np.zeros((0, 2)), "b must have two rows at least, found 0"),
        (np.zeros((5, 2)), np.zeros((5, 3)), "same dimensions, found 2 and 3"),
        (np.zeros(5), np.zeros((5, 1)), r"a must have shape \[N, K\]"),
        (np.full((5, 2), np.nan), np.zeros((5, 2)), "a must be finite"),
    ],
)
def test_refuses_features_without_moments(a: Array, b: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frechet_distance(a, b)


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        ([[1.0, 0.5], [0.0, 1.0]], "symmetric and positive semidefinite"),
        ([[1.0, 0.0], [0.0, -1.0]], "found least -1"),
        ([[1.0]], r"covariance \[D, D\], found \[2\] and \[1, 1\]"),
        ([[np.inf, 0.0], [0.0, 1.0]], "must be finite"),
    ],
)
def test_refuses_what_is_no_covariance(covariance: list[list[float]], message: str) -> None:
    good = Moments(np.zeros(2), np.eye(2))
    for pair in [
        (Moments(np.zeros(2), np.array(covariance)), good),
        (good, Moments(np.zeros(2), np.array(covariance))),
    ]:
        with pytest.raises(ValueError, match=message):
            frechet_from_moments(*pair)


@pytest.mark.parametrize(("size", "repeats"), [(1, 1), (31, 1), (10, 0)])
def test_refuses_subsets_that_do_not_exist(size: int, repeats: int) -> None:
    with pytest.raises(ValueError, match=r"size must lie in \[2, 30\]|repeats must be at least 1"):
        frechet_at_size(normal(30, 2), normal(40, 2), size=size, repeats=repeats)


@pytest.mark.parametrize(
    ("groups", "message"),
    [(["x", "x", "y"], "found one of 'y'"), (["x", "x"], r"shape \[3\]"), ([["x"], ["x"], ["x"]], r"shape \[3\]")],
)
def test_refuses_groups_without_pairs(groups: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        diversity(np.zeros((3, 2)), groups)  # type: ignore[arg-type]
