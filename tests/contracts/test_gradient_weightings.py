"""A weighting that asks for the gradients gets them, and its weights make the update, whichever weighting it is."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from benchmarks.backbones.toy import ToyBackbone
from benchmarks.collect import Meter, collect, draw_prompts
from benchmarks.draws import KeyedDraws
from benchmarks.train import Learner
from methods.base import Method, Points, State, Weighting
from methods.gradients import sample_shares
from methods.pareto_slider import ParetoSlider
from methods.weightings.fixed import FixedWeighting
from tests.contracts.tiny import PROMPTS, RECIPE, tiny_benchmark, tolerance, trained
from tests.support.oracles import flat_gradient, naive_nft_losses
from tests.support.properties import assert_identical


@pytest.fixture(params=[2, 3])
def k(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def inverse(norms: Tensor) -> Tensor:
    """Return weights in inverse proportion to norms, none where there is no gradient."""
    raw = torch.where(norms > 0, 1 / norms, 0.0)
    return raw / raw.sum()


@dataclass(frozen=True)
class InverseNorms(Weighting):
    """Weights in inverse proportion to the norms of the gradients; counts how often it was asked."""

    def init(self, n_objectives: int, n_updates: int) -> State:
        return {"asked": torch.zeros(()), "last": torch.zeros(n_objectives, dtype=torch.float64)}

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        found = inverse(gramian.diagonal().sqrt())
        return found, {"asked": state["asked"] + 1, "last": found}


def needs_gradients(anchor: float = 0.1) -> Method:
    return replace(ParetoSlider(), weighting=InverseNorms(), anchor=anchor)


def naive_gradients(learner: Learner, backbone: ToyBackbone) -> tuple[Tensor, Tensor]:
    """The K gradients [K, P] and that of the anchor [P] at the next step of a learner, from separate losses."""
    benchmark, method = learner.benchmark, learner.method
    prompts = draw_prompts(len(PROMPTS), 2, learner.seed, learner.step)
    draws = KeyedDraws(learner.seed, prompts, learner.step)
    batch = collect(benchmark, method, backbone, draws, prompts, Meter())
    points: Points = method.objective.points(batch, draws)
    advantages = method.advantages(batch.rewards, batch.groups, None)[points.rollout]
    shares = sample_shares(batch.rewards)[points.rollout] * len(batch.rewards) / len(points)
    velocities = {}
    for name, preference in (("old", points.preferences), ("reference", None), ("current", points.preferences)):
        with backbone.snapshots.using(name):
            found = backbone.velocity(points.x, points.sigma, points.condition, preference)
        velocities[name] = found if name == "current" else found.detach()
    now, old = velocities["current"], velocities["old"]
    losses = naive_nft_losses(points.x, points.sigma, now, old, points.target, advantages, 1.0, 5.0)
    rows = [flat_gradient((losses[:, i] * shares[:, i]).sum(), backbone.parameters()) for i in range(losses.shape[1])]
    anchor = (now - velocities["reference"]).square().mean()
    return torch.stack(rows), flat_gradient(anchor, backbone.parameters())


def twin_of(learner: Learner) -> ToyBackbone:
    """A second backbone with the same current, old and reference weights."""
    twin: ToyBackbone = learner.benchmark.backbone.build(learner.benchmark.n_objectives, learner.seed)  # type: ignore[assignment]
    twin.snapshots.load({name: tensor.clone() for name, tensor in learner.snapshots.state().items()})
    return twin


@pytest.mark.parametrize("micro_batch", [None, 7])
def test_a_weighting_that_needs_the_gradients_combines_them_as_it_says(k: int, micro_batch: int | None) -> None:
    benchmark = tiny_benchmark(k, replace(RECIPE, micro_batch=micro_batch, diagnostics_every=0))
    learner = Learner(benchmark, needs_gradients(), 2)
    learner.advance()
    twin = twin_of(learner)
    gradients, anchor = naive_gradients(learner, twin)
    norms = gradients.double().norm(dim=1)
    assert float(norms[:2].min()) > 1e-3
    assert float(anchor.norm()) > 1e-6
    weights = inverse(norms)
    expected = weights.to(gradients) @ gradients + 0.1 * anchor

    done = learner.advance()
    found = torch.cat([p.grad.flatten() for p in learner.parameters if p.grad is not None])
    torch.testing.assert_close(found, expected, **tolerance())
    torch.testing.assert_close(done.weights, weights, **tolerance())
    assert done.gramians == {}, "solved for, but not measured"
    assert float(learner.weighting_state["asked"]) == 2
    assert torch.equal(learner.weighting_state["last"], done.weights)


def test_the_optimizer_steps_along_that_gradient() -> None:
    learner = Learner(tiny_benchmark(2), needs_gradients(0.0), 1)
    twin = twin_of(learner)
    gradients, _ = naive_gradients(learner, twin)
    update = inverse(gradients.norm(dim=1)) @ gradients
    learner.advance()
    moved = torch.cat([(a - b).detach().flatten() for a, b in zip(learner.parameters, twin.parameters(), strict=True)])
    clear = update.abs() > 1e-3 * update.abs().max()
    assert int(clear.sum()) > 10
    # The first step of AdamW is the learning rate against the sign of the gradient, but for a little weight decay.
    torch.testing.assert_close(moved[clear], -1e-2 * update[clear].sign(), rtol=0, atol=2e-4)


def test_the_state_of_such_a_weighting_is_saved_and_resumed() -> None:
    learner = trained(needs_gradients(), 2, 0, 2)
    saved = {name: tensor.clone() for name, tensor in learner.state().items()}
    assert float(saved["weighting.asked"]) == 2
    learner.advance()
    resumed = Learner(tiny_benchmark(2), needs_gradients(), 0)
    resumed.load(saved, 2, 0.0, {"velocity_evaluations": 0, "reward_calls": 0})
    resumed.advance()
    assert_identical(resumed.state(), learner.state())


@dataclass(frozen=True)
class Late(Weighting):
    """Fixed weights that are only told once the gradients are known."""

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        return gramian.new_tensor([0.3, 0.7]), state


def test_known_weights_give_the_same_update_either_way() -> None:
    updates = []
    for weighting in (FixedWeighting((0.3, 0.7)), Late()):
        learner = trained(replace(ParetoSlider(), weighting=weighting, anchor=0.1), 2, 5, 2)
        updates.append(torch.cat([p.grad.flatten() for p in learner.parameters if p.grad is not None]))
    torch.testing.assert_close(updates[0], updates[1], **tolerance())
