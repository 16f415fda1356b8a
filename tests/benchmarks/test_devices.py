"""No tensor lies on the wrong device: trainings, evaluations and rewards on one that is held to CUDA's rules.

It is a pretended one (`tests.support.pretended`), which says what of a GPU is not covered.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from methods import METHODS
from tests.support import pretended

ROOT = Path(__file__).resolve().parents[2]
EXACT, SINGLE = 1e-12, 2e-4
"""Largest differences from the CPU in double precision, and in single precision after two steps of training."""

Outcomes = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Everything on both devices, in a process of its own: the device cannot be taken away again."""
    lacking = pretended.lacking()
    if lacking is not None:
        pytest.skip(lacking)
    folder = tmp_path_factory.mktemp("devices")
    out = folder / "outcomes.json"
    command = [sys.executable, "-m", "tests.support.pretended_runs", str(folder), str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: Outcomes = json.loads(out.read_text())
    if "unavailable" in found:
        pytest.skip(f"no pretended device with this torch: {found['unavailable']}")
    return found


def check(outcome: Mapping[str, Any], tolerance: float) -> None:
    assert "error" not in outcome, outcome["error"]
    assert outcome["numbers"] > 0
    assert outcome["difference"] <= tolerance, f"{outcome['of']}: differs by {outcome['difference']}"


def failed(outcomes: Outcomes, kind: str, tolerance: float) -> list[str]:
    """Return the failures of all cases of a kind, of which there must be some."""
    faults, names = [], [name for name in outcomes if name.startswith(f"{kind}/")]
    assert names, f"no case of {kind}"
    for name in names:
        try:
            check(outcomes[name], tolerance)
        except AssertionError as error:
            faults.append(f"{name}: {error}")
    return faults


@pytest.mark.parametrize("backbone", ["toy", "sd3"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_resumes_and_is_evaluated_as_on_the_cpu(
    outcomes: Outcomes, method: str, backbone: str
) -> None:
    check(outcomes[f"{backbone}/{method}"], EXACT)


@pytest.mark.parametrize("kind", ["toy", "samplers", "execute", "sample"])
def test_other_settings_samplers_whole_runs_and_samples_are_those_of_the_cpu(outcomes: Outcomes, kind: str) -> None:
    assert failed(outcomes, kind, EXACT) == []


@pytest.mark.parametrize("family", ["sd3", "flux-kontext", "ltx2"])
def test_checkpoints_of_the_families_train_as_on_the_cpu(outcomes: Outcomes, family: str) -> None:
    check(outcomes[f"checkpoints/{family}"], SINGLE)


def test_rewards_score_samples_wherever_they_are(outcomes: Outcomes) -> None:
    assert failed(outcomes, "rewards", 1e-5) == []


def test_the_device_refuses_what_cuda_refuses_and_a_misplaced_tensor_is_found(outcomes: Outcomes) -> None:
    assert failed(outcomes, "own", 0) == []
