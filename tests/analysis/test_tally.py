"""Running sums: the same whatever the batches, and what a group-by says."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.reading import read_suite
from analysis.tally import Tally
from benchmarks.records import EVALUATIONS_FILE, RecordError, column_batches, find_runs, read_table

NAN = float("nan")


def table(seed: int = 0, rows: int = 400) -> pd.DataFrame:
    """Rows of three steps and four points in no order, a quarter of one reward missing."""
    draw = np.random.default_rng(seed)
    point = draw.integers(0, 4, rows)
    frame = pd.DataFrame({"step": draw.choice([0, 10, 30], rows), "point": point, "preference_0": point / 4})
    frame["preference_1"] = 1 - frame["preference_0"]
    frame["reward_a"] = draw.normal(size=rows).astype(np.float32)
    frame["reward_b"] = np.where(draw.random(rows) < 0.25, NAN, draw.normal(size=rows))
    return frame


def batches(frame: pd.DataFrame, rows: int) -> Iterator[pd.DataFrame]:
    for start in range(0, len(frame), rows):
        yield frame.iloc[start : start + rows]


@pytest.mark.parametrize("rows", [1, 7, 100, 1000])
def test_means_and_counts_are_those_of_a_group_by_whatever_the_batches(rows: int) -> None:
    frame, tally = table(), Tally(["reward_a", "reward_b"], 2)
    for batch in batches(frame, rows):
        tally.add({name: batch[name].to_numpy() for name in batch})
    for step in (0, 10, 30):
        groups = frame[frame["step"] == step].astype({"reward_a": np.float64}).groupby("point")
        found = tally.at(step, ["reward_b", "reward_a"])
        np.testing.assert_allclose(found.means, groups[["reward_b", "reward_a"]].mean().to_numpy(), rtol=1e-12)
        np.testing.assert_array_equal(found.counts, groups[["reward_b", "reward_a"]].count().to_numpy())
        assert found.preferences is not None
        np.testing.assert_array_equal(found.preferences, groups[["preference_0", "preference_1"]].first().to_numpy())


def test_a_preference_that_changes_in_a_later_batch_is_found() -> None:
    tally = Tally(["reward_a"], 1)
    rows = {"step": np.zeros(1), "point": np.zeros(1), "preference_0": np.ones(1), "reward_a": np.ones(1)}
    tally.add(rows)
    assert tally.at(0, ["reward_a"]).preferences is not None
    tally.add(rows | {"preference_0": np.zeros(1)})
    with pytest.raises(RecordError, match="a point must have one preference, found several at step 0"):
        tally.at(0, ["reward_a"])


def test_infinities_of_both_signs_are_told_without_a_warning() -> None:
    tally = Tally(["reward_a"])
    for value in (np.inf, 1.0, -np.inf):
        tally.add({"step": np.zeros(1), "point": np.zeros(1), "reward_a": np.array([value])})
    with pytest.raises(RecordError, match=r"^reward_a must be finite, .*, found inf at step 0$"):
        tally.at(0, ["reward_a"])


@pytest.mark.parametrize("name", ["step", "point"])
@pytest.mark.parametrize("value", [NAN, np.inf])
def test_a_place_that_is_no_number_is_refused(name: str, value: float) -> None:
    rows = {"step": np.zeros(2), "point": np.zeros(2), "reward_a": np.ones(2)} | {name: np.array([0.0, value])}
    with pytest.raises(RecordError, match=f"^expected whole numbers in column {name}, found {value}$"):
        Tally(["reward_a"]).add(rows)


def test_what_is_wrong_at_one_step_does_not_hide_another() -> None:
    tally = Tally(["reward_a"])
    steps, values = np.array([0, 1, 2, 3]), np.array([1.0, NAN, np.inf, 2.0])
    tally.add({"step": steps, "point": np.zeros(4), "reward_a": values})
    assert tally.at(0, ["reward_a"]).means.tolist() == [[1.0]]
    assert tally.at(3, ["reward_a"]).means.tolist() == [[2.0]]
    with pytest.raises(RecordError, match="found only NaN at step 1, point 0"):
        tally.at(1, ["reward_a"])
    with pytest.raises(RecordError, match=r"reward_a must be finite, .* found inf at step 2"):
        tally.at(2, ["reward_a"])


def test_columns_that_hold_no_numbers_are_refused() -> None:
    with pytest.raises(RecordError, match="expected numbers in column reward_a"):
        Tally(["reward_a"]).add({"step": np.zeros(1), "point": np.zeros(1), "reward_a": np.array(["x"], dtype=object)})


def test_a_table_without_rows_has_no_step() -> None:
    tally = Tally(["reward_a"])
    tally.add({name: np.zeros(0) for name in ("step", "point", "reward_a")})
    with pytest.raises(RecordError, match=r"expected rows of step 0, found steps $"):
        tally.at(0, ["reward_a"])


def test_small_batches_give_the_fronts_of_whole_files(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = read_suite(small_folder)
    seen = 0

    def by_threes(path: Path) -> Iterator[dict[str, np.ndarray]]:
        nonlocal seen
        for rows in column_batches(path, 3):
            seen = max(seen, *(len(values) for values in rows.values()))
            yield rows

    monkeypatch.setattr("analysis.reading.column_batches", by_threes)
    pieces, _ = read_suite(small_folder)
    assert seen == 3
    for one, other in zip(whole, pieces, strict=True):
        assert one.fronts.keys() == other.fronts.keys()
        for step in one.fronts:
            np.testing.assert_allclose(one.fronts[step].points, other.fronts[step].points, rtol=1e-12)


def test_columns_without_pandas_equal_the_frame(small_folder: Path) -> None:
    path = find_runs(small_folder)[0].folder / EVALUATIONS_FILE
    frame, pieces = read_table(path), list(column_batches(path, 4))
    for name in frame:
        joined = np.concatenate([piece[str(name)] for piece in pieces])
        assert joined.dtype == frame[name].dtype
        np.testing.assert_array_equal(joined, frame[name].to_numpy())
