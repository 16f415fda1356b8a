"""The sampler study by the command: a tiny budget ends with the table and both pictures, and goes on where it was."""

from pathlib import Path

import pytest

from benchmarks.records import find_runs
from benchmarks.studies import samplers as study_module
from benchmarks.studies.samplers import EXACT_FILE, Study
from tests.support.records import Command

TINY = (
    "sampler-study", "--method", "grpo_precise", "--seeds", 1, "--out", "results",
    "--set", "budget.velocity_evaluations=8000", "--set", "recipe.evaluate_at=[0.5]",
)  # fmt: skip
SMALL = Study((0.7,), (1.0, 3.0), (6, 10, 1000), (0.0, 1.0), (6, 10))
FOLDER = Path("results/sampler-study")


@pytest.fixture(autouse=True)
def _small_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module.sampler_study, "__defaults__", (SMALL,))


def test_a_tiny_run_ends_with_the_table_and_both_pictures(command: Command) -> None:
    answer = command("run", *TINY, "--jobs", 1)
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0] == f"study: {FOLDER / EXACT_FILE}"
    assert any(line.startswith("precise 1.5") for line in lines)
    (run,) = find_runs(FOLDER)
    assert run.record.status == "done"
    for name in ("samplers-errors", "samplers-rewards"):
        assert f"{name}.png" in {path.name for path in (FOLDER / "report").iterdir()}
    written = (FOLDER / EXACT_FILE).stat().st_mtime_ns
    again = command("run", *TINY, "--json")
    assert again.code == 0
    assert again.json()[0]["suite"] == "sampler-study"
    assert (FOLDER / EXACT_FILE).stat().st_mtime_ns == written
    (FOLDER / EXACT_FILE).write_text("no parquet")
    assert "exact.parquet is damaged" in command("report", FOLDER).error_line()


@pytest.mark.parametrize("words", [("plan", *TINY), ("run", *TINY, "--dry-run")], ids=lambda words: words[0])
def test_a_plan_computes_nothing(command: Command, words: tuple[object, ...]) -> None:
    answer = command(*words)
    assert answer.code == 0, answer.err
    assert not Path("results").exists()


def test_a_folder_that_cannot_be_written_is_told_in_one_line(command: Command) -> None:
    FOLDER.parent.mkdir()
    FOLDER.write_text("")
    assert f"cannot write {FOLDER}" in command("run", *TINY).error_line()
