"""The frozen numbers of the sampler study follow from its ring; its methods differ in the sampler alone."""

import math
from dataclasses import replace

import pytest
import torch

from benchmarks.evaluate import evaluate
from benchmarks.suites import SUITES
from benchmarks.suites.samplers import MODES, PREFERRED, RING, RINGS, SAMPLER_STUDY, STD
from benchmarks.train import steps_paid, steps_within
from methods.grpo import FlowGRPO
from methods.objectives.grpo import GRPO


def test_the_suite_is_known_and_has_a_study() -> None:
    assert SUITES["sampler-study"] is SAMPLER_STUDY
    assert SAMPLER_STUDY.study is not None
    assert SUITES["toy"].study is None
    assert len(SAMPLER_STUDY.seeds) == 5


def test_rings_are_eight_modes_on_the_unit_circle_no_two_alike() -> None:
    assert len({mode for ring in RINGS for mode in ring}) == MODES * len(RINGS) == 64
    for ring, preferred in zip(RINGS, PREFERRED.values(), strict=True):
        assert all(math.hypot(*mode) == pytest.approx(1, abs=1e-4) for mode in ring)
        assert preferred in ring


def test_the_reference_point_follows_the_rule() -> None:
    halfway = math.sin(math.pi / MODES) ** 2
    assert RING.reference_point == (-math.ceil(100 * halfway) / 100, -4.0)
    between = torch.tensor([[math.cos(math.pi / MODES), math.sin(math.pi / MODES)]])
    nearest = RING.rewards[0](between * math.cos(math.pi / MODES), [RING.prompts[0]])
    assert float(nearest) == pytest.approx(-halfway, abs=1e-4)
    for prompt, (x, y) in PREFERRED.items():
        assert float(RING.rewards[1](torch.tensor([[-x, -y]]), [prompt])) == pytest.approx(-4.0, abs=1e-3)
        assert float(RING.rewards[1](torch.tensor([[x, y]]), [prompt])) == 0
        assert float(RING.rewards[0](torch.tensor([[x, y]]), [prompt])) == 0


def test_the_base_model_lies_above_the_reference_point_and_near_its_closed_form() -> None:
    backbone = RING.backbone.build(2, 0)
    sweep = evaluate(RING, backbone, "reference", [(0.5, 0.5)], 0, conditional=False, step=0, first_point=0)
    columns = sweep.columns
    sharpness, preference = (float(columns[f"reward_{reward.name}"].mean()) for reward in RING.rewards)
    # The ODE of 40 steps is somewhat sharper than the data, whose value would be -2 STD^2.
    assert -3 * 2 * STD**2 < sharpness < 0
    assert preference == pytest.approx(-2 - 2 * STD**2, abs=0.2)
    assert all(r > low for r, low in zip((sharpness, preference), RING.reference_point, strict=True))


def test_methods_differ_in_their_sampler_alone() -> None:
    methods = SAMPLER_STUDY.methods
    assert {name: (type(m.sampler).__name__, vars(m.sampler)["eta"]) for name, m in methods.items()} == {
        "grpo_flow_sde": ("FlowSDE", 0.7),
        "grpo_dance_sde": ("DanceSDE", 0.3),
        "grpo_cps": ("CPS", 0.7),
        "grpo_precise": ("Precise", 1.5),
        "grpo_dance_precise": ("DancePrecise", 0.3),
        "grpo_precise_07": ("Precise", 0.7),
    }
    one = methods["grpo_cps"]
    assert isinstance(one, FlowGRPO)
    assert isinstance(one.objective, GRPO)
    assert one.objective.guard
    for method in methods.values():
        assert replace(method, sampler=one.sampler) == one
        method.validate(RING.n_objectives, RING.recipe.group_size)


def test_every_method_gets_as_many_steps_and_a_curve() -> None:
    steps = {steps_within(RING, method, 1.0) for method in SAMPLER_STUDY.methods.values()}
    assert steps == {320}
    method = SAMPLER_STUDY.methods["grpo_cps"]
    assert [steps_paid(RING, method, share) for share in RING.recipe.evaluate_at] == list(range(20, 320, 20))
