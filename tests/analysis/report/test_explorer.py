"""The explorer shows the means of the records, raw, and moves only what follows a preference."""

import json

import numpy as np
import pytest

from analysis.front import Front, oriented
from analysis.looks import assign_looks
from analysis.report.explorer import explorer_data, shared_points, thinned
from analysis.summary import Summary
from benchmarks.records import EVALUATIONS_FILE, RewardRecord, read_table

SCORE = RewardRecord(name="score", unit="", higher_is_better=True, range=(None, None))
COST = RewardRecord(name="cost", unit="s", higher_is_better=False, range=(None, None))


def test_points_are_the_means_of_the_records(suite_summary: Summary) -> None:
    data = {one["name"]: one for one in explorer_data(suite_summary, {})["benchmarks"]}
    for run in suite_summary.runs:
        record = run.record
        frame = read_table(run.folder / EVALUATIONS_FILE)
        last = frame[frame["step"] == frame["step"].max()]
        rewards = [f"reward_{reward.name}" for reward in record.benchmark.rewards]
        means = last.groupby("point")[rewards].mean().to_numpy()
        methods = {method["name"]: method for method in data[record.benchmark.name]["methods"]}
        found = methods[record.method.name]
        np.testing.assert_allclose(found["seeds"][str(record.seed)], means, rtol=1e-5, atol=1e-9)
    for one in data.values():
        for method in one["methods"]:
            over_seeds = np.mean([method["seeds"][str(seed)] for seed in (0, 1, 2)], axis=0)
            np.testing.assert_allclose(method["points"], over_seeds, rtol=1e-4, atol=1e-8)
            assert method["mean"] == [0, 1, 2]


def test_the_frame_is_in_the_units_of_the_records(suite_summary: Summary) -> None:
    data = {one["name"]: one for one in explorer_data(suite_summary, {})["benchmarks"]}
    for part in suite_summary.benchmarks:
        one, record = data[part.record.name], part.record
        assert one["reference"] == pytest.approx(record.reference_point)
        assert [reward["higher"] for reward in one["rewards"]] == [r.higher_is_better for r in record.rewards]
        assert record.true_front is not None
        true = {tuple(np.round(point, 4)) for point in record.true_front.points}
        assert len(one["trueFront"]) == min(200, len(record.true_front.points))
        assert {tuple(np.round(point, 4)) for point in one["trueFront"]} <= true
        assert part.base is not None
        assert one["base"] == pytest.approx(oriented(part.base, record.rewards).tolist(), rel=1e-5)


def test_only_methods_with_several_preferences_move(suite_summary: Summary) -> None:
    looks = assign_looks(suite_summary.methods)
    for one in explorer_data(suite_summary, {})["benchmarks"]:
        for method in one["methods"]:
            assert method["follows"] is True
            assert (method["color"], method["marker"]) == (looks[method["name"]].color, looks[method["name"]].marker)
            np.testing.assert_allclose(np.sum(method["preferences"], axis=1), 1.0, atol=1e-5)
            assert set(method["facts"]) == {"hypervolume", "share of true hypervolume", "M evals"}
            assert "±" in method["facts"]["hypervolume"]
    json.dumps(explorer_data(suite_summary, {}), allow_nan=False)


def test_seeds_with_other_preferences_are_not_averaged() -> None:
    fronts = {
        3: Front([[1.0, -2.0]], [[0.5, 0.5]]),
        4: Front([[5.0, -6.0], [7.0, -8.0]], [[0.5, 0.5], [1.0, 0.0]]),
    }
    alone = shared_points(fronts, [SCORE, COST])
    assert (alone.points.tolist(), alone.halves, alone.seeds) == ([[1.0, 2.0]], None, (3,))
    other = shared_points(fronts, [SCORE, COST], first=4)
    assert (other.points.tolist(), other.seeds) == ([[5.0, 6.0], [7.0, 8.0]], (4,))
    unknown = shared_points({0: Front([[1.0]]), 1: Front([[1.0]], [[1.0]])}, [SCORE], first=9)
    assert unknown.seeds == (0,)


def test_half_widths_are_those_of_the_t_interval() -> None:
    fronts = {seed: Front([[value]], [[1.0]]) for seed, value in enumerate((1.0, 2.0, 3.0))}
    found = shared_points(fronts, [SCORE])
    assert found.points.tolist() == [[2.0]]
    assert found.halves is not None
    # t(2, 97.5 %) = 4.30265 times 1 / sqrt(3).
    assert found.halves[0, 0] == pytest.approx(2.48414, rel=1e-5)


def test_thinning_keeps_the_ends_and_only_points_that_are() -> None:
    points = np.random.default_rng(0).standard_normal((977, 3))
    found = thinned(points)
    assert len(found) == 200
    assert {tuple(row) for row in found.tolist()} <= {tuple(row) for row in points.tolist()}
    assert (found[0, 0], found[-1, 0]) == (points[:, 0].min(), points[:, 0].max())
