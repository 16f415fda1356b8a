"""The min-norm point from the Gramian: on the simplex, optimal to the last digits, and defined for every Gramian."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from methods.min_norm import cosine_matrix, has_gradient, min_norm_weights, optimality_gap
from tests.support.properties import assert_on_simplex, unchanged

WIDE = torch.float64


def gradients(k: int, dimensions: int, seed: int, span: float = 1.0) -> Tensor:
    """Random gradients [K, P] with norms spread over a factor of `span`."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(k, dimensions, generator=generator, dtype=WIDE) + 0.3
    scales = span ** torch.rand(k, generator=generator, dtype=WIDE)
    return rows * scales[:, None]


def wide(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=WIDE)


def gramian(rows: Tensor) -> Tensor:
    return rows @ rows.T


def grid(k: int, divisions: int) -> np.ndarray:
    """All points of the simplex with coordinates in steps of 1 / divisions."""
    counts = [c for c in itertools.product(range(divisions + 1), repeat=k - 1) if sum(c) <= divisions]
    return np.array([(*c, divisions - sum(c)) for c in counts]) / divisions


@pytest.mark.parametrize("k", [1, 2, 3, 5, 16])
@pytest.mark.parametrize("span", [1.0, 1000.0])
@pytest.mark.parametrize("dimensions", [2, 10, 50])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_conditions_of_optimality_hold_to_the_last_digits(k: int, span: float, dimensions: int, seed: int) -> None:
    rows = gradients(k, dimensions, seed, span)
    matrix = gramian(rows)
    with unchanged(matrix):
        alpha = min_norm_weights(matrix)
    assert alpha.dtype == WIDE
    assert_on_simplex(alpha[None], k, 1e-12)
    inner, square = matrix @ alpha, float(alpha @ matrix @ alpha)
    room = 1e-12 * float(matrix.diagonal().max())
    assert float(inner.min()) >= square - room
    assert float((inner[alpha > 0] - square).abs().max()) <= room
    assert optimality_gap(matrix, alpha) <= 1e-12


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_no_point_of_a_grid_on_the_simplex_is_shorter(k: int, seed: int) -> None:
    matrix = gramian(gradients(k, 3, seed, 5.0))
    points = grid(k, 200 if k == 2 else 60)
    values = np.einsum("ni,ij,nj->n", points, matrix.numpy(), points)
    alpha = min_norm_weights(matrix)
    best = float(alpha @ matrix @ alpha)
    assert best <= values.min() + 1e-12
    assert values.min() - best < 0.02 * float(matrix.diagonal().max()), "the grid comes close"


@pytest.mark.parametrize(("dimensions", "seed"), [(7, 806), (3, 953), (3, 1106)])
def test_long_searches_end_too(dimensions: int, seed: int) -> None:
    # These take more changes of the support than the default limit of scipy's solver.
    matrix = gramian(gradients(16, dimensions, seed, 1000.0))
    assert optimality_gap(matrix, min_norm_weights(matrix)) <= 1e-12


@pytest.mark.parametrize("seed", range(8))
def test_two_gradients_have_a_closed_form(seed: int) -> None:
    rows = gradients(2, 4, seed, 30.0)
    a, b = rows
    share = min(1.0, max(0.0, float((b - a) @ b) / float((b - a) @ (b - a))))
    assert min_norm_weights(gramian(rows)).tolist() == pytest.approx([share, 1 - share], rel=1e-10, abs=1e-12)
    units = rows / rows.norm(dim=1, keepdim=True)
    assert min_norm_weights(gramian(units)).tolist() == pytest.approx([0.5, 0.5], rel=1e-10)


def test_orthogonal_gradients_weigh_in_inverse_proportion_to_their_squares() -> None:
    squares = torch.tensor([1.0, 4.0, 0.25, 100.0], dtype=WIDE)
    expected = (1 / squares) / (1 / squares).sum()
    torch.testing.assert_close(min_norm_weights(torch.diag(squares)), expected, rtol=1e-12, atol=0)


