"""What a report admits."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from analysis.report.notes import invariants_line, notes_of, origins
from analysis.summary import Summary, summarize
from benchmarks.records import RecordError
from tests.analysis.lowered_records import lower_rewards
from tests.analysis.synthetic_records import RECIPES, TASKS, change_run, write_tree


def fail(content: dict[str, Any]) -> None:
    content.update(status="failed", error="reward server\n gone")


def break_invariant(content: dict[str, Any]) -> None:
    content["invariants"][0].update(passed=False, value=0.5)


def test_a_clean_suite_has_no_notes(suite_summary: Summary) -> None:
    summary = suite_summary
    assert notes_of(summary) == ()
    assert invariants_line(summary.runs) == "36 of 36 run-time invariants held in 36 finished runs"


def test_names_what_is_missing_or_broken(small_folder: Path) -> None:
    change_run(small_folder / "two-targets/pareto_slider/seed1", fail)
    change_run(small_folder / "two-targets/fixed_weights/seed0", break_invariant)
    assert notes_of(summarize(small_folder)) == (
        "1 run left out: 1 failed",
        "not finished: two-targets/pareto_slider/seed1 (failed: reward server gone)",
        "failed invariant: two-targets/fixed_weights/seed0: base equals closed form is 0.5, required <= 0.05",
        "one seed, so no interval: two-targets: pareto_slider",
        "different seeds: two-targets: comparisons use the shared ones only; pareto_slider lacks seed 1",
    )


def test_a_run_without_training_is_named(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[:2], (0,))

    def untrained(content: dict[str, Any]) -> None:
        content["checkpoints"] = content["checkpoints"][:1]

    change_run(folder / "two-targets/nft_preference/seed0", untrained)
    summary = summarize(folder)
    assert "no trained checkpoint: two-targets/nft_preference/seed0" in notes_of(summary)
    assert summary.methods == ["fixed_weights"]


def test_origins_list_hashes_seeds_and_versions(suite_summary: Summary) -> None:
    found = dict(origins(suite_summary))
    assert found["benchmark two-costs"] == "hash hash-two-costs"
    assert found["seeds"] == "0, 1, 2"
    assert (found["commit"], found["device"], found["numpy"]) == ("0123abc", "cpu", "2.4.6")
    assert found["runs"] == "36 finished"
    assert (found["threads"], found["processes of a step"], found["networks compiled"]) == ("1", "1", "no")
    assert found["time of training"] == "12.5 seconds a run, median 12.5 seconds; 7.5 minutes in all"
    assert found["velocity evaluations"] == "2.16 million in all"
    assert {"peak memory", "reward calls", "python"} <= found.keys()


def test_runs_left_out_are_counted_by_status(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[:2], (0, 1, 2))
    change_run(folder / "two-targets/nft_preference/seed0", fail)
    change_run(folder / "two-targets/nft_preference/seed2", fail)
    change_run(folder / "two-targets/fixed_weights/seed1", lambda content: content.update(status="running"))
    summary = summarize(folder)
    assert notes_of(summary)[0] == "3 runs left out: 1 running, 2 failed"
    assert notes_of(summary)[1] == "not finished: two-targets/fixed_weights/seed1 (running)"
    assert dict(origins(summary))["runs"] == "3 finished, 3 runs left out: 1 running, 2 failed"
    assert summary.benchmarks[0].fronts.keys() == {"fixed_weights", "nft_preference"}


@pytest.mark.parametrize(
    ("seeds", "told"), [((0, 1), "pareto_slider"), ((1,), "pareto_slider (seed 1)")], ids=["all", "some"]
)
def test_a_front_below_the_reference_point_is_named(small_folder: Path, seeds: tuple[int, ...], told: str) -> None:
    for seed in seeds:
        lower_rewards(small_folder / f"two-targets/pareto_slider/seed{seed}", {"r0": 100.0})
    summary = summarize(small_folder)
    assert notes_of(summary) == (
        f"hypervolume 0, no point beats the reference point in every reward: two-targets: {told}",
    )


def test_methods_on_other_seeds_are_named_with_what_they_lack(tmp_path: Path) -> None:
    write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0, 1))
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[1:2], (1, 2, 3))
    assert notes_of(summarize(folder)) == (
        "different seeds: two-targets: comparisons use the shared ones only; fixed_weights lacks seeds 2, 3, "
        "nft_preference lacks seed 0",
    )


def test_a_second_run_of_a_seed_is_refused(small_folder: Path) -> None:
    shutil.copytree(small_folder / "two-targets/pareto_slider/seed1", small_folder / "two-targets/pareto_slider/copy")
    with pytest.raises(RecordError, match="expected one run a seed, found seed 1 twice"):
        summarize(small_folder)


def test_one_seed_is_said_of_each_method(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[:2], (4,))
    assert notes_of(summarize(folder)) == (
        "one seed, so no interval: two-targets: fixed_weights, nft_preference",
    )  # fmt: skip


def test_runs_of_several_machines_do_not_compare_seconds(small_folder: Path) -> None:
    change_run(
        small_folder / "two-targets/pareto_slider/seed1", lambda content: content.update(threads=4, device="gpu")
    )
    summary = summarize(small_folder)
    assert notes_of(summary) == ("runs differ in device, threads: do not compare their seconds",)
    assert dict(origins(summary))["threads"] == "1 (3 runs), 4 (1 run)"
