"""Attainment against its definition, hypervolumes, and its invariances."""

import numpy as np
import numpy.typing as npt
import pytest

from analysis.attainment import (
    attained_share,
    attainment_gains,
    attainment_rectangles,
    attainment_surface,
    attainment_volumes,
    sets_of_share,
    shared_sets,
    sliced_sets,
)
from analysis.hypervolume import hypervolume
from tests.support.oracles_attainment import naive_attained, naive_gains, naive_surface

Array = npt.NDArray[np.float64]


def some_sets(seed: int, count: int, n_objectives: int, points: int = 3) -> list[Array]:
    """Seeds of a front around the unit cube, of different sizes, with one point in common."""
    generator = np.random.default_rng(seed)
    sets = [generator.uniform(-0.2, 1.0, size=(points - index % 2, n_objectives)) for index in range(count)]
    sets[-1][0] = sets[0][0]
    return sets


@pytest.mark.parametrize("n_objectives", [2, 3])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
def test_surfaces_equal_their_naive_twin(n_objectives: int, count: int, share: float) -> None:
    sets = some_sets(count, count, n_objectives)
    expected = naive_surface(sets, sets_of_share(share, count))
    np.testing.assert_allclose(attainment_surface(sets, share=share), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_objectives", [2, 3, 4, 6])
def test_shares_equal_their_naive_twin(n_objectives: int) -> None:
    sets = some_sets(5, 5, n_objectives)
    places = np.vstack([np.random.default_rng(1).uniform(-0.3, 1.0, size=(30, n_objectives)), *sets])
    expected = [naive_attained(sets, place) / 5 for place in places]
    assert attained_share(sets, places).tolist() == expected
    assert max(expected) > 0


@pytest.mark.parametrize("n_objectives", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_gains_equal_their_naive_twin_and_differ_by_the_hypervolumes(n_objectives: int, seed: int) -> None:
    first, second = some_sets(seed, 3, n_objectives, 2), some_sets(seed + 50, 3, n_objectives, 2)
    corner = np.full(n_objectives, -0.1)
    found = attainment_gains(first, second, reference_point=corner)
    assert tuple(found) == pytest.approx(naive_gains(first, second, corner), rel=1e-12, abs=1e-12)
    means = [np.mean([hypervolume(one, reference_point=corner) for one in sets]) for sets in (first, second)]
    assert found.first - found.second == pytest.approx(means[0] - means[1], abs=1e-12)
    assert attainment_gains(second, first, reference_point=corner) == pytest.approx(tuple(found)[::-1], abs=1e-12)
    assert min(found) >= 0.0


@pytest.mark.parametrize("count", [1, 2, 5])
def test_rectangles_hold_the_difference_everywhere(count: int) -> None:
    first, second = some_sets(3, count, 2), some_sets(4, count, 2)
    corner = np.array([-0.3, -0.25])
    rectangles = attainment_rectangles(first, second, corner=corner)
    places = np.random.default_rng(0).uniform(corner, 1.0, size=(300, 2))
    expected = attained_share(first, places) - attained_share(second, places)
    inside = (places[:, None, :] > rectangles[:, :2]).all(axis=2) & (places[:, None, :] < rectangles[:, 2:4]).all(
        axis=2
    )
    assert inside.sum(axis=1).max() <= 1
    np.testing.assert_allclose(inside @ rectangles[:, 4], expected, atol=1e-12)
    areas = (rectangles[:, 2:4] - rectangles[:, :2]).prod(axis=1) * rectangles[:, 4]
    gains = attainment_gains(first, second, reference_point=corner)
    assert areas[areas > 0].sum() == pytest.approx(gains.first, abs=1e-12)
    assert -areas[areas < 0].sum() == pytest.approx(gains.second, abs=1e-12)


def test_equal_methods_differ_nowhere() -> None:
    sets = some_sets(0, 3, 2)
    assert attainment_rectangles(sets, sets, corner=[-1, -1]).shape == (0, 5)
    assert attainment_gains(sets, sets, reference_point=[-1, -1]) == (0.0, 0.0)


@pytest.mark.parametrize("n_objectives", [2, 3])
def test_volumes_fall_with_the_share_and_bound_the_seeds(n_objectives: int) -> None:
    sets, corner = some_sets(7, 4, n_objectives), np.zeros(n_objectives)
    each = sorted(hypervolume(one, reference_point=corner) for one in sets)
    volumes = attainment_volumes(sets, reference_point=corner, shares=(0.25, 0.5, 0.75, 1.0))
    assert list(volumes.values()) == sorted(volumes.values(), reverse=True)
    assert volumes[0.25] >= each[-1]
    assert volumes[1.0] <= each[0]
    # Over all levels the mean of the volumes is the mean of the hypervolumes.
    assert np.mean(list(volumes.values())) == pytest.approx(np.mean(each), rel=1e-12)


def test_one_set_is_its_own_surface_and_units_do_not_matter() -> None:
    points = np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 2.0]])
    assert attainment_surface([points], share=0.5).tolist() == [[1.0, 3.0], [2.0, 2.0]]
    sets, units = some_sets(2, 3, 3), np.array([2.0, 0.5, 100.0])
    np.testing.assert_allclose(
        attainment_surface([one * units for one in sets], share=0.5), attainment_surface(sets, share=0.5) * units
    )