def test_a_short_gradient_inside_the_cone_of_the_others_gets_everything() -> None:
    alpha = min_norm_weights(gramian(wide((5.0, 1.0), (5.0, -1.0), (1.0, 0.0))))
    torch.testing.assert_close(alpha, wide((0.0, 0.0, 1.0))[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_identical_gradients_give_their_own_direction(k: int) -> None:
    row = gradients(1, 5, 0)
    rows = row.expand(k, 5)
    alpha = min_norm_weights(gramian(rows))
    assert_on_simplex(alpha[None], k, 1e-12)
    torch.testing.assert_close(alpha @ rows, row[0], rtol=1e-12, atol=0)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_opposite_gradients_cancel(scale: float) -> None:
    row = scale * gradients(1, 5, 1)
    rows = torch.cat((row, -row))
    alpha = min_norm_weights(gramian(rows))
    assert alpha.tolist() == pytest.approx([0.5, 0.5], rel=1e-12)
    assert float((alpha @ rows).norm()) <= 1e-12 * float(row.norm())


@pytest.mark.parametrize("seed", range(4))
def test_permuted_gradients_have_permuted_weights(seed: int) -> None:
    rows = gradients(6, 8, seed, 10.0)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    one, other = min_norm_weights(gramian(rows)), min_norm_weights(gramian(rows[order]))
    torch.testing.assert_close(other, one[order], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_one_factor_for_all_gradients_changes_nothing(seed: int, scale: float) -> None:
    matrix = gramian(gradients(5, 7, seed, 10.0))
    torch.testing.assert_close(min_norm_weights(scale * matrix), min_norm_weights(matrix), rtol=1e-8, atol=1e-12)


def test_duplicated_and_collinear_gradients_do_not_move_the_point() -> None:
    rows = gradients(3, 6, 5)
    alpha = min_norm_weights(gramian(rows))
    point = alpha @ rows
    for more in (rows[:1], 3.0 * rows[1:2], 0.5 * (rows[:1] + rows[1:2])):
        wider = torch.cat((rows, more))
        found = min_norm_weights(gramian(wider))
        assert_on_simplex(found[None], 4, 1e-12)
        torch.testing.assert_close(found @ wider, point, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("zero", [(0,), (1, 3), (0, 1, 2, 3)])
def test_zero_gradients_are_left_out(zero: tuple[int, ...]) -> None:
    rows = gradients(4, 6, 6)
    rows[list(zero)] = 0
    present = [k for k in range(4) if k not in zero]
    matrix = gramian(rows)
    assert has_gradient(matrix).tolist() == [k in present for k in range(4)]
    alpha = min_norm_weights(matrix)
    assert_on_simplex(alpha[None], 4, 1e-12)
    if not present:
        assert alpha.tolist() == [0.25] * 4
        return
    assert alpha[list(zero)].tolist() == [0.0] * len(zero)
    torch.testing.assert_close(alpha[present], min_norm_weights(gramian(rows[present])), rtol=1e-12, atol=0)
    assert optimality_gap(matrix, alpha) <= 1e-12


def test_a_gradient_of_rounding_errors_counts_as_zero() -> None:
    rows = torch.cat((gradients(2, 6, 7), 1e-14 * gradients(1, 6, 8)))
    assert has_gradient(gramian(rows)).tolist() == [True, True, False]
    assert float(min_norm_weights(gramian(rows))[2]) == 0
    assert has_gradient(gramian(torch.cat((rows[:2], 1e-6 * rows[:1])))).tolist() == [True] * 3


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_gramian_that_is_not_finite_is_refused(bad: float) -> None:
    matrix = torch.eye(3, dtype=WIDE)
    matrix[0, 1] = matrix[1, 0] = bad
    with pytest.raises(ValueError, match="finite square Gramian"):
        min_norm_weights(matrix)


def test_a_gramian_that_is_not_square_is_refused() -> None:
    with pytest.raises(ValueError, match="finite square Gramian"):
        min_norm_weights(torch.ones(2, 3))


@pytest.mark.parametrize("seed", range(3))
def test_cosines_do_not_depend_on_the_lengths_of_gradients(seed: int) -> None:
    rows = gradients(5, 7, seed)
    scales = torch.tensor([1e-6, 1.0, 1e5, 0.3, 20.0], dtype=WIDE)
    one, other = cosine_matrix(gramian(rows)), cosine_matrix(gramian(scales[:, None] * rows))
    torch.testing.assert_close(other, one, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(one.diagonal(), torch.ones(5, dtype=WIDE), rtol=1e-12, atol=0)
    torch.testing.assert_close(min_norm_weights(other), min_norm_weights(one), rtol=1e-6, atol=1e-9)


def test_the_cosines_of_a_zero_gradient_are_zero() -> None:
    found = cosine_matrix(torch.diag(torch.tensor([4.0, 0.0], dtype=WIDE)))
    assert found.tolist() == [[1, 0], [0, 0]]
    assert cosine_matrix(torch.zeros(2, 2, dtype=WIDE)).tolist() == [[0, 0], [0, 0]]


def test_the_gap_is_zero_at_the_optimum_and_bounds_the_excess_elsewhere() -> None:
    matrix = gramian(gradients(4, 6, 9, 10.0))
    best = min_norm_weights(matrix)
    lowest, longest = float(best @ matrix @ best), float(matrix.diagonal().max())
    for seed in range(20):
        raw = torch.rand(4, generator=torch.Generator().manual_seed(seed), dtype=WIDE)
        alpha = raw / raw.sum()
        excess = (float(alpha @ matrix @ alpha) - lowest) / longest
        assert excess > 1e-6
        assert optimality_gap(matrix, alpha) >= excess / 2
    assert optimality_gap(torch.zeros(2, 2), torch.tensor([0.5, 0.5])) == 0.0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(2, 16), st.integers(1, 20), st.integers(0, 10**6), st.floats(1.0, 1e3))
def test_any_gramian_has_an_optimal_point(k: int, dimensions: int, seed: int, span: float) -> None:
    matrix = gramian(gradients(k, dimensions, seed, span))
    alpha = min_norm_weights(matrix)
    assert_on_simplex(alpha[None], k, 1e-12)
    assert optimality_gap(matrix, alpha) <= 1e-12


def test_float32_gramians_are_solved_in_float64() -> None:
    matrix = gramian(gradients(5, 8, 11, 100.0))
    alpha = min_norm_weights(matrix.float())
    assert alpha.dtype == WIDE
    assert torch.equal(alpha, min_norm_weights(matrix.float().double()))


def test_another_implementation_comes_close() -> None:
    aggregation = pytest.importorskip("torchjd.aggregation")
    for seed in range(4):
        matrix = gramian(gradients(4, 6, seed))
        ours, theirs = min_norm_weights(matrix), aggregation.MGDAWeighting()(matrix)
        lengths = [float(alpha @ matrix @ alpha) for alpha in (ours, theirs)]
        assert lengths[0] <= lengths[1] + 1e-12
        assert lengths[1] == pytest.approx(lengths[0], rel=0.05, abs=0.02)
