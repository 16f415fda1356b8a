"""The bare loop the harness is compared with does the same work."""

from dataclasses import replace

import pytest
import torch

from benchmarks.overhead import BareLoop, measure
from benchmarks.suites.toy import TOY, TWO_TARGETS
from benchmarks.train import Learner
from methods.preferences import FixedPreference
from methods.snapshots import LinearDecay

SLIDER = TOY.methods["pareto_slider"]
SMALL = replace(TWO_TARGETS, recipe=replace(TWO_TARGETS.recipe, group_size=6, prompts_per_step=8, diagnostics_every=0))


def test_the_bare_loop_learns_like_the_harness() -> None:
    # Other noise, same method: after 60 steps both have moved their rollouts' rewards up by about as much.
    torch.manual_seed(0)
    before = [parameter.clone() for parameter in BareLoop(SMALL, SLIDER).trained.parameters()]
    bare, harness = BareLoop(SMALL, SLIDER), Learner(SMALL, SLIDER, 0)
    for one, other in zip(bare.trained.parameters(), harness.parameters, strict=True):
        assert torch.equal(one, other)
    for _ in range(60):
        bare.step()
        harness.advance()
    moved = [
        torch.cat([(p.detach() - q.detach()).flatten() for p, q in zip(parameters, before, strict=True)]).norm()
        for parameters in (bare.trained.parameters(), harness.parameters)
    ]
    assert float(moved[0]) == pytest.approx(float(moved[1]), rel=0.3)
    assert float(moved[0]) > 0.1


def test_the_bare_rollout_is_the_samplers() -> None:
    # With the same start noise and preference the hand-written solver gives the harness's samples.
    from benchmarks.collect import Meter, MeteredBackbone, collect
    from benchmarks.draws import KeyedDraws

    method = replace(SLIDER, preferences=FixedPreference((0.25, 0.75)))
    bare, backbone = BareLoop(SMALL, method), SMALL.backbone.build(2, 0)
    draws = KeyedDraws(0, range(8), 0)
    noise = draws.normal("initial noise", 6, 2).flatten(0, 1)
    batch = collect(SMALL, method, MeteredBackbone(backbone, Meter()), draws, range(8), Meter())
    assert batch.preferences is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn", lambda *_: noise)
        found = bare.rollout(batch.preferences)
    torch.testing.assert_close(found, batch.rollout.clean, rtol=1e-3, atol=1e-3)


def test_a_measurement_is_a_ratio_of_times() -> None:
    found = measure(SMALL, "pareto_slider", SLIDER, BareLoop, blocks=2, steps=1)
    assert set(found) == {"ratio", "ratio_low", "ratio_high", "harness_ms", "bare_ms", "threads", "peak_memory_bytes"}
    assert 0 < found["ratio_low"] <= found["ratio"] <= found["ratio_high"]
    assert found["harness_ms"] > 0
    assert found["bare_ms"] > 0
    assert isinstance(SLIDER.snapshots.old, LinearDecay)


def test_the_bare_image_loop_takes_the_harness_s_step() -> None:
    # With the harness's rollouts, noise and noise levels, the hand-written loop finds the harness's gradient.
    from benchmarks.collect import Meter, MeteredBackbone, collect
    from benchmarks.draws import KeyedDraws
    from benchmarks.overhead_images import BareImageLoop
    from benchmarks.suites.shapes import PLAIN_VS_COLOURFUL, SHAPES
    from benchmarks.update import accumulate, losses_of
    from methods.gradients import ObjectiveGradients

    recipe = replace(PLAIN_VS_COLOURFUL.recipe, prompts_per_step=2, group_size=3, rollout_steps=3, micro_batch=None)
    benchmark, method = replace(PLAIN_VS_COLOURFUL, recipe=recipe), SHAPES.methods["weighted_sum"]
    bare = BareImageLoop(benchmark, method)
    learner = Learner(benchmark, method, 0)
    ids, meter = [3, 30], Meter()
    draws = KeyedDraws(0, ids, 0)
    batch = collect(benchmark, method, MeteredBackbone(learner.bare, meter), draws, ids, meter)
    points = method.objective.points(batch, draws)
    found = losses_of(method, batch, learner.weighting_state, None, measure=False)
    accumulate(
        learner.backbone, ObjectiveGradients(learner.bare.network), method, batch, points, found, None, measure=False
    )
    rows = torch.tensor(ids).repeat_interleave(3)
    optimality = (0.5 + found.advantages.clamp(-5, 5) / 10).mean(1)
    level = points.sigma[:, None, None, None]
    noise = (points.x - (1 - level) * points.target) / level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn_like", lambda _: noise)
        bare.add_gradient(batch.rollout.clean, optimality, rows, points.rollout, points.sigma, 1.0)
    for one, other in zip(bare.parameters, learner.parameters, strict=True):
        expected = torch.zeros_like(other) if other.grad is None else other.grad
        torch.testing.assert_close(
            one.grad if one.grad is not None else torch.zeros_like(one), expected, rtol=2e-2, atol=1e-5
        )
