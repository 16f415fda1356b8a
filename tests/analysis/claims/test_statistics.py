"""Statistics of claims against what `summarize` and closed forms say of the same records."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.claims.base import Arm
from analysis.claims.curves import AtMatchedGain, CostToReach, SavedShare
from analysis.claims.evidence import Evidence
from analysis.claims.quantities import DROP, MEAN_GAIN, run_quantity
from analysis.claims.statistics import CompositeDifference, Difference, Level, Ratio, UtilityAtShared
from analysis.statistics import interval, paired_difference
from analysis.summary import Summary, summarize
from benchmarks.records import RecordError, UsageError
from tests.analysis.claims.records import GOOD, POOR, SEEDS, TASK, arm, write, write_linear
from tests.analysis.synthetic_records import GRADIENT_RECIPES, Task, write_synthetic_run

FAR = (arm(GOOD), arm(POOR))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for recipe in (GOOD, POOR, GRADIENT_RECIPES[3]):
        write(folder, recipe)
    return folder


@pytest.fixture(scope="module")
def evidence(root: Path) -> Evidence:
    return Evidence((root,))


@pytest.fixture(scope="module")
def summary(root: Path) -> Summary:
    return summarize(root / "toy")


def last(summary: Summary, method: str, quantity: str) -> dict[int, float]:
    row = next(row for row in summary.benchmarks[0].last_rows if row.method == method)
    return dict(row.quantities[quantity].values)


@pytest.mark.parametrize("quantity", ["hypervolume", "share_of_true_hypervolume", "worst_gain", "spearman_r0"])
def test_levels_are_those_of_the_summary(evidence: Evidence, summary: Summary, quantity: str) -> None:
    (found,) = Level((quantity,), (arm(GOOD),))(evidence)
    expected = interval(last(summary, "good", quantity))
    assert (found.mean, found.low, found.high) == pytest.approx((expected.mean, expected.low, expected.high))
    assert found.seeds == SEEDS
    assert found.cost == "60 k velocity evaluations and 6 k reward calls"


def test_gradients_are_those_of_the_summary(evidence: Evidence, summary: Summary) -> None:
    sums = arm(GRADIENT_RECIPES[3])
    for quantity in ("conflict_rate", "min_cosine", "plain_sum_mean_cosine"):
        assert evidence.values(sums, quantity) == pytest.approx(last(summary, sums.method, quantity))


def test_differences_are_paired_by_seed(evidence: Evidence, summary: Summary) -> None:
    (found,) = Difference(("hypervolume",), (FAR,))(evidence)
    sides = [last(summary, name, "hypervolume") for name in ("good", "poor")]
    expected = paired_difference(sides[0], sides[1])
    assert expected is not None
    assert (found.mean, found.low) == pytest.approx((expected.difference.mean, expected.difference.low))
    assert found.name == "hypervolume, good minus poor on two-targets"
    (ratio,) = Ratio(("hypervolume",), (FAR,))(evidence)
    logs = interval({seed: float(np.log(sides[0][seed] / sides[1][seed])) for seed in SEEDS})
    assert logs.low is not None
    assert (ratio.mean, ratio.low) == pytest.approx((np.exp(logs.mean), np.exp(logs.low)))


def test_two_quantities_of_one_run_are_compared(evidence: Evidence) -> None:
    own = arm(GOOD)
    (found,) = Difference(("slider_range_r0",), ((own, own),), ("slider_range_r1",))(evidence)
    values = [evidence.values(own, f"slider_range_r{k}") for k in (0, 1)]
    assert found.mean == pytest.approx(np.mean([values[0][seed] - values[1][seed] for seed in SEEDS]))
    assert found.cost.count("velocity evaluations") == 1


def test_mean_gain_is_the_mean_share_of_the_bounds(evidence: Evidence) -> None:
    own = arm(GOOD)
    shares = [evidence.values(own, f"share_gain_r{k}") for k in (0, 1)]
    for seed, value in evidence.values(own, MEAN_GAIN).items():
        assert value == pytest.approx((shares[0][seed] + shares[1][seed]) / 2)


def test_a_drop_from_the_peak_is_never_positive(evidence: Evidence) -> None:
    assert all(value <= 0.0 for value in evidence.values(arm(POOR), DROP).values())


def test_early_is_the_first_checkpoint_behind_the_base_model(evidence: Evidence) -> None:
    own = arm(GOOD)
    for seed, run in evidence.standing(own).done.items():
        one = evidence.measured(run)
        volume = run_quantity(one, "early:hypervolume")
        assert volume < evidence.values(own, "hypervolume")[seed]
        assert one.trained[0].step == 20


def test_utility_at_shared_preferences_is_the_weighted_gap(evidence: Evidence) -> None:
    (found,) = UtilityAtShared((FAR,))(evidence)
    gaps = []
    for seed in SEEDS:
        fronts = [evidence.measured(evidence.standing(one).done[seed]).fronts[100] for one in FAR]
        weights = fronts[0].preferences
        assert weights is not None
        gaps.append(float((weights * (fronts[0].points - fronts[1].points)).sum(axis=1).mean()))
    assert found.mean == pytest.approx(np.mean(gaps))
    assert "at 21 shared preferences" in found.name


def test_composites_are_those_of_the_table(evidence: Evidence, summary: Summary) -> None:
    among = (arm(GOOD), arm(POOR), arm(GRADIENT_RECIPES[3]))
    (found,) = CompositeDifference(among[0], among[1], among)(evidence)
    ours, theirs = (interval(last(summary, name, "composite")).mean for name in ("good", "poor"))
    assert found.mean == pytest.approx(ours - theirs)


def test_costs_of_linear_trainings_are_those_of_the_closed_form(tmp_path: Path) -> None:
    # One gains 0.4 and one 0.2 of the bounds, in proportion to what they have spent, and both lose 1 of what is held
    # out. Nine tenths of 0.2 are reached after 45 and after 90 % of the training.
    write_linear(tmp_path, GOOD, rate=0.4)
    write_linear(tmp_path, POOR, rate=0.2)
    evidence = Evidence((tmp_path,))
    for cost, half in (("reward_calls", 0.5), ("velocity_evaluations", 0.5)):
        (found,) = CostToReach((FAR,), cost)(evidence)
        assert (found.mean, found.low, found.high) == pytest.approx((half, half, half))
    (found,) = AtMatchedGain((FAR,))(evidence)
    assert (found.mean, found.low, found.high) == pytest.approx((0.45, 0.45, 0.45))
    (found,) = SavedShare(arm(GOOD), (arm(POOR),))(evidence)
    assert found.mean == pytest.approx(0.5)
    (found,) = SavedShare(arm(POOR), (arm(GOOD),))(evidence)
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


def test_trainings_that_gain_nothing_reach_no_level(tmp_path: Path) -> None:
    write_linear(tmp_path, GOOD, rate=0.4)
    write_linear(tmp_path, POOR, rate=-0.1)
    for statistic in (CostToReach((FAR,), "reward_calls"), AtMatchedGain((FAR,))):
        with pytest.raises(
            UsageError, match=r"expected two trainings that gain over the base model, found the level -"
        ):
            statistic(Evidence((tmp_path,)))


def test_missing_quantities_are_named(evidence: Evidence) -> None:
    with pytest.raises(RecordError, match="expected conflict_rate in its records, found none"):
        Level(("conflict_rate",), (arm(GOOD),))(evidence)
    with pytest.raises(RecordError, match=r"cannot read .*steps\.jsonl"):
        Level(("step_mean:implicit_std",), (arm(GOOD),))(evidence)
    with pytest.raises(RecordError, match="expected held-out rewards at every checkpoint"):
        AtMatchedGain((FAR,))(evidence)


def test_two_yardsticks_are_not_compared_unless_said(tmp_path: Path) -> None:
    other = Task("two-costs", 2, minimized=(1,), unit="s")
    write(tmp_path, GOOD)
    for seed in SEEDS:
        write_synthetic_run(tmp_path, other, GOOD, seed)
    theirs = arm(GOOD)
    theirs = Arm(replace(theirs.experiment, benchmark=other.name), theirs.method)
    pair = (arm(GOOD), theirs)
    with pytest.raises(RecordError, match="expected one benchmark, found hashes"):
        Difference(("share_of_true_hypervolume",), (pair,))(Evidence((tmp_path,)))
    (found,) = Difference(("share_of_true_hypervolume",), (pair,), across=True)(Evidence((tmp_path,)))
    assert found.name.endswith(f"good on {TASK.name} minus good on two-costs")


def test_a_paired_test_needs_a_shared_seed(tmp_path: Path) -> None:
    write(tmp_path, GOOD, (0, 1))
    write(tmp_path, POOR, (2,))
    with pytest.raises(UsageError, match="found seeds 0, 1 of good and seeds 2 of poor"):
        Difference(("hypervolume",), (FAR,))(Evidence((tmp_path,)))
