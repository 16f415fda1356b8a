import math

import numpy as np
import pytest
import torch

from methods.base import PreferenceDistribution
from methods.preferences import (
    CornerMix,
    Dirichlet,
    FixedPreference,
    check_preference,
    coarsest_lattice,
    lattice,
)
from tests.methods.stubs import seeded
from tests.support.oracles import naive_lattice
from tests.support.properties import assert_on_simplex

MANY = 20_000
DISTRIBUTIONS = [CornerMix(), CornerMix(0.0, 0.2, 0.8), Dirichlet(), Dirichlet(0.2), Dirichlet(5.0)]


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 5])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_draws_lie_on_the_simplex(distribution: PreferenceDistribution, n_objectives: int) -> None:
    rows = distribution.draw(seeded(1), 500, n_objectives)
    assert rows.shape == (500, n_objectives)
    assert_on_simplex(rows, n_objectives)


@pytest.mark.parametrize("n_objectives", [2, 3])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_draws_depend_on_the_seed_and_on_nothing_else(distribution: PreferenceDistribution, n_objectives: int) -> None:
    first = distribution.draw(seeded(3), 40, n_objectives)
    torch.rand(5)  # the global generator must not matter
    assert torch.equal(first, distribution.draw(seeded(3), 40, n_objectives))
    assert not torch.equal(first, distribution.draw(seeded(4), 40, n_objectives))


def share(mask: torch.Tensor) -> float:
    return float(mask.double().mean())


def test_corner_mix_for_two_rewards_has_ten_percent_corners_and_is_uniform_elsewhere() -> None:
    rows = CornerMix().draw(seeded(0), MANY, 2)
    corner = (rows == 0).any(1)
    assert share(corner) == pytest.approx(0.1, abs=0.01)
    assert share(rows[:, 0] == 1) == pytest.approx(0.05, abs=0.007)
    assert bool((rows[corner].max(1).values == 1).all())
    inside = rows[~corner, 0].double().sort().values
    even = torch.linspace(0, 1, len(inside), dtype=torch.float64)
    assert float((inside - even).abs().max()) < 1.63 / math.sqrt(len(inside))  # Kolmogorov-Smirnov at 1 %


@pytest.mark.parametrize("n_objectives", [3, 5])
def test_corner_mix_for_more_rewards_has_vertices_edges_and_interior(n_objectives: int) -> None:
    rows = CornerMix().draw(seeded(0), MANY, n_objectives)
    support = (rows > 0).sum(1)
    assert share(support == 1) == pytest.approx(0.5, abs=0.015)
    assert share(support == 2) == pytest.approx(0.35, abs=0.015)
    assert share(support == n_objectives) == pytest.approx(0.15, abs=0.015)
    assert bool((rows[support == 1].max(1).values == 1).all())
    for k in range(n_objectives):
        assert share(rows[support == 1].argmax(1) == k) == pytest.approx(1 / n_objectives, abs=0.02)
        assert share(rows[support == 2][:, k] > 0) == pytest.approx(2 / n_objectives, abs=0.025)


def test_an_edge_is_uniform_on_a_pair() -> None:
    rows = CornerMix(vertices=0.0, edges=1.0).draw(seeded(5), MANY, 4)
    assert bool(((rows > 0).sum(1) == 2).all())
    pairs = (rows > 0).long() @ torch.tensor([1, 2, 4, 8])
    for mask in pairs.unique().tolist():
        assert share(pairs == mask) == pytest.approx(1 / 6, abs=0.015)
    first = (rows[:, 0][(rows[:, 0] > 0)]).double()
    assert float(first.mean()) == pytest.approx(0.5, abs=0.012)
    assert float(first.var()) == pytest.approx(1 / 12, abs=0.005)


@pytest.mark.parametrize("n_objectives", [3, 5])
def test_the_interior_of_corner_mix_is_the_uniform_dirichlet(n_objectives: int) -> None:
    rows = CornerMix(vertices=0.0, edges=0.0).draw(seeded(2), MANY, n_objectives).double()
    variance = (n_objectives - 1) / (n_objectives**2 * (n_objectives + 1))
    for k in range(n_objectives):
        assert float(rows[:, k].mean()) == pytest.approx(1 / n_objectives, abs=0.007)
        assert float(rows[:, k].var()) == pytest.approx(variance, rel=0.06)


def test_successive_draws_of_corner_mix_differ() -> None:
    generator = seeded(0)
    assert not torch.equal(CornerMix().draw(generator, 20, 3), CornerMix().draw(generator, 20, 3))


