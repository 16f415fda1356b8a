"""Two folders side by side: what is paired, what differs, what is decided, and by which pairs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.comparison import PROMPTS, SEEDS, Compared, Comparison, compare
from analysis.matching import match_folders
from analysis.metrics import higher_is_better
from analysis.states import same_noise
from analysis.summary import summarize
from benchmarks.records import EVALUATIONS_FILE, RecordError, UsageError, write_table
from tests.analysis.synthetic_records import GRADIENT_RECIPES, RECIPES, TASKS, Recipe, change_run, write_tree

TWO, COSTS, THREE, SEVEN = TASKS[0], TASKS[1], TASKS[2], replace(TASKS[0], name="seven", n_objectives=7)
# Three points far out on the front are worse in the mean, and fill less below it, than three near its middle.
GOOD, BAD = Recipe("same_name", 0.5, divisions=2), Recipe("same_name", 0.95, divisions=2)


def compared(first: Path, second: Path, *metrics: str, alpha: float = 0.05) -> Comparison:
    return compare(match_folders(first, second), metrics, alpha=alpha, generator=np.random.default_rng(0))


def pair(tmp_path: Path, task: Any = TWO, seeds: tuple[int, ...] = (0, 1, 2), **prompts: int) -> tuple[Path, Path]:
    """Return a folder with a good method and one with a worse of the same name, noise and seeds."""
    return tuple(  # type: ignore[return-value]
        write_tree(tmp_path / name, (task,), (recipe,), seeds, prompts=8, **prompts)
        for name, recipe in (("good", GOOD), ("bad", BAD))
    )


def verdicts(comparison: Comparison, level: Any) -> dict[str, str | None]:
    findings = {one.metric: one.finding(level) for one in comparison.compared}
    return {metric: None if finding is None else finding.verdict for metric, finding in findings.items()}


def one_of(comparison: Comparison, metric: str) -> Compared:
    return next(one for one in comparison.compared if one.metric == metric)


def test_prompts_decide_what_three_seeds_cannot(tmp_path: Path) -> None:
    good, bad = pair(tmp_path)
    found = compared(good, bad)
    assert verdicts(found, PROMPTS) == {"hypervolume": "worse", "reward_r0": "worse", "reward_r1": "worse"}
    assert set(verdicts(found, SEEDS).values()) == {"not decidable"}
    assert (found.worse(PROMPTS), found.worse(SEEDS)) == (True, False)
    assert {one.seeds.test.flips.least_p for one in found.compared} == {0.25}
    assert found.notes == ()
    back = compared(bad, good)
    assert set(verdicts(back, PROMPTS).values()) == {"better"}
    assert one_of(back, "hypervolume").seeds.test.difference == -one_of(found, "hypervolume").seeds.test.difference


def test_six_seeds_decide(tmp_path: Path) -> None:
    found = compared(*pair(tmp_path, seeds=(0, 1, 2, 3, 4, 5)), "hypervolume")
    assert verdicts(found, SEEDS) == {"hypervolume": "worse"}
    assert one_of(found, "hypervolume").seeds.test.flips.p == 2 / 2**6


def test_a_folder_does_not_differ_from_itself(tmp_path: Path) -> None:
    good, _ = pair(tmp_path)
    found = compared(good, good, "all")
    assert {finding.verdict for one in found.compared for finding in (one.seeds, one.prompts) if finding} == {"tied"}
    assert found.improvement is not None
    assert found.improvement.probability == 0.5


def test_values_are_those_of_the_report_in_the_units_of_the_records(tmp_path: Path) -> None:
    good, bad = pair(tmp_path, COSTS)
    found = compared(good, bad, "all")
    for folder, side in ((good, "first"), (bad, "second")):
        row = summarize(folder).benchmarks[0].last_rows[0]
        for metric in ("hypervolume", "igd_plus", "gain_r1", "seconds"):
            assert dict(vars(one_of(found, metric))[side].values) == pytest.approx(dict(row.quantities[metric].values))
    cost = one_of(found, "reward_r1")
    assert not cost.higher_is_better
    assert cost.seeds.test.difference > 0.0, "the worse method costs more"
    assert cost.prompts is not None
    assert cost.prompts.verdict == "worse"
    assert cost.prompts.test.difference == pytest.approx(cost.seeds.test.difference)
    rows = pd.concat(pd.read_parquet(path) for path in sorted(good.rglob(EVALUATIONS_FILE)))
    assert cost.first.mean == pytest.approx(rows.loc[rows["step"] == 100, "reward_r1"].mean())


def test_the_difference_is_the_same_over_seeds_prompts_and_both(tmp_path: Path) -> None:
    for one in compared(*pair(tmp_path)).compared:
        assert one.prompts is not None
        assert one.both is not None
        values = [one.seeds.test.difference, one.prompts.test.difference, one.both.mean]
        assert values == pytest.approx([one.second.mean - one.first.mean] * 3)


def test_two_single_methods_of_different_names_face_each_other(tmp_path: Path) -> None:
    suite = write_tree(tmp_path, (TWO, THREE), (GOOD, Recipe("other", 0.7)), (0, 1))
    found = compared(suite / TWO.name / "same_name", suite / TWO.name / "other")
    assert {(one.match.benchmark.name, one.match.methods) for one in found.compared} == {
        (TWO.name, ("same_name", "other"))
    }
    # Without the other benchmark there is nothing to face.
    with pytest.raises(
        RecordError, match="expected a benchmark and method that both have, found two-targets/same_name"
    ):
        match_folders(suite / TWO.name / "same_name", suite / THREE.name / "other")


def test_only_what_both_have_is_compared_and_the_rest_is_said(tmp_path: Path) -> None:
    first = write_tree(tmp_path / "a", (TWO, THREE), RECIPES[:2], (0, 1, 2))
    second = write_tree(tmp_path / "b", (TWO,), RECIPES[1:], (1, 2, 5))
    found = match_folders(first, second)
    assert [(match.name, sorted(match.first)) for match in found.matches] == [("two-targets/nft_preference", [1, 2])]
    assert found.notes == (
        "only in A: three-targets/fixed_weights, three-targets/nft_preference, two-targets/fixed_weights",
        "only in B: two-targets/pareto_slider",
        "seed 0 only in A: two-targets/nft_preference",
        "seed 5 only in B: two-targets/nft_preference",
    )


def test_unfinished_and_untrained_runs_are_left_out_and_counted(tmp_path: Path) -> None:
    good, bad = pair(tmp_path)
    runs = sorted(good.rglob("seed*"))
    change_run(runs[0], lambda record: record.update(status="failed", error="a fault"))
    change_run(runs[1], lambda record: record.update(checkpoints=record["checkpoints"][:1]))
    found = match_folders(good, bad)
    assert [sorted(match.first) for match in found.matches] == [[2]]
    assert found.notes[0] == (
        "left out of A: 2 runs: two-targets/same_name/seed0 failed, "
        "two-targets/same_name/seed1 has no trained checkpoint"
    )


def test_one_seed_gives_no_interval_but_prompts_still_decide(tmp_path: Path) -> None:
    found = compared(*pair(tmp_path, seeds=(4,)))
    assert {(one.seeds.test.low, one.seeds.test.flips.p, one.seeds.verdict) for one in found.compared} == {
        (None, 1.0, "not decidable")
    }
    assert found.worse(PROMPTS)
    assert {one.both.low for one in found.compared if one.both} == {None}


def test_another_budget_is_said(tmp_path: Path) -> None:
    good, bad = pair(tmp_path)
    for run in bad.rglob("seed*"):
        change_run(run, lambda record: record["budget"].update(velocity_evaluations=7))
        change_run(run, lambda record: record["method"]["settings"].update(rate=0.1))
    assert match_folders(good, bad).notes == (
        "A and B differ in budget (velocity_evaluations 60000 and 7): two-targets/same_name",
    )


def test_other_noise_is_said(tmp_path: Path) -> None:
    suite = write_tree(tmp_path, (TWO,), (GOOD, Recipe("other", 0.7)), (0, 1))
    found = compared(suite / TWO.name / "same_name", suite / TWO.name / "other")
    assert found.notes == (
        "two-targets/same_name and other: base models differ in seeds 0, 1: pairs share prompts, but no noise",
    )
    rows = np.random.default_rng(0).normal(size=(50, 2))
    assert same_noise(rows, rows + 1e-5)
    assert same_noise(rows, np.zeros((0, 2)))
    assert not same_noise(rows, rows[::-1])


def test_an_approximate_hypervolume_is_compared_over_seeds_alone(tmp_path: Path) -> None:
    # 84 points of 7 rewards: beyond what is counted exactly.
    recipes = [replace(recipe, divisions=3) for recipe in (GOOD, BAD)]
    folders = [write_tree(tmp_path / str(i), (SEVEN,), (one,), (0,), prompts=8) for i, one in enumerate(recipes)]
    found = compared(*folders, "hypervolume", "reward_r6")
    assert [one.prompts is None for one in found.compared] == [True, False]


def test_gradient_statistics_are_known_by_name_only_where_they_are_measured(tmp_path: Path) -> None:
    suite = write_tree(tmp_path, (TWO,), GRADIENT_RECIPES, (0, 1))
    marble, plain, none = (suite / TWO.name / name for name in ("marble", "weighted_sum", "unmeasured"))
    found = compared(marble, plain, "conflict_rate")
    assert [(one.metric, one.higher_is_better, one.prompts) for one in found.compared] == [
        ("conflict_rate", False, None)
    ]
    assert found.improvement is None
    with pytest.raises(UsageError, match=r"--metric: expected all or one of hypervolume, .*, found conflict_rate"):
        compared(marble, none, "conflict_rate")


def test_directions() -> None:
    match: Any = type("Match", (), {"benchmark": COSTS.record()})()
    known = {name: higher_is_better(name, match) for name in ("reward_r0", "reward_r1", "plain_sum_conflict_rate")}
    known |= {name: higher_is_better(name, match) for name in ("igd_plus", "gain_r1", "velocity_evaluations_per_model")}
    assert known == {
        "reward_r0": True,
        "reward_r1": False,
        "plain_sum_conflict_rate": False,
        "igd_plus": False,
        "gain_r1": True,
        "velocity_evaluations_per_model": False,
    }


def cut(folder: Path) -> None:
    path = next(iter(sorted(folder.rglob(EVALUATIONS_FILE))))
    path.write_bytes(path.read_bytes()[:200])


def other_hash(folder: Path) -> None:
    for run in folder.rglob("seed*"):
        change_run(run, lambda record: record["benchmark"].update(hash="other"))


def one_other_hash(folder: Path) -> None:
    change_run(next(folder.rglob("seed2")), lambda record: record["benchmark"].update(hash="other"))


def twice(folder: Path) -> None:
    change_run(next(folder.rglob("seed2")), lambda record: record.update(seed=1))


def all_running(folder: Path) -> None:
    for run in folder.rglob("seed*"):
        change_run(run, lambda record: record.update(status="running"))


def other_seeds(folder: Path) -> None:
    for run in folder.rglob("seed*"):
        change_run(run, lambda record: record.update(seed=record["seed"] + 10))


def fewer_prompts(folder: Path) -> None:
    path = next(iter(sorted(folder.rglob(EVALUATIONS_FILE))))
    rows = pd.read_parquet(path)
    kept = rows[rows["prompt_id"] != 3]
    write_table(path, {str(name): kept[name].to_numpy() for name in kept.columns})


BAD_FOLDERS: list[tuple[Callable[[Path], None], str]] = [
    (cut, r"seed0/evaluations.parquet is damaged: expected a parquet file"),
    (other_hash, r"bad/.*run.json: expected benchmark hash hash-two-targets as in .*good/.*run.json, found other"),
    (one_other_hash, r"seed2/run.json: expected benchmark hash hash-two-targets as in .*, found other"),
    (twice, r"seed2/run.json: expected one run a seed, found seed 1 twice"),
    (all_running, r"expected a run with status done, found two-targets/same_name/seed0 running"),
    (other_seeds, r"expected a seed that both have, found none: seeds 0, 1, 2 only in A: two-targets/same_name; seeds"),
    (fewer_prompts, r"expected the 8 prompts of .*, found others: 7"),
]


@pytest.mark.parametrize(("damage", "says"), BAD_FOLDERS, ids=[damage.__name__ for damage, _ in BAD_FOLDERS])
def test_what_must_not_be_compared_is_refused(tmp_path: Path, damage: Callable[[Path], None], says: str) -> None:
    good, bad = pair(tmp_path)
    damage(bad)
    with pytest.raises(RecordError, match=says):
        compared(good, bad)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, float("nan")])
def test_a_level_that_is_none_is_refused(tmp_path: Path, alpha: float) -> None:
    good, bad = pair(tmp_path, seeds=(0,))
    with pytest.raises(UsageError, match="--alpha: expected a number between 0 and 1"):
        compared(good, bad, alpha=alpha)
