"""The frame of a benchmark, and the exact_front_share of a finite sweep."""

import math
from typing import Any

import numpy as np
import pytest

from analysis.dominance import simplex_lattice
from analysis.front import Front, oriented
from analysis.yardstick import best_known_set, yardstick_of
from benchmarks.records import RecordError
from tests.analysis.synthetic_records import Task

COSTS = Task("costs", 2, minimized=(1,))


def test_everything_is_oriented_alike() -> None:
    gains, costs = yardstick_of(Task("gains", 2).record()), yardstick_of(COSTS.record())
    np.testing.assert_allclose(costs.reference_point, gains.reference_point)
    np.testing.assert_allclose(costs.bounds, gains.bounds)
    assert costs.true_front is not None
    assert gains.true_front is not None
    np.testing.assert_allclose(costs.true_front.points, gains.true_front.points)
    assert costs.true_hypervolume == pytest.approx(gains.true_hypervolume)


def test_true_front_fills_its_own_hypervolume() -> None:
    yardstick = yardstick_of(COSTS.record())
    assert yardstick.true_front is not None
    assert yardstick.true_hypervolume is not None
    assert yardstick.hypervolume(yardstick.true_front) == pytest.approx(yardstick.true_hypervolume, rel=1e-12)
    assert yardstick.exact_front_share(yardstick.true_front) == pytest.approx(1.0, rel=1e-12)


def test_exact_front_share_is_the_true_front_at_the_same_preferences() -> None:
    yardstick, preferences = yardstick_of(COSTS.record()), simplex_lattice(2, 4)
    perfect = Front(oriented(COSTS.rewards_at(preferences), yardstick.rewards), preferences)
    poor = Front(perfect.points - 0.3, preferences)
    assert yardstick.true_hypervolume is not None
    expected = yardstick.hypervolume(perfect) / yardstick.true_hypervolume
    assert expected < 1.0
    assert yardstick.exact_front_share(poor) == pytest.approx(expected, rel=1e-12)


def test_exact_front_share_is_unknown_where_a_preference_has_no_match() -> None:
    yardstick = yardstick_of(COSTS.record())
    assert yardstick.exact_front_share(Front(np.zeros((1, 2)), np.array([[0.3333, 0.6667]]))) is None
    assert yardstick.exact_front_share(Front(np.zeros((1, 2)))) is None
    unknown = yardstick_of(Task("unknown", 2, known_front=False).record())
    assert unknown.exact_front_share(Front(np.zeros((1, 2)), np.array([[0.5, 0.5]]))) is None


def test_exact_front_share_tolerates_rounded_preferences() -> None:
    yardstick = yardstick_of(COSTS.record())
    near, exact = np.array([[0.5 + 5e-7, 0.5 - 5e-7]]), np.array([[0.5, 0.5]])
    points = np.zeros((1, 2))
    assert yardstick.exact_front_share(Front(points, near)) == yardstick.exact_front_share(Front(points, exact))


def test_distances_to_the_true_front_vanish_on_it() -> None:
    yardstick = yardstick_of(COSTS.record())
    assert yardstick.true_front is not None
    targets, name = best_known_set(yardstick, [])
    found = yardstick.distances(yardstick.true_front, targets)
    assert name == "true front"
    assert (found["igd_plus"], found["epsilon_plus"]) == (0.0, 0.0)


def test_union_of_methods_stands_in_for_an_unknown_front() -> None:
    yardstick = yardstick_of(Task("unknown", 2, known_front=False).record())
    points, name = best_known_set(yardstick, [Front(np.array([[0.0, 1.0], [0.0, 0.5]])), Front(np.array([[1.0, 0.0]]))])
    assert name == "union of all methods"
    assert sorted(points.tolist()) == [[0.0, 1.0], [1.0, 0.0]]


def test_base_model_must_lie_above_the_reference_point() -> None:
    yardstick = yardstick_of(COSTS.record())
    yardstick.require_above_reference(Front(np.array([[0.0, 0.0]])))
    with pytest.raises(RecordError, match=r"costs: base model must lie above .* r0, expected above -0.5, found -0.5"):
        yardstick.require_above_reference(Front(np.array([[-0.5, 0.0]])))
    with pytest.raises(RecordError, match=r"costs: base model must lie below .* r1, expected below 0.5, found 0.75"):
        yardstick.require_above_reference(Front(np.array([[0.0, -0.75]])))


def test_records_that_do_not_fit_their_rewards_are_refused() -> None:
    record = COSTS.record()
    with pytest.raises(RecordError, match="benchmark costs: values must have 2 columns"):
        yardstick_of(record.model_copy(update={"reference_point": [0.0]}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rewards": []}, "expected at least one reward, found none"),
        ({"rewards": [COSTS.record().rewards[0]] * 2}, "expected rewards of different names, found r0 twice"),
        ({"held_out": [COSTS.record().rewards[1]] * 2}, "expected held-out rewards of different names, found r1 twice"),
        ({"reference_point": [math.nan, 0.5]}, r"expected a finite reference_point, found \[nan, 0.5\]"),
        ({"bounds": [(0.0, math.inf), (0.0, 1.0)]}, r"expected finite bounds, found \[\(0.0, inf\), \(0.0, 1.0\)\]"),
        (
            {"bounds": [(0.0, 1.0), (1.0, 0.0)]},
            r"expected bounds with low < high, found \[\(0.0, 1.0\), \(1.0, 0.0\)\]",
        ),
        ({"bounds": [(0.0, 1.0), (1.0, 1.0)]}, "expected bounds with low < high, found "),
        ({"true_hypervolume": math.nan}, "expected a finite true_hypervolume above 0, found nan"),
        ({"true_hypervolume": 0.0}, "expected a finite true_hypervolume above 0, found 0.0"),
    ],
)
def test_what_would_turn_into_nan_in_a_table_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(RecordError, match=rf"^benchmark costs: {says}"):
        yardstick_of(COSTS.record().model_copy(update=changes))
