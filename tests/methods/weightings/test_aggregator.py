"""Rules of the multi-task literature on the Gramian: finite, repeatable, and what their papers say they are."""

import math
import warnings
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.base import Benchmark
from benchmarks.records import UsageError
from benchmarks.run import Run
from benchmarks.train import Learner
from methods.aggregated import Aggregated
from methods.min_norm import min_norm_weights
from methods.weightings import aggregator
from methods.weightings.aggregator import RULES, AggregatorWeighting
from tests.methods.stubs import make_batch, normal
from tests.support.properties import assert_frozen, assert_identical, unchanged
from tests.support.suites import tiny_benchmark

WIDE = torch.float64


def installed(rule: str) -> bool:
    """Whether everything that a rule needs is there; it is imported here, where its libraries may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            AggregatorWeighting(rule).validate(2)
        except ValueError:
            return False
    return True


pytest.importorskip("torchjd")
# cvxpy warns once of every problem shape that it compiles without its fast path.
pytestmark = pytest.mark.filterwarnings("ignore:You are solving a parameterized problem:UserWarning")
PRESENT = [rule for rule in sorted(RULES) if installed(rule)]
rules = pytest.mark.parametrize("rule", PRESENT)


def gramian(seed: int, k: int, span: float = 1.0) -> Tensor:
    """The Gramian of K random gradients of lengths within `span`, some in conflict."""
    rows = normal(seed, k, 12)
    scales = torch.logspace(0, math.log10(span), k, dtype=WIDE) if span > 1 else torch.ones(k, dtype=WIDE)
    return (scales[:, None] * rows) @ (scales[:, None] * rows).T


def solved(rule: str, matrix: Tensor, updates: int = 0, **settings: Any) -> Tensor:
    weighting = AggregatorWeighting(rule, **settings)
    state = {**weighting.init(len(matrix), 10), "updates": torch.tensor(updates)}
    with unchanged(matrix, state):
        weights, after = weighting.solve(matrix, state)
    assert int(after["updates"]) == updates + 1
    return weights


@rules
@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("span", [1.0, 1000.0])
def test_every_rule_gives_finite_weights(rule: str, k: int, normalize: bool, span: float) -> None:
    for seed in range(2):
        weights = solved(rule, gramian(seed, k, span), normalize=normalize)
        assert weights.shape == (k,)
        assert weights.dtype == WIDE
        assert bool(weights.isfinite().all())
        assert float(weights.abs().max()) > 0


@rules
@pytest.mark.parametrize("scale", [1e-10, 1e10])
def test_one_factor_for_all_gradients_changes_no_weight(rule: str, scale: float) -> None:
    matrix = gramian(1, 3)
    one, other = solved(rule, matrix), solved(rule, scale * matrix)
    torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-4)


@rules
def test_all_zero_gradients_have_equal_weights_and_one_zero_gradient_has_none(rule: str) -> None:
    assert solved(rule, torch.zeros(4, 4, dtype=WIDE)).tolist() == [0.25] * 4
    matrix = gramian(2, 4)
    matrix[2] = matrix[:, 2] = 0
    present = [0, 1, 3]
    weights = solved(rule, matrix)
    assert float(weights[2]) == 0
    torch.testing.assert_close(weights[present], solved(rule, matrix[present][:, present]), rtol=1e-12, atol=0)


@rules
def test_the_same_update_gives_the_same_weights_and_leaves_the_global_generator_alone(rule: str) -> None:
    matrix = gramian(3, 5, 3.0)
    before = torch.get_rng_state()
    first = solved(rule, matrix, updates=4)
    AggregatorWeighting(rule).validate(5)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert torch.equal(solved(rule, matrix, updates=4), first)


@pytest.mark.parametrize("rule", ["pcgrad", "random"])
def test_rules_that_draw_draw_anew_for_each_update(rule: str) -> None:
    matrix = gramian(4, 5, 3.0) - 3 * (1 - torch.eye(5, dtype=WIDE))
    found = {tuple(solved(rule, matrix, updates=n).tolist()) for n in range(8)}
    assert len(found) > 4


@rules
@pytest.mark.parametrize("seed", range(3))
def test_normalized_rules_do_not_see_the_lengths_of_gradients(rule: str, seed: int) -> None:
    matrix = gramian(seed, 3)
    lengths = torch.tensor([0.01, 1.0, 30.0], dtype=WIDE)
    scaled = matrix * lengths[:, None] * lengths
    one, other = solved(rule, matrix, normalize=True), solved(rule, scaled, normalize=True)
    units = [w * m.diagonal().sqrt() / m.diagonal().sqrt().mean() for w, m in ((one, matrix), (other, scaled))]
    torch.testing.assert_close(units[0], units[1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_mean_has_equal_weights(k: int) -> None:
    torch.testing.assert_close(solved("mean", gramian(0, k)), torch.full((k,), 1 / k, dtype=WIDE))


@pytest.mark.parametrize("seed", range(4))
def test_mgda_comes_close_to_the_exact_min_norm_point(seed: int) -> None:
    matrix = gramian(seed, 3)
    found, exact = solved("mgda", matrix), min_norm_weights(matrix)
    lengths = [float(alpha @ matrix @ alpha) for alpha in (exact, found)]
    assert float(found.sum()) == pytest.approx(1, rel=1e-6)
    assert lengths[0] - 1e-12 <= lengths[1] <= 1.05 * lengths[0] + 0.02


@pytest.mark.parametrize("seed", range(4))
def test_imtl_g_has_equal_projections_on_all_gradients(seed: int) -> None:
    matrix = gramian(seed, 4, 20.0)
    weights = solved("imtl_g", matrix)
    assert float(weights.sum()) == pytest.approx(1, rel=1e-6)
    projections = matrix @ weights / matrix.diagonal().sqrt()
    torch.testing.assert_close(projections, projections.mean().expand(4), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rule", ["upgrad", "dual_proj"])
@pytest.mark.parametrize("seed", range(6))
def test_projecting_rules_conflict_with_no_gradient(rule: str, seed: int) -> None:
    if rule not in PRESENT:
        pytest.skip(f"{rule}: not installed")
    matrix = gramian(seed, 4) if seed % 2 else gramian(seed, 3, 10.0)
    inner = matrix @ solved(rule, matrix)
    assert float(inner.min()) >= -1e-3 * float(matrix.diagonal().max())


def test_pcgrad_removes_conflicts_of_two_gradients_by_projection() -> None:
    rows = torch.tensor([[1.0, 0.0], [-0.5, 2.0]], dtype=WIDE)
    matrix = rows @ rows.T
    inner = float(matrix[0, 1])
    assert inner < 0
    expected = rows[0] - inner / float(matrix[1, 1]) * rows[1] + rows[1] - inner / float(matrix[0, 0]) * rows[0]
    torch.testing.assert_close(solved("pcgrad", matrix) @ rows, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(solved("pcgrad", torch.eye(2, dtype=WIDE)), torch.ones(2, dtype=WIDE))


@pytest.mark.skipif("nash_mtl" not in PRESENT, reason="nash_mtl: not installed")
@pytest.mark.parametrize("seed", range(3))
def test_nash_mtl_solves_its_equation(seed: int) -> None:
    # G alpha = 1 / alpha, up to one factor: torchjd scales the gradients and the result.
    matrix = gramian(seed, 3)
    alpha = solved("nash_mtl", matrix)
    assert float(alpha.min()) > 0
    products = alpha * (matrix @ alpha)
    torch.testing.assert_close(products / products.mean(), torch.ones(3, dtype=WIDE), rtol=0.05, atol=0)


@pytest.mark.parametrize("rule", ["pcgrad", "random"])
def test_a_resumed_training_draws_the_same_weights(rule: str) -> None:
    def learner() -> Learner:
        return Learner(tiny_benchmark(diagnostics_every=0), Aggregated(weighting=AggregatorWeighting(rule)), 0)

    whole = learner()
    for _ in range(2):
        whole.advance()
    saved = {name: tensor.clone() for name, tensor in whole.state().items()}
    assert int(saved["weighting.updates"]) == 2
    drawn = [whole.advance().weights for _ in range(2)]
    torch.rand(5)
    resumed = learner()
    resumed.load(saved, 2, 0.0, vars(whole.meter))
    assert all(torch.equal(resumed.advance().weights, weights) for weights in drawn)
    assert_identical(resumed.state(), whole.state())


def test_weights_that_are_not_finite_end_the_training_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: AggregatorWeighting, matrix: Tensor, seed: int) -> Tensor:
        return torch.full_like(matrix[0], math.nan)

    monkeypatch.setattr(AggregatorWeighting, "_weights_of", broken)
    with pytest.raises(ValueError, match="aggregator upgrad: expected finite weights, found") as refused:
        solved("upgrad", gramian(0, 2))
    assert "\n" not in str(refused.value)


def refuse_import(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ModuleType:
        if name.startswith("torchjd"):
            raise ImportError("No module named 'torchjd'\nand more lines")
        return import_module(name)

    monkeypatch.setattr(aggregator, "import_module", missing)


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    refuse_import(monkeypatch)
    with pytest.raises(ValueError, match=r'\(pip install "flowfront\[aggregators\]"\), found: No module') as refused:
        AggregatorWeighting("upgrad").validate(2)
    assert "\n" not in str(refused.value)
    benchmark: Benchmark = tiny_benchmark()
    run = Run("tiny", benchmark, "aggregated", Aggregated(weighting=AggregatorWeighting("upgrad")), 0, tmp_path)
    with pytest.raises(UsageError, match="aggregated on tiny: aggregator upgrad: expected its packages"):
        run.validate()
    assert not any(tmp_path.iterdir())


def test_one_reward_needs_no_rule_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_import(monkeypatch)
    AggregatorWeighting().validate(1)
    assert solved("upgrad", gramian(0, 1)).tolist() == [1.0]


def test_the_weights_are_asked_for_at_every_update() -> None:
    weighting = AggregatorWeighting()
    assert weighting.weights(make_batch(torch.zeros(4, 2)), weighting.init(2, 10)) is None


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rule must be one of aligned_mtl, .*, upgrad, found 'mean_grad'"):
        AggregatorWeighting("mean_grad")
    assert_frozen(AggregatorWeighting())
