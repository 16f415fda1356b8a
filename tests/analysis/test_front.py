"""Fronts: validation, non-dominance, and the means behind a point."""

import numpy as np
import pandas as pd
import pytest

from analysis.front import Front, front_of, held_out_of, non_dominated, oriented
from benchmarks.records import RecordError, RewardRecord
from tests.support.oracles_fronts import naive_non_dominated

SCORE = RewardRecord(name="score", unit="", higher_is_better=True, range=(0, 1))
COST = RewardRecord(name="cost", unit="s", higher_is_better=False, range=(0, None))
NAN = float("nan")


def rows(**changes: list[float]) -> pd.DataFrame:
    """Two points, two prompts each, at step 3."""
    columns: dict[str, list[float]] = {
        "step": [3, 3, 3, 3],
        "point": [0, 0, 1, 1],
        "preference_0": [1.0, 1.0, 0.0, 0.0],
        "preference_1": [0.0, 0.0, 1.0, 1.0],
        "prompt_id": [0, 1, 0, 1],
        "sample": [0, 0, 0, 0],
        "reward_score": [0.2, 0.4, 0.1, 0.3],
        "reward_cost": [5.0, 7.0, 1.0, 2.0],
    }
    return pd.DataFrame(columns | changes)


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_non_dominated_equals_the_pairwise_definition(n_objectives: int, seed: int) -> None:
    points = np.random.default_rng(seed).integers(0, 5, size=(40, n_objectives)).astype(np.float64)
    assert non_dominated(points).tolist() == naive_non_dominated(points)


def test_non_dominated_of_nothing_is_nothing() -> None:
    assert non_dominated(np.zeros((0, 3))).tolist() == []


def test_non_dominated_keeps_the_first_of_equal_points() -> None:
    assert non_dominated([[1, 1], [1, 1], [0, 2]]).tolist() == [True, False, True]


@pytest.mark.parametrize("value", [NAN, float("inf"), -float("inf")])
def test_front_refuses_values_that_are_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match=r"points must be finite, found .* in row 1"):
        Front(np.array([[0.0, 1.0], [value, 1.0]]))


def test_front_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"points must have shape \[N, K\] with K >= 1, found \[3\]"):
        Front(np.zeros(3))
    with pytest.raises(ValueError, match=r"preferences must have the shape of points \[2, 2\], found \[1, 2\]"):
        Front(np.zeros((2, 2)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="counts must have the shape of points"):
        Front(np.zeros((2, 2)), None, np.ones((2, 1), dtype=np.int64))


def test_front_is_a_copy_and_read_only() -> None:
    points = np.ones((2, 2))
    front = Front(points)
    points[0, 0] = 9.0
    assert front.points[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        front.points[0, 0] = 2.0


def test_front_of_takes_means_and_negates_costs() -> None:
    front = front_of(rows(), [SCORE, COST], 3)
    np.testing.assert_allclose(front.points, [[0.3, -6.0], [0.2, -1.5]], rtol=1e-15)
    assert front.preferences is not None
    assert front.preferences.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_front_of_leaves_out_prompts_a_reward_does_not_apply_to() -> None:
    front = front_of(rows(reward_score=[0.2, NAN, NAN, 0.3]), [SCORE, COST], 3)
    assert front.points[:, 0].tolist() == [0.2, 0.3]
    assert front.counts is not None
    assert front.counts.tolist() == [[1, 2], [1, 2]]


def test_front_of_does_not_depend_on_the_order_of_rows_or_change_them() -> None:
    table = rows()
    before = table.copy()
    shuffled = table.iloc[[3, 1, 0, 2]]
    np.testing.assert_array_equal(front_of(table, [SCORE, COST], 3).points, front_of(shuffled, [SCORE, COST], 3).points)
    pd.testing.assert_frame_equal(table, before)


def test_front_of_sums_float32_rewards_in_float64() -> None:
    count = 20_000
    value = np.float32(0.1)
    table = pd.DataFrame({"step": np.zeros(count, dtype=int), "point": 0, "reward_score": np.full(count, value)})
    assert front_of(table, [SCORE], 0).points[0, 0] == pytest.approx(float(value), rel=1e-12)


def test_front_of_has_no_preferences_where_none_was_asked() -> None:
    assert front_of(rows(preference_0=[NAN] * 4), [SCORE, COST], 3).preferences is None
    assert front_of(rows().drop(columns="preference_1"), [SCORE, COST], 3).preferences is None


def test_front_of_says_what_is_wrong() -> None:
    with pytest.raises(RecordError, match="reward_score must apply to a prompt, found only NaN at step 3, point 1"):
        front_of(rows(reward_score=[0.2, 0.4, NAN, NAN]), [SCORE, COST], 3)
    with pytest.raises(RecordError, match="reward_cost must be finite"):
        front_of(rows(reward_cost=[0.2, 0.4, float("inf"), 0.0]), [SCORE, COST], 3)
    with pytest.raises(RecordError, match="expected a column reward_score"):
        front_of(rows().drop(columns="reward_score"), [SCORE, COST], 3)
    with pytest.raises(RecordError, match="expected rows of step 4, found steps 3"):
        front_of(rows(), [SCORE, COST], 4)
    with pytest.raises(RecordError, match="a point must have one preference"):
        front_of(rows(preference_0=[1.0, 0.5, 0.0, 0.0]), [SCORE, COST], 3)


def test_held_out_of_reads_the_other_columns() -> None:
    table = rows().rename(columns={"reward_cost": "held_out_cost"})
    front = held_out_of(table, [COST], 3)
    assert front.points.tolist() == [[-6.0], [-1.5]]
    assert front.preferences is None


def test_oriented_twice_gives_back_the_raw_values() -> None:
    values = np.array([[1.0, 2.0], [0.0, -3.0]])
    np.testing.assert_array_equal(oriented(oriented(values, [SCORE, COST]), [SCORE, COST]), values)
    with pytest.raises(ValueError, match="values must have 1 columns"):
        oriented(values, [SCORE])
