"""Targets, noise levels, learning rate and average against their definitions."""

import pytest
import torch

from benchmarks.pretraining.flow_matching import AveragedWeights, learning_rate, noised


def test_velocity_is_noise_minus_clean_on_the_straight_path() -> None:
    clean = torch.rand(64, 3, 4, 4)
    x, sigma, velocity = noised(clean, torch.Generator().manual_seed(0))
    level = sigma[:, None, None, None]
    # The path leads back to the data and on to the noise.
    torch.testing.assert_close(x - level * velocity, clean)
    noise = x + (1 - level) * velocity
    assert float(noise.mean()) == pytest.approx(0, abs=0.1)
    assert float(noise.std()) == pytest.approx(1, abs=0.1)


def test_noise_levels_are_logit_normal() -> None:
    sigma = noised(torch.zeros(20000, 1), torch.Generator().manual_seed(0))[1].double()
    logit = (sigma / (1 - sigma)).log()
    assert float(logit.mean()) == pytest.approx(0, abs=0.03)
    assert float(logit.std()) == pytest.approx(1, abs=0.03)


def test_the_learning_rate_warms_up_stays_and_falls_to_nothing() -> None:
    rates = [learning_rate(step, 1000, 2e-3, 100, 0.25) for step in range(1000)]
    assert rates[49] == pytest.approx(1e-3)
    assert all(rate == 2e-3 for rate in rates[99:751])
    assert rates == sorted(rates[:100]) + rates[100:750] + sorted(rates[750:], reverse=True)
    assert 0 < rates[-1] < 1e-5


def test_before_its_decay_a_training_does_not_depend_on_its_length() -> None:
    for step in range(0, 750, 50):
        assert learning_rate(step, 1000, 1.0, 100, 0.25) == learning_rate(step, 5000, 1.0, 100, 0.25)


def test_the_average_follows_its_recursion() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(1.0)
    average = AveragedWeights(network, 0.9)
    expected = 1.0
    for step in range(1, 200):
        with torch.no_grad():
            network.weight.fill_(float(step))
        average.update(network, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert float(average.tensors["weight"]) == pytest.approx(expected, rel=1e-5)
    assert network.weight.item() == 199
