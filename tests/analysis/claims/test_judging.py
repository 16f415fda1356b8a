"""Verdicts from records: what is missing, failed or of one seed is said, and never guessed."""

from pathlib import Path
from typing import Any

import pytest

from analysis.claims.base import INCONCLUSIVE, NOT_RUN, NOT_TESTABLE, SUPPORTED, Claim
from analysis.claims.evidence import Evidence, field_of
from analysis.claims.judging import counts, entry_json, evidence_in, judge
from analysis.claims.rules import above
from analysis.claims.statistics import Difference
from benchmarks.records import EVALUATIONS_FILE, RecordError, UsageError
from tests.analysis.claims.records import GOOD, POOR, SEEDS, arm, failing, write

CLAIM = Claim(
    "good-is-better", "marble", "S1", "Good is better.", (("MARBLE", "min cos"),),
    Difference(("hypervolume",), ((arm(GOOD), arm(POOR)),)), above(0.0),
)  # fmt: skip


def test_a_difference_beyond_doubt_is_supported(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, POOR)
    entry = judge(CLAIM, Evidence((tmp_path,)))
    assert (entry.verdict, entry.reason, entry.missing, entry.failed) == (SUPPORTED, "", (), 0)
    assert entry.records == f"{tmp_path.name}/toy (seeds 0, 1, 2)"
    assert "(seeds 0, 1, 2), 60 k velocity evaluations and 6 k reward calls each" in entry.compared


def test_one_seed_is_inconclusive_and_says_why(tmp_path: Path) -> None:
    write(tmp_path, GOOD, (0,))
    write(tmp_path, POOR, (0,))
    entry = judge(CLAIM, Evidence((tmp_path,)))
    assert entry.verdict == INCONCLUSIVE
    assert "one seed has no interval" in entry.reason
    assert "good on two-targets: seeds 1, 2 not run" in entry.reason


def test_seeds_that_one_side_lacks_are_named_and_left_out(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, POOR, (0, 2))
    entry = judge(CLAIM, Evidence((tmp_path,)))
    assert entry.effects[0].seeds == (0, 2)
    assert entry.reason.endswith("provisional: poor on two-targets: seed 1 not run")
    command = "flowfront run toy --benchmark two-targets --method poor --seeds 1, --out results/claims"
    assert entry.commands == (command,)


def test_failed_runs_are_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, POOR, (0, 1))
    write(tmp_path, POOR, (2,), failing)
    entry = judge(CLAIM, Evidence((tmp_path,)))
    assert (entry.failed, entry.effects[0].seeds) == (1, (0, 1))
    assert "poor on two-targets: seed 2 failed" in entry.reason
    assert entry_json(entry)["failed_runs"] == 1


def test_a_claim_without_records_says_the_command(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, POOR, (0,), failing)
    entry = judge(CLAIM, Evidence((tmp_path,)))
    assert entry.verdict == NOT_RUN
    assert entry.reason == "no finished run of poor on two-targets: seed 0 failed, seeds 1, 2 not run"
    assert len(entry.commands) == 1
    nothing = judge(CLAIM, Evidence((tmp_path / "nowhere",)))
    assert nothing.commands == (
        "flowfront run toy --benchmark two-targets --method good --method poor --seeds 3 --out results/claims",
    )


def test_no_shared_seed_is_one_clear_line(tmp_path: Path) -> None:
    write(tmp_path, GOOD, (0,))
    write(tmp_path, POOR, (1,))
    entry = judge(CLAIM, Evidence((tmp_path,)))
    assert entry.verdict == NOT_RUN
    assert entry.reason.startswith(
        "a paired test needs the same seeds on both sides, found seeds 0 of good and seeds 1"
    )


def test_runs_count_from_the_first_folder_that_has_them(tmp_path: Path) -> None:
    write(tmp_path / "first", GOOD, (0,))
    write(tmp_path / "first", POOR)
    write(tmp_path / "second", GOOD, SEEDS)
    evidence = Evidence((tmp_path / "first", tmp_path / "second"))
    places = {seed: run.folder.parents[3].name for seed, run in evidence.standing(arm(GOOD)).done.items()}
    assert places == {0: "first", 1: "second", 2: "second"}
    assert judge(CLAIM, evidence).records == "first/toy (seeds 0, 1, 2); second/toy (seeds 1, 2)"


def test_a_finished_run_elsewhere_replaces_a_failed_one(tmp_path: Path) -> None:
    write(tmp_path / "first", GOOD, (0,), failing)
    write(tmp_path / "second", GOOD, SEEDS)
    standing = Evidence((tmp_path / "first", tmp_path / "second")).standing(arm(GOOD))
    assert (sorted(standing.done), standing.others, standing.failed) == ([0, 1, 2], {}, 0)


