"""Rankings above moved reference points: ties, correlations, and what they cannot say."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kendalltau

from analysis.front import Front
from analysis.hypervolume import hypervolume
from analysis.report.sensitivity_table import ONE_SEED, sensitivity_table
from analysis.sensitivity import kendall_tau, reference_grid, relations, sensitivity_of
from analysis.summary import BenchmarkSummary, Summary
from analysis.ties import separation_p


def part_of(summary: Summary, name: str) -> BenchmarkSummary:
    return {part.record.name: part for part in summary.benchmarks}[name]


def with_fronts(part: BenchmarkSummary, points: dict[str, list[list[list[float]]]]) -> BenchmarkSummary:
    """The benchmark with other fronts, one a seed."""
    fronts = {name: {seed: Front(np.array(p)) for seed, p in enumerate(seeds)} for name, seeds in points.items()}
    return replace(part, fronts=fronts)


@pytest.mark.parametrize("seeds", [2, 3, 6])
def test_relations_are_the_paired_verdicts(seeds: int) -> None:
    values = np.random.default_rng(seeds).normal(size=(7, seeds)) * 0.2 + np.arange(7)[:, None] * 0.5
    values[3] = values[2]
    # A lead so even that two seeds are enough.
    values[6] = values[0] + 1.0 + 0.001 * np.arange(seeds)
    found = relations(values)
    for one, other in itertools.product(range(7), repeat=2):
        first, second = (dict(enumerate(values[place])) for place in (one, other))
        ahead, behind = (separation_p(*pair, rivals=6) for pair in ((first, second), (second, first)))
        assert ahead is not None
        assert behind is not None
        assert found[one, other] == float(ahead < 0.05) - float(behind < 0.05)
    assert {-1.0, 0.0, 1.0} == set(found.ravel())


def test_relations_use_shared_seeds_alone() -> None:
    missing = [[1.0, 2.0, np.nan], [0.0, 1.0, 9.0], [np.nan, np.nan, 5.0]]
    found = relations(missing)
    assert found[0, 1] == 1.0
    assert math.isnan(found[0, 2])
    # One shared seed has no interval: the order of the two values counts.
    assert found[1, 2] == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_the_rank_correlation_is_scipys(seed: int) -> None:
    first, second = np.random.default_rng(seed).integers(0, 4, size=(2, 8))
    signs = [np.sign(values[:, None] - values[None, :]) for values in (first, second)]
    assert kendall_tau(*signs) == pytest.approx(kendalltau(first, second).statistic, abs=1e-12)


def test_a_correlation_needs_a_ranking() -> None:
    order = np.sign(np.arange(3)[:, None] - np.arange(3)[None, :])
    assert kendall_tau(order, -order) == -1.0
    assert kendall_tau(order, np.zeros((3, 3))) is None
    assert kendall_tau(order, np.where(np.eye(3, dtype=bool), order, np.nan)) is None
    with pytest.raises(ValueError, match=r"shape \[M, M\]"):
        kendall_tau(order, np.zeros((2, 2)))


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 5])
def test_grids_hold_the_frozen_point_first_and_once(n_objectives: int) -> None:
    grid = reference_grid(n_objectives)
    assert (grid[0] == 0).all()
    assert len(np.unique(grid, axis=0)) == len(grid)
    assert len(grid) == (5**n_objectives if n_objectives <= 2 else 1 + 4 * (n_objectives + 1))
    assert grid.max() < 1.0
    assert grid.min() < 0.0
    with pytest.raises(ValueError, match="levels below 1"):
        reference_grid(n_objectives, (0.0, 1.0))


def test_volumes_are_those_above_the_moved_points(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-targets")
    found = sensitivity_of(part)
    assert found is not None
    assert part.base is not None
    assert found.volumes.shape == (25, 3, 3)
    frozen = part.yardstick.reference_point
    for r, m in itertools.product((0, 7, 24), range(3)):
        front = part.fronts[found.methods[m]][1]
        corner = frozen + found.shifts[r] * (part.base - frozen)
        assert found.volumes[r, m, 1] == pytest.approx(hypervolume(front.points, reference_point=corner), rel=1e-12)
    assert found.winner == "pareto_slider"
    assert found.taus[0] == 1.0
    assert found.first[0]
    assert found.shifts[found.diagonal, 0].tolist() == [-1.0, -0.5, 0.0, 0.5, 0.9]
    assert not found.single_seed


def test_a_winner_that_lives_on_one_reward_loses_when_the_point_moves(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-targets")
    base, frozen = part.base, part.yardstick.reference_point
    assert base is not None
    step = base - frozen
    # Just above the base model in one reward and far above in the other, against a point in the middle.
    narrow, middle = base + [0.05, 3.0] * step, base + [0.9, 0.9] * step
    fronts = {"middle": [[(middle + s * 1e-3).tolist()] for s in range(3)],
              "narrow": [[(narrow + s * 1e-3).tolist()] for s in range(3)]}  # fmt: skip
    found = sensitivity_of(with_fronts(part, fronts))
    assert found is not None
    assert found.winner == "narrow"
    assert not found.first.all()
    assert found.first.tolist() == found.first_or_tied.tolist()
    assert found.taus.min() == -1.0
    row = sensitivity_table({"b": found}).rows[0]
    assert row[3].value == pytest.approx(found.first.mean())
    assert row[6].value == -1.0


def test_ties_count_as_ties_and_no_volume_is_named(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-targets")
    assert part.base is not None
    low = part.yardstick.reference_point - 100.0
    same = [[part.base.tolist()]] * 3
    found = sensitivity_of(with_fronts(part, {"one": same, "other": same, "under": [[low.tolist()]] * 3}))
    assert found is not None
    assert found.first.all()
    assert found.taus.tolist() == [1.0] * 25
    assert sensitivity_table({"b": found}).rows[0][8].value == "under"
    alone = sensitivity_of(with_fronts(part, {"one": same, "other": same}))
    assert alone is not None
    row = sensitivity_table({"b": alone}).rows[0]
    assert (row[5].value, row[6].value, row[7].value) == (None, None, 24)


def test_one_seed_is_said(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-targets")
    assert part.base is not None
    fronts = {"one": [[part.base.tolist()]], "other": [[(part.base + 0.1).tolist()]]}
    found = sensitivity_of(with_fronts(part, fronts))
    assert found is not None
    assert found.single_seed
    assert found.winner == "other"
    assert ONE_SEED in sensitivity_table({"b": found}).notes


def test_nothing_is_said_without_a_base_model_or_a_rival(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-targets")
    assert sensitivity_of(replace(part, base=None)) is None
    assert sensitivity_of(replace(part, fronts={"one": part.fronts["pareto_slider"]})) is None
