"""Rows that are missing, come twice, or belong to another point are found, in any order and any batches."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.census import Census, Samples
from benchmarks.records import RecordError

Table = dict[str, npt.NDArray[Any]]
NAMES = ("step", "point", "prompt_id", "sample")


def whole_table(prompts: int = 3, samples: int = 4) -> Table:
    """Two checkpoints, the base model with one point and the other with three."""
    places = [(0, 0), (20, 0), (20, 1), (20, 2)]
    rows = [(*place, 10 * prompt, s) for place in places for prompt in range(prompts) for s in range(samples)]
    return dict(zip(NAMES, np.array(rows).T, strict=True))


def samples_of(*batches: Table) -> Samples:
    census = Census()
    for batch in batches:
        census.add(batch)
    return census.samples()


def rows_of(table: Table, chosen: npt.NDArray[np.generic] | slice) -> Table:
    return {name: column[chosen] for name, column in table.items()}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 48))
def test_order_and_batches_do_not_matter(seed: int, cut: int) -> None:
    order = np.random.default_rng(seed).permutation(48)
    table = rows_of(whole_table(), order)
    found = samples_of(rows_of(table, slice(cut)), rows_of(table, slice(cut, None)))
    assert found == samples_of(whole_table())
    assert (found.count, found.prompts) == (12, 3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 47), st.integers(0, 47))
def test_any_row_that_is_lost_doubled_or_changed_is_found(row: int, other: int) -> None:
    table = whole_table()
    with pytest.raises(RecordError, match=r"^expected \d+ samples at step \d+, point \d as at step .*, found \d+$"):
        samples_of(rows_of(table, np.arange(48) != row))
    with pytest.raises(RecordError, match=r"^expected each sample once at |^expected 12 samples at "):
        samples_of(table, rows_of(table, np.array([row])))
    moved = {name: column.copy() for name, column in table.items()}
    moved["sample"][row] = 9
    with pytest.raises(RecordError, match=r"^expected the samples of step 0, point 0 at step 20, point "):
        samples_of(moved)
    if row // 12 == other // 12 != 0 and row != other:
        # One sample stands for another: the number of rows is right.
        for name in ("prompt_id", "sample"):
            moved[name][row] = table[name][other]
        with pytest.raises(RecordError, match=r"found others$"):
            samples_of(moved)


def test_a_table_that_is_there_twice_is_found() -> None:
    with pytest.raises(
        RecordError, match=r"^expected each sample once at step 0, point 0, found sample 0 of prompt 0 2"
    ):
        samples_of(whole_table(), whole_table())


def test_other_samples_have_another_mark() -> None:
    marks = {samples_of(whole_table(prompts, samples)).mark for prompts in range(1, 8) for samples in range(1, 8)}
    assert len(marks) == 49
    exchanged = whole_table(3, 3)
    exchanged["prompt_id"], exchanged["sample"] = 10 * exchanged["sample"], exchanged["prompt_id"] // 10
    assert samples_of(exchanged) == samples_of(whole_table(3, 3)), "the same set in another order"
    exchanged["prompt_id"] //= 10
    assert samples_of(exchanged).mark != samples_of(whole_table(3, 3)).mark


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("sample", [0, -1], "sample must be 0 or more, found -1"),
        ("prompt_id", [-3, 0], "prompt_id must be 0 or more, found -3"),
        ("point", [0.0, float("nan")], "expected whole numbers in column point, found 'nan'"),
        ("step", [0.5, 1.0], "expected whole numbers in column step, found '0.5'"),
        ("step", [0.0, -1e300], "expected whole numbers in column step, found '-1e\\+300'"),
        ("sample", ["a", "b"], "expected whole numbers in column sample, found 'a'"),
        ("sample", [True, False], "expected whole numbers in column sample, found 'True'"),
    ],
)
def test_numbers_that_are_none_are_refused(name: str, values: list[object], says: str) -> None:
    table = {**{column: np.zeros(2, dtype=np.int64) for column in NAMES}, name: np.array(values)}
    with pytest.raises(RecordError, match=f"^{says}$"):
        samples_of(table)


def test_missing_columns_and_rows_are_told() -> None:
    with pytest.raises(RecordError, match=r"^expected a column prompt_id, found step, point, sample$"):
        samples_of({name: column for name, column in whole_table().items() if name != "prompt_id"})
    for batches in ((), (rows_of(whole_table(), slice(0)),)):
        with pytest.raises(RecordError, match=r"^expected rows, found none$"):
            samples_of(*batches)


def test_whole_numbers_may_be_stored_as_others() -> None:
    floats = {name: column.astype(np.float64) for name, column in whole_table().items()}
    small = {name: column.astype(np.int16) for name, column in whole_table().items()}
    assert samples_of(floats) == samples_of(small) == samples_of(whole_table())