def with_settings(content: dict[str, Any]) -> None:
    part = {"class": "m:Part", "fields": {"beta": 2.0}}
    content["method"]["settings"] = {"class": "m:Good", "fields": {"objective": part}}
    content["recipe"] = {"rollout_steps": 6}
    content["changes"] = ["benchmark.n_prompts=4"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("good.objective.beta=2.0", None),
        ('good.objective={"class": "m:Part", "fields": {}}', None),
        ("recipe.rollout_steps=6", None),
        ("budget.velocity_evaluations=60000", None),
        ("benchmark.n_prompts=4", None),
        ("good.objective.beta=0.1", "expected good.objective.beta=0.1, found 2.0"),
        ("good.objective.gamma=1", "found nothing"),
        ("recipe.rollout_steps=20", "expected recipe.rollout_steps=20, found 6"),
        ("benchmark.n_prompts=8", "expected benchmark.n_prompts=8, found the changes"),
    ],
)
def test_runs_of_another_experiment_are_refused(tmp_path: Path, change: str, found: str | None) -> None:
    write(tmp_path, GOOD, change=with_settings)
    evidence, own = Evidence((tmp_path,)), arm(GOOD, changes=(change,))
    if found is None:
        assert len(evidence.standing(own).done) == len(SEEDS)
    else:
        with pytest.raises(RecordError, match="expected ") as error:
            evidence.standing(own)
        assert found in str(error.value)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"seed": 0}, "toy/two-targets/good/seed0"),
        ({"suite": "shapes"}, "shapes/two-targets/good/seed1"),
        ({"method": {"name": "poor", "paper": "", "settings": {}}}, "toy/two-targets/poor/seed1"),
    ],
)
def test_a_copy_of_another_run_does_not_count_twice(tmp_path: Path, change: dict[str, Any], found: str) -> None:
    write(tmp_path, GOOD, (1,), lambda content: content.update(change))
    with pytest.raises(
        RecordError, match=rf"seed1/run.json: expected the run toy/two-targets/good/seed1, found {found}$"
    ):
        Evidence((tmp_path,)).standing(arm(GOOD))


@pytest.mark.parametrize("content", [b"", b"PAR1"])
def test_a_damaged_table_leaves_the_claim_open_and_is_named(tmp_path: Path, content: bytes) -> None:
    folders = write(tmp_path, GOOD) + write(tmp_path, POOR)
    (folders[4] / EVALUATIONS_FILE).write_bytes(content)
    entry = judge(CLAIM, Evidence((tmp_path,)))
    assert (entry.verdict, entry.effects) == (NOT_RUN, ())
    assert f"{folders[4] / EVALUATIONS_FILE} is damaged: expected a parquet file" in entry.reason


def test_seeds_that_were_run_differently_are_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD, (0, 1))
    write(tmp_path, GOOD, (2,), lambda content: content["recipe"].update(rollout_steps=6))
    with pytest.raises(RecordError, match="expected the recipe of"):
        Evidence((tmp_path,)).standing(arm(GOOD))
    write(tmp_path, GOOD, (2,), lambda content: content["benchmark"].update(hash="another"))
    with pytest.raises(RecordError, match="expected benchmark hash hash-two-tar as in"):
        Evidence((tmp_path,)).standing(arm(GOOD))


def test_what_nothing_tests_has_a_reason() -> None:
    claim = Claim("people", "marble", "S5", "People like it.", reason="it takes people")
    entry = judge(claim, Evidence(()))
    assert (entry.verdict, entry.reason, entry.commands) == (NOT_TESTABLE, "it takes people", ())
    assert counts([entry])[NOT_TESTABLE] == 1
    with pytest.raises(ValueError, match="expected statistic and rule, or else a reason"):
        Claim("nothing", "marble", "S5", "Nothing.")


def test_a_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--results: expected a folder of records, found none"):
        evidence_in(tmp_path / "nowhere")
    assert len(evidence_in(tmp_path).roots) == 1
    assert len(evidence_in(tmp_path, also_run=True).roots) == 2
    (tmp_path / "claims").mkdir()
    assert evidence_in(tmp_path).roots == (tmp_path, tmp_path / "claims")


def test_fields_are_found_by_their_path() -> None:
    assert field_of({"class": "m:A", "fields": {"x": 1}}, ["x", "y"]) == "nothing"
