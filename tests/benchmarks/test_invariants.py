"""The checks a run makes of itself: each passes on a sound model and fails on the fault it is for."""

from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.backbones.toy import ToyBackbone
from benchmarks.invariants import Probe, checks_at_end, checks_at_start
from tests.support.suites import SPEC, tiny_benchmark

TINY = tiny_benchmark()
FINITE = {
    "step": np.array([0, 0, 6, 6]),
    "prompt_id": np.array([0, 1, 0, 1]),
    "reward_first": np.array([-1.0, np.nan, -0.5, np.nan]),
    "held_out_x": np.array([np.inf, 0.0, 0.0, 0.0]),
}


def moved(backbone: ToyBackbone, *, preference: bool) -> None:
    """Move all weights but, unless asked for, those of the preference path."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in backbone.residual.named_parameters():
            if preference or not name.startswith("preference"):
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))


def results(found: list[Any]) -> dict[str, bool]:
    return {entry.name: entry.passed for entry in found}


def test_an_untrained_model_passes() -> None:
    probe = Probe(TINY, SPEC.build(2, 0), 0)
    assert results(checks_at_start(probe, conditional=True)) == {
        "no_contrast_at_start": True,
        "slider_is_identity_at_start": True,
    }
    assert [entry.value for entry in checks_at_start(probe, conditional=False)] == [0.0]


def test_a_trained_model_passes() -> None:
    backbone = SPEC.build(2, 0)
    moved(backbone, preference=True)
    found = checks_at_end(Probe(TINY, backbone, 0), FINITE, conditional=True, on_policy=False)
    assert results(found) == {
        "contrast_after_training": True,
        "preference_changes_output": True,
        "rewards_finite": True,
    }
    assert all(entry.value > 0 for entry in found[:2])


def test_a_model_that_was_changed_before_the_start_fails() -> None:
    backbone = SPEC.build(2, 0)
    moved(backbone, preference=True)
    assert results(checks_at_start(Probe(TINY, backbone, 0), conditional=True)) == {
        "no_contrast_at_start": False,
        "slider_is_identity_at_start": False,
    }


def test_a_model_that_did_not_train_fails() -> None:
    found = checks_at_end(Probe(TINY, SPEC.build(2, 0), 0), FINITE, conditional=True, on_policy=False)
    assert results(found) == {
        "contrast_after_training": False,
        "preference_changes_output": False,
        "rewards_finite": True,
    }


def test_a_slider_that_is_switched_off_fails() -> None:
    backbone = SPEC.build(2, 0)
    moved(backbone, preference=False)
    with torch.no_grad():
        for parameter in backbone.residual.preference.parameters():
            parameter.zero_()
    found = results(checks_at_end(Probe(TINY, backbone, 0), FINITE, conditional=True, on_policy=False))
    assert found["contrast_after_training"]
    assert not found["preference_changes_output"]


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_reward_that_is_lost_in_training_fails_and_one_that_never_applied_does_not(value: float) -> None:
    columns = FINITE | {"reward_first": np.array([-1.0, np.nan, value, np.nan])}
    probe = Probe(TINY, SPEC.build(2, 0), 0)
    found = checks_at_end(probe, columns, conditional=False, on_policy=True)
    assert results(found) == {"rewards_finite": False}
    assert found[0].value == 1


def test_methods_without_old_weights_or_preferences_are_not_asked_for_them() -> None:
    probe = Probe(TINY, SPEC.build(2, 0), 0)
    assert results(checks_at_end(probe, FINITE, conditional=False, on_policy=True)) == {"rewards_finite": True}
