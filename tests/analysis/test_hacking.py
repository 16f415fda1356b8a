"""Flags on points that pay with held-out rewards, from records whose answer is known."""

from pathlib import Path

import numpy as np
import pytest

from analysis.hacking import (
    NO_BASE,
    NO_PARTNERS,
    ONE_SEED,
    OTHER_PROMPTS,
    MethodVerdict,
    feature_changes,
    judge_change,
    point_features,
    verdicts_of,
)
from analysis.held_out import feature_quantities, read_features
from analysis.hypervolume import hypervolume
from analysis.report.hacking_table import hacking_table
from analysis.statistics import interval
from analysis.summary import BenchmarkSummary, summarize
from benchmarks.records import (
    EVALUATIONS_FILE,
    FEATURES_FILE,
    REAL_FEATURES_FILE,
    RecordError,
    read_table,
    write_table,
)
from tests.analysis.synthetic_pictures import add_features, add_held_out, add_real_features
from tests.analysis.synthetic_records import TASKS, Recipe, change_run, write_tree

SLIDER = Recipe("pareto_slider", 0.95, divisions=4)
"""Five points, each of which gains in what it was asked for."""
FALLS = [5.0, 5.1, 4.0, 5.0, 3.0, 5.2]
"""Of the held-out reward: the base model, then five points of which the second and the fourth fall."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One benchmark, a slider of five points and its base model, two seeds, without held-out rewards."""
    return write_tree(tmp_path, TASKS[:1], (SLIDER,), (0, 1))


def runs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*/seed*"))


def part_of(folder: Path) -> BenchmarkSummary:
    return summarize(folder).benchmarks[0]


def verdict_of(folder: Path) -> MethodVerdict:
    (verdict,) = verdicts_of(part_of(folder))
    return verdict


def change_rows(run: Path, column: str, value: float, step: int) -> None:
    """Set the first row of a step to a value."""
    frame = read_table(run / EVALUATIONS_FILE)
    frame.loc[frame.index[frame["step"] == step][0], column] = value
    write_table(run / EVALUATIONS_FILE, {name: frame[name].to_numpy() for name in frame.columns})


def test_points_that_pay_are_flagged_and_left_out_of_the_clean_volume(folder: Path) -> None:
    for seed, run in enumerate(runs(folder)):
        add_held_out(run, "clean", [value + 0.001 * seed * index for index, value in enumerate(FALLS)])
    part = part_of(folder)
    (verdict,) = verdicts_of(part)
    assert verdict.flagged == [1, 3]
    assert [point.fell for point in verdict.points] == [(), ("clean",), (), ("clean",), ()]
    # Paired by seed: 3 - 5 and 3.004 - 5.
    assert verdict.points[3].changes["clean"].mean == pytest.approx(-1.998, abs=1e-12)
    assert verdict.clean_volume is not None
    for seed, front in part.fronts["pareto_slider"].items():
        kept = hypervolume(front.points[[0, 2, 4]], reference_point=part.yardstick.reference_point)
        assert verdict.clean_volume.values[seed] == kept
    (row,) = hacking_table(part, (verdict,), {verdict.method: {}}).rows
    assert [cell.value for cell in row[:3]] == ["pareto_slider", 5, 2]
    assert row[-1].value == "clean (2)"
    assert isinstance(row[5].value, float)
    assert 0.0 < row[5].value < 1.0


def test_the_gain_is_weighted_by_the_preference(folder: Path) -> None:
    for run in runs(folder):
        add_held_out(run, "clean", FALLS)
    part = part_of(folder)
    (verdict,) = verdicts_of(part)
    for index, point in enumerate(verdict.points):
        for one in part.measured:
            front = one.fronts[100]
            assert front.preferences is not None
            assert one.base is not None
            # The bounds are 0 and 1.
            expected = float(front.preferences[index] @ (front.points[index] - one.base))
            assert point.asked.values[one.run.record.seed] == pytest.approx(expected, abs=1e-12)


def test_less_is_better_turns_the_flags_around(folder: Path) -> None:
    for run in runs(folder):
        add_held_out(run, "error", FALLS, higher_is_better=False)
    # A rise of an error is a loss, exactly alike on both seeds.
    assert verdict_of(folder).flagged == [0, 4]


