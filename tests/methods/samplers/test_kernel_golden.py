import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from methods.samplers.loop import log_prob
from tests.support.samplers import STOCHASTIC

DATA = Path(__file__).parents[2] / "data"
CASES: list[dict[str, Any]] = json.loads((DATA / "stochastic_samplers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(DATA / "stochastic_samplers.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def test_the_cases_cover_all_samplers_and_their_kinds_of_steps(golden: dict[str, np.ndarray]) -> None:
    assert {len(array) for array in golden.values()} == {len(CASES)} == {60}
    for name in STOCHASTIC:
        mine = [case for case in CASES if case["sampler"] == name]
        assert {case["num_steps"] for case in mine} == {6, 10, 20, 30}
        assert any(case["sigma"][0] == 1 for case in mine)
        assert any(case["sigma"][0] != case["sigma"][1] for case in mine)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("row", range(len(CASES)), ids=lambda i: CASES[i]["sampler"] + CASES[i]["id"])
def test_steps_of_the_published_code(golden: dict[str, np.ndarray], row: int, dtype: torch.dtype) -> None:
    case = CASES[row]
    # Published float32 code cancels in 1 - rho^2 here: it is the less accurate side.
    cancels = case["sampler"] == "dance_precise"
    want = {name: torch.from_numpy(array[row]).to(dtype) for name, array in golden.items()}
    s, n = (torch.tensor(case[key], dtype=dtype) for key in ("sigma", "sigma_next"))
    velocity = want["v"].clone().requires_grad_()
    step = STOCHASTIC[case["sampler"]](eta=case["eta"]).transition(want["x"], velocity, s, n)
    (slope,) = torch.autograd.grad(step.mean.sum(), velocity)
    mean, std = step.mean.detach(), step.std
    latent = mean + std[:, None, None, None] * want["noise"]
    torch.testing.assert_close(mean, want["mean"], rtol=0, atol=2e-6)
    torch.testing.assert_close(latent, want["prev_sample"], rtol=0, atol=4e-6 if cancels else 2e-6)
    torch.testing.assert_close(std, want["std"], rtol=1e-4 if cancels else 1e-5, atol=0)
    close = 2e-4 if cancels else 1e-5
    for target, value in (("prev_sample", "log_prob"), ("given_prev", "log_prob_given")):
        torch.testing.assert_close(log_prob(want[target], mean, std), want[value], rtol=0, atol=close)
    rows = slope.flatten(1)
    for found in (rows.amin(1), rows.amax(1)):
        torch.testing.assert_close(found, want["dmean_dv"], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(found.abs(), want["guard_abs_jac"], rtol=1e-5, atol=1e-6)
