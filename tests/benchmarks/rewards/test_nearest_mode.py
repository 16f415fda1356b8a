"""The distance to the nearest mode against plain loops."""

import json
import math

import pytest
import torch

from benchmarks.rewards.nearest_mode import NearestMode

MODES = (((0.0, 0.0), (1.0, 0.0)), ((5.0, 5.0), (-1.0, 2.0)))
REWARD = NearestMode(("a", "b"), MODES)


def test_values_are_minus_the_least_squared_distance() -> None:
    samples = 2 * torch.randn(20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    prompts = ["a", "b"] * 10
    expected = [
        -min(math.dist(x, mode) ** 2 for mode in MODES["ab".index(prompt)])
        for x, prompt in zip(samples.tolist(), prompts, strict=True)
    ]
    torch.testing.assert_close(REWARD(samples, prompts), torch.tensor(expected, dtype=torch.float64))
    assert float(REWARD(torch.tensor([[1.0, 0.0]]), ["a"])) == 0


def test_the_definition_is_data() -> None:
    assert json.loads(json.dumps(REWARD.describe())) == json.loads(json.dumps({"modes": MODES}))
    assert REWARD.higher_is_better
    assert REWARD.range == (None, 0.0)


def test_an_unknown_prompt_is_refused() -> None:
    with pytest.raises(KeyError, match="c"):
        REWARD(torch.zeros(1, 2), ["c"])
