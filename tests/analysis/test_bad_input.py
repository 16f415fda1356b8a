"""Records as they should not be: a clear line that names the file, or a marked cell, never a silent number.

Which damage is tested where: a run's files one by one in `test_reading`, `test_gradient_records`, `test_pictures`,
`test_held_out` and `test_tally`; samples that are missing or come twice in `test_census`; what must not be compared in
`test_comparison`; constant columns in `test_composite`; what a report shows in `report/test_bad_reports`; the command's
exit code in `tests/command`. Here: what is left, through a whole summary.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis.comparison import SEEDS, Comparison, compare
from analysis.matching import match_folders
from analysis.summary import Row, Summary, summarize
from benchmarks.records import (
    EVALUATIONS_FILE,
    GRAMIANS_FILE,
    RUN_FILE,
    STEPS_FILE,
    RecordError,
    read_table,
    write_table,
)
from tests.analysis.damages import Damage, file, looped, record, rows, run_of, trained
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, Task, change_run, write_tree

PAIR = (RECIPES[1], RECIPES[2])
NESTED = b"[" * 100_000
REFUSED: dict[str, tuple[Damage, str]] = {
    "no reward": (record(lambda c: c["benchmark"].update(rewards=[]), True), "expected at least one reward"),
    "reward twice": (record(lambda c: c["benchmark"]["rewards"][1].update(name="r0"), True), "r0 twice"),
    "reference": (record(lambda c: c["benchmark"].update(reference_point=[np.nan, -1.0]), True), "reference_point"),
    "no bounds": (record(lambda c: c["benchmark"].update(bounds=[[1.0, 1.0], [0.0, 1.0]]), True), "low < high"),
    "true volume": (record(lambda c: c["benchmark"].update(true_hypervolume=0.0), True), "true_hypervolume above 0"),
    "true front": (
        record(lambda c: c["benchmark"]["true_front"]["points"][0].__setitem__(0, np.nan), True),
        r"(points must be finite|points\.0\.0)",
    ),
    "status": (record(lambda c: c.update(status="finished")), "run.json: field status: .* found 'finished'"),
    "run.json nested": (file(RUN_FILE, b'{"schema_version": [}'), "run.json is damaged: expected a JSON object"),
    "run.json in latin-1": (file(RUN_FILE, b'{"error": "\xfc"}'), "run.json is damaged: expected a JSON object"),
    "run.json a folder": (file(RUN_FILE, None), "cannot read .*run.json: Is a directory"),
    "checkpoint below 0": (record(lambda c: c["checkpoints"][1].update(step=-20)), "step"),
    "evaluations a folder": (file(EVALUATIONS_FILE, None), "evaluations.parquet"),
    "evaluations of nothing": (file(EVALUATIONS_FILE, b""), "evaluations.parquet is damaged: expected a parquet file"),
    "evaluations a loop": (looped, "evaluations.parquet is damaged"),
    "no rows": (rows(lambda c: {name: column[:0] for name, column in c.items()}), "expected rows"),
    "reward of texts": (rows(lambda c: c | {"reward_r0": np.full(len(c["step"]), "x")}), "numbers in column reward_r0"),
    "reward nowhere": (rows(lambda c: trained(c, reward_r0=np.nan)), "reward_r0 must apply to a prompt"),
    "reward infinite": (rows(lambda c: trained(c, reward_r1=np.inf)), "reward_r1 must be finite"),
    "step of texts": (rows(lambda c: c | {"step": np.full(len(c["step"]), "x")}), "numbers in column step"),
    "gramians of nothing": (file(GRAMIANS_FILE, b""), "gramians.parquet is damaged: expected a parquet file"),
    "gramians a folder": (file(GRAMIANS_FILE, None), "gramians.parquet"),
    "steps a folder": (file(STEPS_FILE, None), "cannot read .*steps.jsonl: Is a directory"),
    "steps cut off": (file(STEPS_FILE, b'{"model": 0}\n{"mod'), "steps.jsonl is damaged: expected one JSON object"),
    "a copy of a run": (
        lambda suite: shutil.copytree(run_of(suite), run_of(suite).with_name("seed9")),
        "seed9/run.json: expected one run a seed, found seed 1 twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_damage_is_one_line_that_says_where(small_folder: Path, case: str) -> None:
    damage, says = REFUSED[case]
    damage(small_folder)
    with pytest.raises(RecordError, match=says) as caught:
        summarize(small_folder)
    text = str(caught.value)
    assert "\n" not in text
    assert "two-targets" in text
    assert len(text.replace(str(small_folder), "")) < 300


# What is left out, or does not matter.


def row_of(summary: Summary, method: str) -> Row:
    (found,) = [row for row in summary.benchmarks[0].rows if row.method == method and row.last]
    return found


HARMLESS: dict[str, Damage] = {
    "no step yet": file(STEPS_FILE, b""),
    "rows in another order": rows(lambda c: {name: column[::-1] for name, column in c.items()}),
    "a checkpoint named twice": record(lambda c: c["checkpoints"].append(c["checkpoints"][-1])),
    "a link to the suite inside of it": lambda suite: (suite / "two-targets/loop").symlink_to(suite),
    "a link to itself": lambda suite: (suite / "two-targets/self").symlink_to(suite / "two-targets/self"),
    "a file among the methods": lambda suite: (suite / "two-targets/notes.txt").write_bytes(b"\xff\x00"),
}


def numbers_of(summary: Summary) -> dict[tuple[str, str], float]:
    """Return every number of every row, by the row and the quantity."""
    return {
        (row.label, f"{name} of seed {seed}"): value
        for row in summary.benchmarks[0].rows
        for name, found in row.quantities.items()
        for seed, value in found.values.items()
    }


@pytest.mark.parametrize("case", HARMLESS)
def test_what_does_not_matter_changes_no_number(small_folder: Path, case: str) -> None:
    expected = numbers_of(summarize(small_folder))
    HARMLESS[case](small_folder)
    assert numbers_of(summarize(small_folder)) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_method_without_checkpoints_has_no_row_and_takes_no_seed_from_others(small_folder: Path) -> None:
    expected = row_of(summarize(small_folder), "fixed_weights").quantities["hypervolume"]
    for seed in (0, 1):
        change_run(run_of(small_folder).with_name(f"seed{seed}"), lambda content: content.update(checkpoints=[]))
    summary = summarize(small_folder)
    assert summary.methods == ["fixed_weights"]
    assert row_of(summary, "fixed_weights").quantities["hypervolume"] == expected
    assert {row.method for row in summary.benchmarks[0].rows} == {"base", "fixed_weights"}


def test_methods_that_reach_the_same_are_tied_and_score_nothing(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], PAIR[:1], (0, 1))
    for seed in (0, 1):
        copy = folder / f"two-targets/twin/seed{seed}"
        shutil.copytree(folder / f"two-targets/nft_preference/seed{seed}", copy)
        change_run(copy, lambda content: content["method"].update(name="twin"))
    rows_by_method = {method: row_of(summarize(folder), method) for method in ("nft_preference", "twin")}
    for row in rows_by_method.values():
        # Every column of the z-scores is constant.
        assert (row.quantities["composite"].mean, row.quantities["composite"].half_width) == (0.0, 0.0)


# Comparisons.


def compared(first: Path, second: Path) -> Comparison:
    return compare(match_folders(first, second), [], alpha=0.05, generator=np.random.default_rng(0))


@pytest.mark.parametrize("n_objectives", [1, 7])
def test_one_and_seven_rewards_are_compared(tmp_path: Path, n_objectives: int) -> None:
    task = (Task("task", n_objectives),)
    first, second = (
        write_tree(tmp_path / name, task, (Recipe("same", quality, divisions=1),), (0, 1), prompts=3)
        for name, quality in (("a", 0.5), ("b", 0.9))
    )
    found = compared(first, second).compared
    assert [one.metric for one in found] == ["hypervolume", *(f"reward_r{k}" for k in range(n_objectives))]
    assert all(one.seeds.verdict in {"not decidable", "tied"} for one in found), "two seeds decide nothing"


def test_fronts_below_the_reference_point_are_compared_as_nothing(tmp_path: Path) -> None:
    first, second = (write_tree(tmp_path / name, TASKS[:1], PAIR[1:], (0, 1), prompts=3) for name in ("a", "b"))
    for suite in (first, second):
        for seed in (0, 1):
            path = suite / f"two-targets/pareto_slider/seed{seed}" / EVALUATIONS_FILE
            frame = read_table(path)
            write_table(path, trained({name: frame[name].to_numpy() for name in frame.columns}, reward_r0=-9.0))
    found = compared(first, second)
    volume = found.compared[0]
    assert (volume.metric, volume.first.mean, volume.second.mean) == ("hypervolume", 0.0, 0.0)
    assert volume.seeds.verdict == "tied"
    assert not found.worse(SEEDS)


# Still to be mended: strict, so that a mended case says so.

TO_MEND = {
    "run.json too deep": (file(RUN_FILE, NESTED), "run.json is damaged"),
    "steps too deep": (file(STEPS_FILE, NESTED), "steps.jsonl is damaged"),
    "steps in latin-1": (file(STEPS_FILE, b'{"a": "\xfc"}\n'), "steps.jsonl is damaged"),
    "no model": (record(lambda c: c.update(models=0), True), "run.json: field models"),
    "seed below 0": (record(lambda c: c.update(seed=-1)), "run.json: field seed"),
    "cost no number": (record(lambda c: c["checkpoints"][1].update(seconds=np.nan)), "run.json: field checkpoints.1"),
    "cost below 0": (record(lambda c: c["checkpoints"][1].update(seconds=-1.0)), "run.json: field checkpoints.1"),
    "name with a way out": (record(lambda c: c["benchmark"].update(name="/../../out"), True), "run.json: field benchm"),
    "same hash, other frame": (record(lambda c: c["benchmark"].update(reference_point=[-5.0, -0.5])), "run.json"),
    "sum beyond numbers": (rows(lambda c: trained(c, reward_r0=1e308)), "evaluations.parquet: "),
    "point no number": (rows(lambda c: c | {"point": np.where(c["point"] == 3, np.nan, c["point"])}), "column point"),
    "reward of digits": (rows(lambda c: c | {"reward_r0": np.full(len(c["step"]), "1.5")}), "numbers in column rewar"),
    "row twice": (rows(lambda c: {name: np.append(column, column[-1:]) for name, column in c.items()}), "8 samples at"),
    "row lost": (rows(lambda c: {name: column[:-1] for name, column in c.items()}), "expected 8 samples at step 100"),
    "prompt lost": (rows(lambda c: {name: v[c["prompt_id"] == 0] for name, v in c.items()}), "samples"),
    "sample repeated": (rows(lambda c: c | {"sample": 0 * c["sample"]}), "expected each sample once"),
    "sample below 0": (rows(lambda c: c | {"sample": -1 - c["sample"]}), "sample must be 0 or more"),
}  # fmt: skip


@pytest.mark.parametrize("case", TO_MEND)
def test_further_damage_is_one_line_that_says_where(small_folder: Path, case: str) -> None:
    damage, says = TO_MEND[case]
    damage(small_folder)
    with pytest.raises(RecordError, match=says) as caught:
        summarize(small_folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", ["row twice", "row lost", "sample repeated"])
def test_samples_that_do_not_match_are_not_compared(small_folder: Path, case: str) -> None:
    whole = Path(shutil.copytree(small_folder, small_folder.with_name("whole")))
    damage, says = TO_MEND[case]
    damage(small_folder)
    with pytest.raises(RecordError, match=rf"evaluations.parquet: .*{says}") as caught:
        compared(whole, small_folder)
    assert "\n" not in str(caught.value)
