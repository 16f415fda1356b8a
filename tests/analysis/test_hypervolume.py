"""The hypervolume against its definition, two other implementations, and its invariances."""

import warnings

import numpy as np
import numpy.typing as npt
import pytest

from analysis.hypervolume import hypervolume, is_exact
from tests.support.oracles_fronts import hypervolume_by_cells, hypervolume_by_inclusion_exclusion

Array = npt.NDArray[np.float64]


def some_points(seed: int, n_points: int, n_objectives: int) -> Array:
    """Points around the unit cube, some below the reference point 0, some dominated, some equal."""
    points = np.random.default_rng(seed).uniform(-0.2, 1.0, size=(n_points, n_objectives))
    points[-1] = points[0]
    return points


def test_golden_values() -> None:
    # Counted by hand: unit squares under a staircase; 0.1 x 0.8 + ... of the second drawn on paper.
    assert hypervolume([[1, 3], [2, 2], [3, 1]], reference_point=[0, 0]) == 6.0
    points = [[0.9, 0.2], [0.7, 0.6], [0.3, 0.8], [0.6, 0.5]]
    assert hypervolume(points, reference_point=[0.1, 0.1]) == pytest.approx(0.36, rel=1e-12)


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("seed", range(3))
def test_equals_inclusion_exclusion(n_objectives: int, seed: int) -> None:
    points, corner = some_points(seed, 8, n_objectives), np.zeros(n_objectives)
    expected = hypervolume_by_inclusion_exclusion(points, corner)
    assert hypervolume(points, reference_point=corner) == pytest.approx(expected, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize(("n_objectives", "n_points"), [(2, 40), (3, 14)])
def test_equals_a_sum_over_cells(n_objectives: int, n_points: int) -> None:
    points, corner = some_points(7, n_points, n_objectives), np.full(n_objectives, -0.1)
    expected = hypervolume_by_cells(points, corner)
    assert hypervolume(points, reference_point=corner) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n_objectives", [2, 3, 4, 5])
def test_equals_pymoo(n_objectives: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pymoo.indicators.hv import HV
    points = np.random.default_rng(3).dirichlet(np.ones(n_objectives), size=50)
    expected = HV(ref_point=np.full(n_objectives, 0.1))(-points)
    found = hypervolume(points, reference_point=np.full(n_objectives, -0.1))
    assert found == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("n_objectives", [2, 3, 4])
def test_is_monotone_and_does_not_depend_on_order(n_objectives: int) -> None:
    points, corner = some_points(1, 20, n_objectives), np.zeros(n_objectives)
    volumes = [hypervolume(points[:count], reference_point=corner) for count in range(len(points) + 1)]
    assert volumes[0] == 0.0
    assert (np.diff(volumes) >= -1e-15).all()
    assert hypervolume(points[::-1], reference_point=corner) == pytest.approx(volumes[-1], rel=1e-12)
    assert hypervolume(points[:, ::-1], reference_point=corner) == pytest.approx(volumes[-1], rel=1e-12)


def test_scales_with_the_units() -> None:
    points, corner, units = some_points(2, 12, 3), np.full(3, -0.3), np.array([2.0, 0.5, 10.0])
    expected = hypervolume(points, reference_point=corner) * units.prod()
    assert hypervolume(points * units, reference_point=corner * units) == pytest.approx(expected, rel=1e-12)


def test_points_outside_add_nothing() -> None:
    assert hypervolume([[2.0, 0.0], [-1.0, 5.0]], reference_point=[0.0, 0.0]) == 0.0
    assert hypervolume([[1.0, 1.0], [-1.0, 5.0]], reference_point=[0.0, 0.0]) == 1.0
    assert hypervolume(np.zeros((0, 2)), reference_point=[0.0, 0.0]) == 0.0


def test_many_objectives_are_approximated_closely() -> None:
    assert [is_exact(100, k) for k in (6, 7, 9)] == [True, False, False]
    # One point fills a box whose volume is known, but 70 copies shifted below it force the approximation.
    top = np.full((1, 7), 0.9)
    many = np.vstack([0.9 - 0.2 * np.random.default_rng(0).dirichlet(np.ones(7), size=70)])
    found = hypervolume(many, reference_point=np.zeros(7))
    assert found < hypervolume(top, reference_point=np.zeros(7))
    exact = hypervolume(many[:50], reference_point=np.zeros(7))
    assert found >= exact * (1 - 5e-3)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_refuses_what_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match="points must be finite"):
        hypervolume([[1.0, value]], reference_point=[0.0, 0.0])
    with pytest.raises(ValueError, match="reference_point must be 2 finite numbers"):
        hypervolume([[1.0, 1.0]], reference_point=[0.0, value])


def test_refuses_a_reference_point_of_another_length() -> None:
    with pytest.raises(ValueError, match=r"reference_point must be 2 finite numbers, found \[0.0\]"):
        hypervolume([[1.0, 1.0]], reference_point=[0.0])


def test_does_not_change_its_inputs() -> None:
    points, corner = some_points(5, 10, 3), np.zeros(3)
    copies = points.copy(), corner.copy()
    points.setflags(write=False)
    corner.setflags(write=False)
    hypervolume(points, reference_point=corner)
    np.testing.assert_array_equal(points, copies[0])
    np.testing.assert_array_equal(corner, copies[1])
