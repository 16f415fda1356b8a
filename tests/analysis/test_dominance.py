"""Distances, coverage and utility against slow twins and closed forms."""

import math

import numpy as np
import pytest

from analysis.dominance import (
    additive_epsilon,
    coverage,
    expected_utility,
    igd_plus,
    lattice_divisions,
    normalize,
    simplex_lattice,
)
from tests.support.oracles_fronts import naive_additive_epsilon, naive_expected_utility, naive_igd_plus


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_distances_equal_their_definitions(n_objectives: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    points, targets = generator.uniform(size=(15, n_objectives)), generator.uniform(size=(12, n_objectives))
    expected = naive_additive_epsilon(points, targets)
    assert additive_epsilon(points, reference_set=targets) == pytest.approx(expected, rel=1e-12)
    expected = naive_igd_plus(points, targets)
    assert igd_plus(points, reference_set=targets) == pytest.approx(expected, rel=1e-12)


def test_distances_of_a_set_to_itself_are_zero() -> None:
    points = np.random.default_rng(0).uniform(size=(9, 3))
    assert additive_epsilon(points, reference_set=points) == 0.0
    assert igd_plus(points, reference_set=points) == 0.0
    assert coverage(points, points) == 1.0


def test_epsilon_is_how_far_a_front_was_pushed_back() -> None:
    front = np.array([[0.0, 1.0], [0.5, 0.8], [1.0, 0.0]])
    assert additive_epsilon(front - 0.125, reference_set=front) == pytest.approx(0.125, rel=1e-12)
    assert additive_epsilon(front + 0.125, reference_set=front) == pytest.approx(-0.125, rel=1e-12)
    assert igd_plus(front + 0.125, reference_set=front) == 0.0


def test_distances_do_not_rise_when_points_are_added() -> None:
    generator = np.random.default_rng(4)
    points, targets = generator.uniform(size=(20, 3)), generator.uniform(size=(20, 3))
    for indicator in (additive_epsilon, igd_plus):
        values = [indicator(points[:count], reference_set=targets) for count in range(1, 21)]
        assert (np.diff(values) <= 1e-15).all()


def test_coverage_is_directed() -> None:
    assert coverage([[2, 2]], [[1, 1], [2, 2], [3, 0]]) == pytest.approx(2 / 3)
    assert coverage([[3, 0]], [[2, 2]]) == 0.0


@pytest.mark.parametrize(("n_objectives", "divisions"), [(1, 1), (2, 5), (3, 4), (4, 3)])
def test_lattice_is_complete(n_objectives: int, divisions: int) -> None:
    lattice = simplex_lattice(n_objectives, divisions)
    assert len(lattice) == math.comb(divisions + n_objectives - 1, n_objectives - 1)
    assert len(np.unique(lattice, axis=0)) == len(lattice)
    np.testing.assert_allclose(lattice.sum(axis=1), 1.0, rtol=1e-15)
    assert (lattice >= 0).all()


@pytest.mark.parametrize("n_objectives", range(2, 11))
def test_lattice_of_the_utility_stays_small(n_objectives: int) -> None:
    divisions = lattice_divisions(n_objectives)
    assert math.comb(divisions + n_objectives - 1, n_objectives - 1) <= 5000
    assert math.comb(divisions + n_objectives, n_objectives - 1) > 5000


def test_utility_in_closed_form() -> None:
    # E max(w, 1 - w) = 3/4 for uniform w; one point at (a, b) is worth (a + b) / 2.
    assert expected_utility([[1.0, 0.0], [0.0, 1.0]]) == pytest.approx(0.75, abs=1e-4)
    assert expected_utility([[0.2, 0.6]]) == pytest.approx(0.4, abs=1e-12)
    assert expected_utility([[0.7]]) == pytest.approx(0.7)


def test_utility_agrees_with_random_weights() -> None:
    points = np.random.default_rng(1).uniform(size=(12, 3))
    expected = naive_expected_utility(points, 4000, np.random.default_rng(2))
    assert expected_utility(points) == pytest.approx(expected, abs=0.01)


def test_utility_ignores_what_lies_below_the_hull() -> None:
    hull = [[1.0, 0.0], [0.0, 1.0]]
    assert expected_utility([*hull, [0.4, 0.4]]) == expected_utility(hull)


def test_normalize_maps_the_bounds_to_zero_and_one() -> None:
    bounds = np.array([[-2.0, 2.0], [1.0, 1.5]])
    assert normalize(bounds.T, bounds).tolist() == [[0.0, 0.0], [1.0, 1.0]]
    with pytest.raises(ValueError, match=r"bounds must satisfy low < high, found \[1.0, 1.0\]"):
        normalize([[1.0]], [(1.0, 1.0)])
    with pytest.raises(ValueError, match=r"bounds must have shape \[1, 2\], found \[2, 2\]"):
        normalize([[1.0]], bounds)


def test_sets_must_be_comparable() -> None:
    with pytest.raises(ValueError, match="both sets must have a point at least, found 0 and 1"):
        additive_epsilon(np.zeros((0, 2)), reference_set=[[1.0, 1.0]])
    with pytest.raises(ValueError, match="both sets must have as many objectives, found 2 and 3"):
        igd_plus([[1.0, 1.0]], reference_set=[[1.0, 1.0, 1.0]])
    with pytest.raises(ValueError, match="must be finite"):
        coverage([[1.0, float("nan")]], [[1.0, 1.0]])
    with pytest.raises(ValueError, match="points must have a row"):
        expected_utility(np.zeros((0, 2)))
    with pytest.raises(ValueError, match="must be at least 1"):
        simplex_lattice(0, 3)


def test_inputs_are_not_changed() -> None:
    points, targets = np.random.default_rng(0).uniform(size=(2, 6, 3))
    copies = points.copy(), targets.copy()
    additive_epsilon(points, reference_set=targets)
    igd_plus(points, reference_set=targets)
    coverage(points, targets)
    expected_utility(points)
    normalize(points, [(0.0, 2.0)] * 3)
    np.testing.assert_array_equal(points, copies[0])
    np.testing.assert_array_equal(targets, copies[1])