def test_a_fall_within_its_interval_or_without_a_gain_is_not_flagged() -> None:
    up, down = interval({0: 0.50, 1: 0.51}), interval({0: -1.0, 1: -1.1})
    wide = interval({0: -1.0, 1: 0.9})
    assert judge_change(up, {"a": down, "b": wide}).fell == ("a",)
    assert judge_change(up, {"a": down}).flagged
    for asked, change in ((up, wide), (wide, down), (down, down), (up, up)):
        assert not judge_change(asked, {"a": change}).flagged
    with pytest.raises(ValueError, match="must have intervals"):
        judge_change(interval({0: 1.0}), {})


def test_one_seed_says_nothing(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (SLIDER,), (0,))
    add_held_out(runs(folder)[0], "clean", FALLS)
    part = part_of(folder)
    (verdict,) = verdicts_of(part)
    assert (verdict.unknown, verdict.points, verdict.clean_volume) == (ONE_SEED, (), None)
    (row,) = hacking_table(part, (verdict,), {verdict.method: {}}).rows
    assert [row[index].value for index in (2, 4, 5)] == [None, None, None]
    assert row[-1].value == "unknown: one seed"


def test_without_a_base_model_nothing_is_said(folder: Path) -> None:
    for run in runs(folder):
        add_held_out(run, "clean", FALLS)
        frame = read_table(run / EVALUATIONS_FILE)
        kept = frame[frame["step"] > 0]
        write_table(run / EVALUATIONS_FILE, {name: kept[name].to_numpy() for name in kept.columns})
        change_run(run, lambda content: content["checkpoints"].pop(0))
    assert verdict_of(folder).unknown == NO_BASE


def test_other_prompts_or_preferences_are_not_paired(folder: Path) -> None:
    for run in runs(folder):
        add_held_out(run, "clean", FALLS)
    change_rows(runs(folder)[0], "held_out_clean", np.nan, 0)
    assert verdict_of(folder).unknown == OTHER_PROMPTS
    # The same value missing on both sides leaves the pairing as it is, if every point lacks as many.
    frame = read_table(runs(folder)[1] / EVALUATIONS_FILE)
    frame["preference_0"], frame["preference_1"] = frame["preference_1"], frame["preference_0"].copy()
    write_table(runs(folder)[1] / EVALUATIONS_FILE, {name: frame[name].to_numpy() for name in frame.columns})
    assert verdict_of(folder).unknown == NO_PARTNERS


def test_no_held_out_reward_no_verdict(folder: Path) -> None:
    assert verdicts_of(part_of(folder)) == ()


def test_features_of_flagged_points_stand_beside(folder: Path) -> None:
    for run in runs(folder):
        add_held_out(run, "clean", FALLS)
        add_features(run, shift=(2.0, 0.5), spread=(1.0, 0.25))
    add_real_features(folder / "two-targets")
    part = part_of(folder)
    (verdict,) = verdicts_of(part)
    by_point = point_features(part, verdict)
    found = feature_changes(by_point, verdict.flagged)
    real = read_features(folder / "two-targets" / REAL_FEATURES_FILE, ("prompt_id",))[1]
    columns, features = read_features(runs(folder)[0] / FEATURES_FILE, ("step", "point", "prompt_id"))
    steps, points, prompts = (columns[name] for name in ("step", "point", "prompt_id"))

    def at(step: int, point: int) -> dict[str, float]:
        rows = (steps == step) & (points == point)
        return feature_quantities(features[rows], prompts[rows], real)

    for name in ("frechet", "diversity"):
        for point, change in enumerate(by_point[name]):
            assert change.values[0] == pytest.approx(at(100, point)[name] - at(0, 0)[name], rel=1e-12)
        expected = (at(100, 1)[name] + at(100, 3)[name]) / 2 - at(0, 0)[name]
        assert found[name].values[0] == pytest.approx(expected, rel=1e-12)
    labels = [column.label for column in hacking_table(part, (verdict,), {verdict.method: by_point}).columns]
    assert labels[6:8] == ["distance to real", "diversity"]


def test_damaged_features_are_refused(folder: Path) -> None:
    for run in runs(folder):
        add_held_out(run, "clean", FALLS)
        add_features(run, shift=(2.0, 0.5), spread=(1.0, 0.25))
    path = runs(folder)[0] / FEATURES_FILE
    part = part_of(folder)
    (verdict,) = verdicts_of(part)
    frame = read_table(path)
    kept = frame[frame["point"] != 4]
    write_table(path, {name: kept[name].to_numpy() for name in kept.columns})
    with pytest.raises(RecordError, match="expected 5 points at step 100"):
        point_features(part, verdict)