@pytest.mark.parametrize("concentration", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("n_objectives", [2, 3, 5])
def test_dirichlet_moments(concentration: float, n_objectives: int) -> None:
    rows = Dirichlet(concentration).draw(seeded(8), MANY, n_objectives).double()
    k = n_objectives
    variance = (k - 1) / (k**2 * (k * concentration + 1))
    covariance = -1 / (k**2 * (k * concentration + 1))
    spread = torch.cov(rows.T)
    tolerance = 6 * math.sqrt(variance / MANY)
    for i in range(k):
        assert float(rows[:, i].mean()) == pytest.approx(1 / k, abs=tolerance)
        assert float(spread[i, i]) == pytest.approx(variance, rel=0.06)
    assert float(spread[0, 1]) == pytest.approx(covariance, rel=0.1)


def test_fixed_preference_repeats_itself_and_leaves_the_generator_alone() -> None:
    generator = seeded(0)
    before = generator.get_state()
    rows = FixedPreference((0.25, 0.75)).draw(generator, 3, 2)
    assert rows.tolist() == [[0.25, 0.75]] * 3
    assert torch.equal(generator.get_state(), before)
    with pytest.raises(ValueError, match="3 entries"):
        FixedPreference((0.25, 0.75)).draw(generator, 3, 3)


@pytest.mark.parametrize("arguments", [(-0.1, 0.5, 0.3), (1.1, 0.5, 0.3), (0.1, -0.1, 0.3), (0.1, 0.7, 0.4)])
def test_corner_mix_refuses_what_is_no_probability(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="CornerMix"):
        CornerMix(*arguments)


@pytest.mark.parametrize("concentration", [0.0, -1.0, math.nan])
def test_dirichlet_refuses_a_concentration_that_is_not_positive(concentration: float) -> None:
    with pytest.raises(ValueError, match="concentration"):
        Dirichlet(concentration)


@pytest.mark.parametrize(("n_objectives", "divisions"), [(1, 4), (2, 1), (2, 10), (3, 5), (4, 3), (5, 2)])
def test_lattice_is_every_composition_once_from_the_first_corner_to_the_last(n_objectives: int, divisions: int) -> None:
    rows = lattice(n_objectives, divisions)
    counts = [tuple(round(float(value) * divisions) for value in row) for row in rows]
    assert len(counts) == len(set(counts)) == math.comb(divisions + n_objectives - 1, n_objectives - 1)
    assert set(counts) == naive_lattice(n_objectives, divisions)
    assert rows.dtype == np.float64
    assert np.abs(rows.sum(1) - 1).max() < 1e-12
    assert rows[0].tolist() == [1.0, *[0.0] * (n_objectives - 1)]
    assert rows[-1].tolist() == [*[0.0] * (n_objectives - 1), 1.0]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("arguments", [(0, 3), (2, 0)])
def test_lattice_refuses_nothing_to_divide(arguments: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="lattice"):
        lattice(*arguments)


@pytest.mark.parametrize("n_objectives", [2, 3, 5])
@pytest.mark.parametrize("at_least", [1, 2, 5, 6, 7, 16])
def test_coarsest_lattice_is_the_first_that_is_large_enough(n_objectives: int, at_least: int) -> None:
    found = coarsest_lattice(n_objectives, at_least)
    sizes = [len(naive_lattice(n_objectives, h)) for h in range(1, 16)]
    assert len(found) == next(size for size in sizes if size >= at_least)


def test_one_objective_has_one_preference() -> None:
    assert coarsest_lattice(1, 1).tolist() == [[1.0]]
    with pytest.raises(ValueError, match="single preference"):
        coarsest_lattice(1, 2)


@pytest.mark.parametrize("preference", [(1.0, 0.0), (0.5, 0.5), (0.1, 0.9 + 1e-8)])
def test_check_preference_accepts_the_simplex(preference: tuple[float, ...]) -> None:
    check_preference(preference, 2)


@pytest.mark.parametrize(
    ("preference", "message"),
    [
        ((0.5, 0.4), "found .0.5, 0.4. summing to 0.9"),
        ((1.5, -0.5), "non-negative"),
        ((math.nan, 1.0), "non-negative"),
        ((math.inf, -math.inf), "non-negative"),
        ((1.0,), "2 entries, one a reward, found 1"),
        ((), "2 entries"),
        ((0.2, 0.3, 0.5), "found 3"),
        ((0.5, 0.5001), "summing to 1.0001"),
    ],
)
def test_check_preference_says_what_is_wrong(preference: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"mine must .*{message}"):
        check_preference(preference, 2, "mine")
