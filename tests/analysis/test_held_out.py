"""What training changed besides its rewards, in closed form."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.drift import diversity, frechet_distance
from analysis.held_out import Watched, watched
from analysis.statistics import interval
from analysis.summary import Row, summarize
from benchmarks.records import FEATURES_FILE, REAL_FEATURES_FILE, RecordError, RewardRecord, read_table, write_table
from tests.analysis.synthetic_pictures import add_features, add_held_out, add_real_features
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, change_run, write_tree

SLIDER = Recipe("pareto_slider", 0.95, divisions=4)
"""Five points; the balanced one has number 2."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One benchmark, a slider of five points and its base model, two seeds."""
    return write_tree(tmp_path, TASKS[:1], (SLIDER,), (0, 1))


def runs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*/seed*"))


def rows(folder: Path) -> list[Row]:
    return list(summarize(folder).benchmarks[0].rows)


def features_at(path: Path, step: int, point: int) -> tuple[np.ndarray, np.ndarray]:
    frame = read_table(path)
    here = frame[(frame["step"] == step) & (frame["point"] == point)]
    return here[["f_0", "f_1", "f_2"]].to_numpy(dtype=np.float64), here["prompt_id"].to_numpy()


def test_held_out_rewards_are_those_of_the_balanced_point(folder: Path) -> None:
    for seed, run in enumerate(runs(folder)):
        add_held_out(run, "clean", [1.0 + seed, 9.0, 9.0, 3.0 + 3 * seed, 9.0, 9.0])
    base, trained = rows(folder)
    assert dict(base.quantities["held_out_clean"].values) == {0: 1.0, 1: 2.0}
    assert dict(trained.quantities["held_out_clean"].values) == {0: 3.0, 1: 6.0}
    # Paired by seed: 3 - 1 and 6 - 2.
    assert trained.quantities["held_out_change_clean"] == interval({0: 2.0, 1: 4.0})
    assert not any(name.endswith("_change") or "change_" in name for name in base.quantities)


def test_changes_keep_the_units_of_the_record(folder: Path) -> None:
    for run in runs(folder):
        add_held_out(run, "error", [1.0, 9.0, 9.0, 4.0, 9.0, 9.0], higher_is_better=False)
    trained = rows(folder)[-1].quantities
    assert trained["held_out_error"].mean == 4.0
    assert trained["held_out_change_error"].mean == 3.0
    # As a gain, where more is always better, it is a loss.
    assert trained["gain_held_out_error"].mean == pytest.approx(1.0 - np.mean([9.0, 9.0, 4.0, 9.0, 9.0]))


def test_features_of_the_balanced_point_are_measured(folder: Path) -> None:
    add_real_features(folder / "two-targets")
    real = read_table(folder / "two-targets" / REAL_FEATURES_FILE)[["f_0", "f_1", "f_2"]].to_numpy(dtype=np.float64)
    for seed, run in enumerate(runs(folder)):
        add_features(run, shift=(2.0, 0.5 + seed), spread=(1.0, 0.25))
    base, trained = rows(folder)
    for seed, run in enumerate(runs(folder)):
        before, groups = features_at(run / FEATURES_FILE, 0, 0)
        after, _ = features_at(run / FEATURES_FILE, 100, 2)
        distances = frechet_distance(before, real), frechet_distance(after, real)
        spreads = diversity(before, groups), diversity(after, groups)
        assert base.quantities["frechet"].values[seed] == distances[0]
        assert trained.quantities["frechet"].values[seed] == distances[1]
        assert trained.quantities["frechet_change"].values[seed] == distances[1] - distances[0]
        assert trained.quantities["diversity_change"].values[seed] == spreads[1] - spreads[0]
        # The same noise at a quarter of the spread, in half precision.
        assert spreads[1] == pytest.approx(spreads[0] / 4, rel=1e-2)
    assert trained.quantities["frechet_change"].values[0] < 0 < trained.quantities["diversity"].mean


def test_only_the_balanced_point_counts(folder: Path) -> None:
    add_real_features(folder / "two-targets")
    for run in runs(folder):
        add_features(run, shift=(2.0, 0.5), spread=(1.0, 0.5))
    before = rows(folder)[-1].quantities
    for run in runs(folder):
        frame = read_table(run / FEATURES_FILE)
        columns = {name: frame[name].to_numpy(copy=True) for name in frame.columns}
        columns["f_0"][(columns["step"] > 0) & (columns["point"] != 2)] = 50.0
        write_table(run / FEATURES_FILE, columns)
    after = rows(folder)[-1].quantities
    for name in ("frechet", "diversity", "frechet_change", "diversity_change"):
        assert after[name] == before[name]


