"""What is read of a run's gradients, and what is refused in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.gradient_records import read_gradients, read_gramians
from analysis.gradients import gradient_quantities, update_cosines
from analysis.summary import summarize
from benchmarks.records import GRAMIANS_FILE, STEPS_FILE, RecordError, RewardRecord, read_table, write_table
from tests.analysis.synthetic_gradients import columns_of, places_of, write_gradients, write_log
from tests.analysis.synthetic_records import GRADIENT_RECIPES, TASKS, write_tree

REWARDS = [RewardRecord(name=f"r{k}", unit="", higher_is_better=True, range=(None, None)) for k in range(2)]
Columns = dict[str, np.ndarray]


def write(folder: Path, change: Callable[[Columns], Any]) -> Path:
    """Write a good table with a change."""
    columns: Columns = columns_of(places_of("plain_sum", 2, 1)[0])
    change(columns)
    write_table(folder / GRAMIANS_FILE, columns)
    return folder / GRAMIANS_FILE


def test_parts_come_in_order_and_add_up(tmp_path: Path) -> None:
    write_gradients(tmp_path, "min_norm", 2, 1)
    found = read_gradients(tmp_path, REWARDS)
    assert list(found.parts) == ["all", "layer:head", "layer:body", "sigma:0-0.5", "sigma:0.5-1"]
    groups = found.parts["layer:head"].products + found.parts["layer:body"].products
    np.testing.assert_allclose(groups, found.parts["all"].products, atol=1e-12)
    assert found.parts["all"].steps.tolist() == [1, 6, 11, 16, 21, 26, 31, 36]
    assert found.solved.tolist() == [1.0, 0.0] * 4
    np.testing.assert_allclose(
        update_cosines(found.parts["sigma:0.5-1"]), update_cosines(found.parts["all"]), atol=1e-12
    )


def test_coefficients_are_read_from_the_steps(tmp_path: Path) -> None:
    write_gradients(tmp_path, "min_norm", 2, 1)
    found = read_gradients(tmp_path, REWARDS).coefficients
    assert found is not None
    assert found.steps.tolist() == list(range(1, 41))
    np.testing.assert_allclose(found.alpha, 0.5, atol=1e-12)


def test_both_files_may_be_missing(tmp_path: Path) -> None:
    found = read_gradients(tmp_path, REWARDS)
    assert (found.parts, found.coefficients, len(found.solved)) == ({}, None, 0)
    write_gradients(tmp_path, "min_norm", 2, 1)
    (tmp_path / STEPS_FILE).unlink()
    # Committed results have no step logs: then nobody knows which steps solved.
    names = gradient_quantities(read_gradients(tmp_path, REWARDS))
    assert "conflict_rate" in names
    assert "conflict_rate_solved" not in names
    (tmp_path / GRAMIANS_FILE).unlink()
    with pytest.raises(RecordError, match=r"gramians.parquet: no such file"):
        read_gramians(tmp_path / GRAMIANS_FILE, 2)


def test_tables_of_the_old_schema_have_an_unknown_update(tmp_path: Path) -> None:
    def old(columns: Columns) -> None:
        whole = columns["part"] == "all"
        for name in list(columns):
            columns[name] = columns[name][whole]
        for name in ("part", "u_0", "u_1", "u_u"):
            del columns[name]

    parts = read_gramians(write(tmp_path, old), 2)
    assert list(parts) == ["all"]
    assert np.isnan(update_cosines(parts["all"])).all()
    found = gradient_quantities(read_gradients(tmp_path, REWARDS))
    assert found["plain_sum_conflict_rate"] == 0.5
    assert "conflict_rate" not in found


def test_the_order_of_noise_levels_is_theirs(tmp_path: Path) -> None:
    def rename(columns: Columns) -> None:
        names = {"sigma:0-0.5": "sigma:0.5-1", "sigma:0.5-1": "sigma:1e-05-0.5"}
        columns["part"] = np.array([names.get(name, name) for name in columns["part"].tolist()])

    parts = read_gramians(write(tmp_path, rename), 2)
    assert list(parts)[3:] == ["sigma:1e-05-0.5", "sigma:0.5-1"]


def test_an_empty_table_is_no_measurement(tmp_path: Path) -> None:
    def cut(columns: Columns) -> None:
        for name in columns:
            columns[name] = columns[name][:0]

    assert read_gramians(write(tmp_path, cut), 2) == {}


def change_first(name: str, value: object) -> Callable[[Columns], None]:
    def change(columns: Columns) -> None:
        columns[name] = np.array([value, *columns[name][1:].tolist()])

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda columns: columns.pop("g_1_0"), "expected a column g_1_0, found model, step"),
        (lambda columns: columns.pop("part"), "expected a column part, found model, step"),
        (lambda columns: columns.pop("u_u"), "expected a column u_u, found model, step"),
        (lambda columns: columns.update(g_2_0=columns["g_0_0"]), "expected the columns of 2 rewards, found g_2_0 too"),
        (change_first("u_u", float("nan")), "u_u must be finite, found nan in row 0"),
        (change_first("g_0_1", float("inf")), "g_0_1 must be finite, found inf in row 0"),
        (lambda c: c.update(u_0=np.array(["x"] * len(c["u_0"]))), "expected numbers in column u_0, found"),
        (change_first("g_0_0", -1.0), "expected inner products of vectors, .* model 0, step 1, part all"),
        (change_first("u_1", 100.0), "expected inner products of vectors, .* model 0, step 1, part all"),
        (change_first("g_0_1", 0.5), "expected inner products of vectors, .* model 0, step 1, part all"),
        (change_first("step", 6), "expected one row a model, step and part, found model 0, step 6 twice"),
        (lambda c: c.update(part=np.array(["half"] * len(c["part"]))), "expected a part all, .* found 'half'"),
        (lambda c: c.update(part=np.array(["layer:"] * len(c["part"]))), "expected a part all, .* found 'layer:'"),
        (lambda c: c.update(part=np.array(["sigma:a-b"] * len(c["part"]))), "expected a part all, .*'sigma:a-b'"),
        (
            lambda c: c.update(part=np.where(c["part"] == "all", "layer:tail", c["part"])),
            "expected rows of part all, found layer:tail",
        ),
    ],
)
def test_damaged_tables_are_refused_in_one_line(tmp_path: Path, change: Callable[[Columns], Any], message: str) -> None:
    path = write(tmp_path, change)
    with pytest.raises(RecordError, match=message) as caught:
        read_gradients(tmp_path, REWARDS)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"model": 0, "step": 1, "solved": "yes"}, "solved must be 0 or 1, found 'yes'"),
        ({"model": 0, "solved": 1}, "expected whole numbers model and step, found 0 and None"),
        ({"model": 0, "step": 1, "alpha": {"r0": 1.0}}, "alpha must have a value for each of r0, r1"),
        ({"model": 0, "step": 1, "alpha": [0.5, 0.5]}, "alpha must have a value for each of r0, r1"),
        ({"model": 0, "step": 1, "alpha": {"r0": 1.0, "r1": "x"}}, "alpha must be numbers"),
    ],
)
def test_damaged_steps_are_refused_in_one_line(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    write_log(tmp_path, [row])
    with pytest.raises(RecordError, match=rf"steps.jsonl: {message}") as caught:
        read_gradients(tmp_path, REWARDS)
    assert "\n" not in str(caught.value)


def test_steps_that_say_nothing_are_skipped(tmp_path: Path) -> None:
    log = [
        {"model": 0, "step": 1},
        {"model": 0, "step": 2, "alpha": None, "solved": None},
        {"model": 0, "step": 3, "alpha": {"r0": None, "r1": 1.0}},
        {"model": 0, "step": 4, "alpha": {"r0": 0.25, "r1": 0.75}, "solved": 1},
    ]
    write_log(tmp_path, log)
    found = read_gradients(tmp_path, REWARDS).coefficients
    assert found is not None
    assert (found.steps.tolist(), found.alpha.tolist()) == ([4], [[0.25, 0.75]])


def test_a_report_names_the_damaged_file(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], GRADIENT_RECIPES[:1], (0,))
    path = folder / "two-targets/marble/seed0" / GRAMIANS_FILE
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RecordError, match=r"gramians.parquet is damaged: expected a parquet file"):
        summarize(folder)


def test_a_cancelled_update_may_carry_rounding(tmp_path: Path) -> None:
    def cancel(columns: Columns) -> None:
        for name in ("u_0", "u_1", "u_u"):
            columns[name] = np.full(len(columns[name]), -1e-17)

    parts = read_gramians(write(tmp_path, cancel), 2)
    assert np.isnan(update_cosines(parts["all"])).all()
    assert len(read_table(tmp_path / GRAMIANS_FILE)) == 40
