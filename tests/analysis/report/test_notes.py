"""What a report admits."""

from pathlib import Path
from typing import Any

from analysis.report.notes import invariants_line, notes_of, origins
from analysis.summary import Summary, summarize
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
        "not finished: two-targets/pareto_slider/seed1 (failed: reward server gone)",
        "failed invariant: two-targets/fixed_weights/seed0: base equals closed form is 0.5, required <= 0.05",
        "one seed, so no interval: two-targets: pareto_slider",
        "different seeds: two-targets: comparisons use the shared ones only",
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
    assert (found["commit"], found["device"], found["numpy"]) == ("0123abc", "cpu, 1 threads", "2.4.6")