def test_what_is_not_recorded_is_missing(folder: Path) -> None:
    def found() -> set[str]:
        names = (name for row in rows(folder) for name in row.quantities)
        return {name for name in names if name.startswith(("held_out", "frechet", "diversity"))}

    assert found() == set()
    for run in runs(folder):
        add_features(run, shift=(2.0, 0.5), spread=(1.0, 0.5))
    assert found() == {"diversity", "diversity_change"}
    add_real_features(folder / "two-targets")
    assert found() == {"diversity", "diversity_change", "frechet", "frechet_change"}


def test_one_sample_of_a_prompt_has_no_diversity(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (SLIDER,), (0,), samples=1, prompts=4)
    add_real_features(folder / "two-targets")
    for run in runs(folder):
        add_features(run, shift=(2.0, 0.5), spread=(1.0, 0.5))
    quantities = rows(folder)[-1].quantities
    assert "frechet" in quantities
    assert "diversity" not in quantities


def test_every_checkpoint_has_its_own(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[2:], (0,))
    for run in runs(folder):
        add_features(run, shift=(0.0, 1.0), spread=(1.0, 1.0))
    assert ["diversity_change" in row.quantities for row in rows(folder)] == [False, True, True]


def test_a_missing_base_model_leaves_the_values(folder: Path) -> None:
    for run in runs(folder):
        add_held_out(run, "clean", [1.0, 9.0, 9.0, 3.0, 9.0, 9.0])
        change_run(run, lambda content: content["checkpoints"].pop(0))
    (trained,) = rows(folder)
    assert trained.quantities["held_out_clean"].mean == 3.0
    assert "held_out_change_clean" not in trained.quantities


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def change(column: str, value: float) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        frame = read_table(path)
        columns = {name: frame[name].to_numpy(copy=True) for name in frame.columns}
        columns[column][0] = value
        write_table(path, columns)

    return edit


def drop(column: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        frame = read_table(path).drop(columns=column)
        write_table(path, {name: frame[name].to_numpy() for name in frame.columns})

    return edit


def without_last_point(path: Path) -> None:
    frame = read_table(path)
    frame = frame[frame["point"] < 4]
    write_table(path, {name: frame[name].to_numpy() for name in frame.columns})


def as_text(path: Path) -> None:
    frame = read_table(path)
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    write_table(path, columns | {"f_1": np.full(len(frame), "wide", dtype=object)})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "is damaged: expected a parquet file"),
        (change("f_1", np.nan), "expected finite features, found NaN or an infinity in row 0"),
        (change("f_2", np.inf), "expected finite features"),
        (drop("f_0"), "expected a column f_0"),
        (drop("f_2"), "expected 3 features as in .*real_features.parquet, found 2"),
        (drop("prompt_id"), "expected a column prompt_id"),
        (without_last_point, "expected 5 points at step 100, found 4"),
        (as_text, "expected numbers as features"),
    ],
)
def test_damaged_features_are_named_in_one_line(folder: Path, damage: Callable[[Path], None], message: str) -> None:
    add_real_features(folder / "two-targets")
    for run in runs(folder):
        add_features(run, shift=(2.0, 0.5), spread=(1.0, 0.5))
    path = runs(folder)[1] / FEATURES_FILE
    damage(path)
    with pytest.raises(RecordError, match=message) as error:
        summarize(folder)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_damaged_reference_is_named(folder: Path) -> None:
    shutil.copy(runs(folder)[0] / "run.json", folder / "two-targets" / REAL_FEATURES_FILE)
    with pytest.raises(RecordError, match=r"real_features\.parquet is damaged"):
        summarize(folder)


def test_worse_means_beyond_the_interval_on_the_worse_side() -> None:
    more = Watched("a", "held_out_a", "held_out_change_a", higher_is_better=True)
    less = Watched("b", "held_out_b", "held_out_change_b", higher_is_better=False)
    up, unsure, down = interval({0: 1.0, 1: 1.1}), interval({0: 1.0, 1: -1.0}), interval({0: -1.0, 1: -1.1})
    assert [more.worsened({"held_out_change_a": change}) for change in (up, unsure, down)] == [False, False, True]
    assert [less.worsened({"held_out_change_b": change}) for change in (up, unsure, down)] == [True, False, False]
    assert more.worsened({"held_out_change_a": interval({0: -1.0})}) is None
    assert more.worsened({}) is None


def test_distance_falls_and_diversity_rises_where_all_is_well() -> None:
    reward = RewardRecord(name="clean", unit="", higher_is_better=True, range=(None, None))
    assert [(one.value, one.change, one.higher_is_better) for one in watched([reward])] == [
        ("held_out_clean", "held_out_change_clean", True),
        ("frechet", "frechet_change", False),
        ("diversity", "diversity_change", True),
    ]
