"""Which runs may stand side by side."""

from pathlib import Path
from typing import Any

import pytest

from analysis.reading import read_suite
from benchmarks.records import EVALUATIONS_FILE, RecordError
from tests.analysis.synthetic_records import change_run


def first_run(folder: Path, method: str = "pareto_slider") -> Path:
    return folder / "two-targets" / method / "seed1"


def test_reads_finished_runs_with_their_points(small_folder: Path) -> None:
    measured, others = read_suite(small_folder)
    assert [one.run.record.seed for one in measured] == [0, 1, 0, 1]
    assert others == []
    slider = measured[2]
    assert [checkpoint.step for checkpoint in slider.trained] == [20, 100]
    assert [front.points.shape for front in slider.fronts.values()] == [(1, 2), (21, 2), (21, 2)]
    assert slider.base is not None
    assert slider.base == pytest.approx([0.75, 0.75], abs=1e-12)


@pytest.mark.parametrize("status", ["running", "failed"])
def test_sets_unfinished_runs_apart(small_folder: Path, status: str) -> None:
    # An unfinished run may lack every other file.
    (first_run(small_folder) / EVALUATIONS_FILE).unlink()
    change_run(first_run(small_folder), lambda content: content.update(status=status))
    measured, others = read_suite(small_folder)
    assert len(measured) == 3
    assert [run.folder for run in others] == [first_run(small_folder)]


def test_needs_a_finished_run(small_folder: Path) -> None:
    for folder in small_folder.glob("*/*/seed*"):
        change_run(folder, lambda content: content.update(status="running"))
    with pytest.raises(RecordError, match=r"expected a run with status done, found two-targets/.* running"):
        read_suite(small_folder)


@pytest.mark.parametrize("method", ["pareto_slider", "fixed_weights"])
def test_refuses_two_hashes_and_names_both_files(small_folder: Path, method: str) -> None:
    changed = small_folder / "two-targets" / method / "seed1"
    change_run(changed, lambda content: content["benchmark"].update(hash="other"))
    with pytest.raises(RecordError) as caught:
        read_suite(small_folder)
    text = str(caught.value)
    assert "\n" not in text
    for part in (f"{changed}/run.json", "fixed_weights/seed0/run.json", "hash-two-targets", "found other"):
        assert part in text


def other_rate(content: dict[str, Any]) -> None:
    content["method"]["settings"]["rate"] = 0.2


def other_budget(content: dict[str, Any]) -> None:
    content["budget"]["velocity_evaluations"] = 1


def other_models(content: dict[str, Any]) -> None:
    content["models"] = 7


def other_suite(content: dict[str, Any]) -> None:
    content["suite"] = "shapes"


def same_seed(content: dict[str, Any]) -> None:
    content["seed"] = 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_rate, "expected the settings of .*seed0/run.json, found a difference: rate 0.1 and 0.2"),
        (other_budget, "expected the budget of .*: velocity_evaluations 60000 and 1"),
        (other_models, "expected the models of .*: models 1 and 7"),
        (other_suite, "expected suite toy as in .*, found shapes"),
        (same_seed, "expected one run a seed, found seed 0 twice"),
    ],
)
def test_refuses_runs_that_are_no_repetitions(small_folder: Path, change: Any, message: str) -> None:
    change_run(first_run(small_folder), change)
    with pytest.raises(RecordError, match=message):
        read_suite(small_folder)


def test_refuses_a_base_model_below_the_reference_point(small_folder: Path) -> None:
    for folder in small_folder.glob("*/*/seed*"):
        change_run(folder, lambda content: content["benchmark"].update(reference_point=[-0.5, 0.8]))
    with pytest.raises(RecordError, match=r"two-targets: .* reward r1, expected above 0.8, found 0.75"):
        read_suite(small_folder)


def test_names_the_file_of_a_missing_table_or_step(small_folder: Path) -> None:
    change_run(first_run(small_folder), lambda content: content["checkpoints"][1].update(step=7))
    with pytest.raises(RecordError, match=r"evaluations.parquet: expected rows of step 7, found steps 0, 20, 100"):
        read_suite(small_folder)
    (first_run(small_folder) / EVALUATIONS_FILE).unlink()
    with pytest.raises(RecordError, match=r"evaluations.parquet: no such file"):
        read_suite(small_folder)