def test_all_points_below_the_reference_point_give_no_volume() -> None:
    sets = some_sets(1, 3, 2)
    assert set(attainment_volumes(sets, reference_point=[5.0, 5.0]).values()) == {0.0}
    assert attainment_rectangles(sets, some_sets(2, 3, 2), corner=[5.0, 5.0]).shape == (0, 5)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([], "found none"),
        ([np.zeros((0, 2))], "set 0 must have shape"),
        ([np.zeros((1, 2)), np.zeros((1, 3))], "set 1 must have shape"),
        ([np.zeros((1, 4))], "2 or 3 columns, found 4"),
        ([np.full((1, 2), np.nan)], "set 0 must be finite"),
    ],
)
def test_refuses_what_has_no_surface(sets: list[Array], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        attainment_surface(sets, share=0.5)


def test_refuses_what_cannot_be_compared() -> None:
    one = [np.zeros((1, 2))]
    with pytest.raises(ValueError, match="as many sets"):
        attainment_gains(one, one * 2, reference_point=[-1, -1])
    with pytest.raises(ValueError, match="2 columns, found 3"):
        attainment_rectangles([np.zeros((1, 3))], [np.zeros((1, 3))], corner=[0, 0])
    with pytest.raises(ValueError, match="corner must be 2 finite numbers"):
        attainment_rectangles(one, one, corner=[0, np.inf])
    with pytest.raises(ValueError, match="places must have 2 columns"):
        attained_share(one, [[0.0]])
    for share in (0.0, 1.5):
        with pytest.raises(ValueError, match="share must lie in"):
            sets_of_share(share, 3)


def test_only_shared_seeds_are_compared_and_nothing_is_changed() -> None:
    sets = dict(enumerate(some_sets(0, 4, 2)))
    copies = {seed: points.copy() for seed, points in sets.items()}
    first, second = shared_sets({3: sets[3], 1: sets[1], 0: sets[0]}, {1: sets[2], 3: sets[0]})
    assert first[0] is sets[1]
    assert second[1] is sets[0]
    attainment_surface(list(sets.values()), share=0.5)
    for seed, points in sets.items():
        np.testing.assert_array_equal(points, copies[seed])


@pytest.mark.parametrize("level", [-1.0, 0.2, 0.6, 5.0])
def test_a_slice_is_attained_as_the_whole_is_at_its_level(level: float) -> None:
    sets, corner = some_sets(9, 4, 3), np.array([-0.5, -0.4])
    slices = sliced_sets(sets, level, corner=corner)
    places = np.random.default_rng(2).uniform(corner, 1.0, size=(200, 2))
    expected = [naive_attained(sets, np.append(place, level)) / 4 for place in places]
    assert attained_share(slices, places).tolist() == expected
    # So is every surface of it, and there is one where no seed reaches the level.
    for share in (0.25, 0.5, 0.75, 1.0):
        surface = attainment_surface(slices, share=share)
        attained = [naive_attained(sets, np.append(corner_of, level)) >= 4 * share for corner_of in surface]
        assert all(attained) or surface.tolist() == [corner.tolist()]


def test_only_three_rewards_are_sliced() -> None:
    with pytest.raises(ValueError, match="points must have 3 columns, found 2"):
        sliced_sets(some_sets(0, 2, 2), 0.0, corner=[0, 0])
    with pytest.raises(ValueError, match="corner must be finite"):
        sliced_sets(some_sets(0, 2, 3), 0.0, corner=[0, np.nan])
