"""The density reward against torch's own distributions."""

import pytest
import torch

from benchmarks.rewards.log_density import BaseLogDensity
from tests.support.suites import MEANS, PROMPTS, SPEC, WEIGHTS

REWARD = BaseLogDensity(PROMPTS, SPEC.mixture())


def test_values_are_the_log_density_of_the_prompts_mixture() -> None:
    samples = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    prompts = ["up", "left", "right", "left", "up", "up"]
    found = REWARD(samples, prompts)
    for i, prompt in enumerate(prompts):
        p = PROMPTS.index(prompt)
        components = torch.distributions.MultivariateNormal(
            torch.tensor(MEANS[p], dtype=torch.float64), 0.25 * torch.eye(2, dtype=torch.float64)
        )
        weights = torch.distributions.Categorical(torch.tensor(WEIGHTS[p], dtype=torch.float64))
        expected = torch.distributions.MixtureSameFamily(weights, components).log_prob(samples[i])
        torch.testing.assert_close(found[i], expected)


def test_samples_of_the_base_are_more_plausible_than_others() -> None:
    base = torch.tensor(MEANS[0])
    assert float(REWARD(base, ["left"] * 2).min()) > float(REWARD(base + 3, ["left"] * 2).max())


def test_an_unknown_prompt_is_refused() -> None:
    with pytest.raises(KeyError, match="down"):
        REWARD(torch.zeros(1, 2), ["down"])
