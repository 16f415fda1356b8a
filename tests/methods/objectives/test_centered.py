"""Centered losses on numbers: the tables of the specification (float64), and what centering is for."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.snapshots import WeightSnapshots
from methods.objectives.centered import (
    Loss,
    centered_losses,
    centering_masses,
    implicit_reward,
    regression,
    set_sum,
    weighted_mean,
)
from methods.objectives.nft import optimality
from methods.snapshots import LinearDecay
from tests.methods.stubs import normal, seeded
from tests.support.oracles_crd import gaussian_step_velocity

NAN = math.nan
REWARDS, IMPLICIT = (1.0, 0.0, 0.5, 0.25), (0.3, -0.1, 0.2, 0.0)
LOSSES: tuple[Loss, ...] = ("mse", "bce", "nca")
EXACT = {"rtol": 0, "atol": 1e-12}


def wide(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def column(*values: float) -> Tensor:
    return wide(*values).unsqueeze(1)


def run(
    implicit: Tensor,
    targets: Tensor,
    sets: Tensor | None = None,
    *,
    beta: float = 1.0,
    tau: float | None = None,
    loss: Loss = "mse",
    advantages: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Losses and slopes over sets (one if not said) where targets that are NaN do not apply."""
    sets = torch.zeros(len(targets), dtype=torch.long) if sets is None else sets
    signs = torch.zeros_like(targets) if advantages is None else advantages
    return centered_losses(implicit, targets, signs, ~targets.isnan(), sets, beta=beta, tau=tau, loss=loss)


def value(**options: float | str | None) -> float:
    """The loss of the common group."""
    return float(run(column(*IMPLICIT), column(*REWARDS), **options)[0].mean())  # type: ignore[arg-type]


def gradient(**options: float | str | None) -> list[float]:
    """The gradient of the loss of the common group."""
    return (run(column(*IMPLICIT), column(*REWARDS), **options)[1] / 4).flatten().tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(("adaptive", "expected"), [(False, 0.2), (True, 0.25)])
def test_u1_implicit_reward(adaptive: bool, expected: float) -> None:
    clean, noise, sigma = wide(1.0, -2.0), wide(0.5, 0.5), 0.25
    assert torch.lerp(clean, noise, sigma).tolist() == [0.875, -1.375]
    target = (noise - clean)[None]
    assert target.tolist() == [[-0.5, 2.5]]
    ours, old = wide(-0.4, 2.2)[None], wide(0.0, 2.0)[None]
    assert implicit_reward(ours, old, target, adaptive=adaptive).item() == pytest.approx(expected, rel=1e-6)
    assert implicit_reward(old, old, target, adaptive=adaptive).item() == 0
    images = (t.reshape(1, 2, 1) for t in (ours, old, target))
    assert implicit_reward(*images, adaptive=adaptive).item() == pytest.approx(expected, rel=1e-6)


def test_the_normalizers_of_the_implicit_reward_are_floored_and_constants() -> None:
    target, old = torch.zeros(1, 2, dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)
    assert implicit_reward(old + 1e-7, old, target, adaptive=True).item() == pytest.approx(-1e-14 / 1e-5)
    ours = wide(3.0, -1.0)[None].requires_grad_()
    (slope,) = torch.autograd.grad(implicit_reward(ours, old + 1, target, adaptive=True).sum(), ours)
    torch.testing.assert_close(slope, -ours.detach() / 2, **EXACT)  # 2 e / d over mean|e| = 2, d = 2


def test_u2_uniform_weights() -> None:
    for beta, expected in ((1.0, 0.04921875), (0.5, 0.08671875), (2.0, 0.01171875)):
        assert value(beta=beta) == pytest.approx(expected, abs=1e-12)
    assert gradient() == pytest.approx([-0.18125, 0.11875, 0.01875, 0.04375], abs=1e-12)
    assert sum(gradient()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("loss", "tau"), [("mse", None), ("bce", None), ("nca", None), ("mse", 0.25), ("bce", 0.25)])
def test_u3_a_constant_on_the_rewards_changes_nothing(loss: Loss, tau: float | None) -> None:
    plain = run(column(*IMPLICIT), column(*REWARDS), loss=loss, tau=tau)
    for shift in (7.3, 5.0, -2.0):
        shifted = run(column(*IMPLICIT), column(*REWARDS) + shift, loss=loss, tau=tau)
        torch.testing.assert_close(shifted, plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("loss", "tau"), [("mse", None), ("bce", None), ("nca", None), ("mse", 0.25), ("mse", 0.0)])
def test_u4_a_constant_of_each_prompt_changes_nothing_on_either_side(loss: Loss, tau: float | None) -> None:
    sets, rewards = torch.arange(4).repeat_interleave(5), normal(0, 20, 3)
    advantages = rewards - weighted_mean(rewards, torch.ones_like(rewards), sets)
    implicit = 0.3 * normal(1, 20, 1)
    plain = run(implicit, rewards, sets, loss=loss, tau=tau, advantages=advantages)
    shifted = run(
        implicit + normal(2, 4, 1)[sets], rewards + normal(3, 4, 3)[sets], sets, loss=loss, tau=tau,
        advantages=advantages,
    )  # fmt: skip
    torch.testing.assert_close(shifted, plain, rtol=1e-11, atol=1e-11)
    whole = torch.zeros_like(sets)
    one = run(implicit, rewards, whole, loss=loss, tau=tau, advantages=advantages)[0].mean()
    other = run(implicit + normal(2, 4, 1)[sets], rewards, whole, loss=loss, tau=tau, advantages=advantages)[0].mean()
    assert abs(float(one - other)) > 1e-2


def test_u5_with_uniform_weights_constant_means_leave_the_gradient_alone() -> None:
    implicit = column(*IMPLICIT).requires_grad_()
    difference = implicit - column(*REWARDS)
    (whole,) = torch.autograd.grad((difference - difference.mean()).square().mean(), implicit)
    assert gradient() == pytest.approx(whole.flatten().tolist(), abs=1e-14)


def test_u6_weights_with_a_temperature() -> None:
    sets, everywhere = torch.zeros(4, dtype=torch.long), torch.ones(4, 1, dtype=torch.bool)
    masses = centering_masses(column(*REWARDS), column(*REWARDS), everywhere, sets, 0.25)
    plus, minus = ((m / set_sum(m, sets)).flatten().tolist() for m in masses)
    assert plus == pytest.approx([0.830953, 0.015219, 0.112457, 0.041371], abs=5e-7)
    assert minus == pytest.approx([0.012038, 0.657233, 0.088947, 0.241783], abs=5e-7)
    single = [regression(column(*IMPLICIT), column(*REWARDS), [m], sets, 1.0, bce=False) for m in masses]
    assert [float(losses.mean()) for losses, _ in single] == pytest.approx([0.1331846168, 0.0802724757], abs=1e-10)
    slopes = (single[0][1] / 4).flatten().tolist()
    assert slopes == pytest.approx([-0.0363657, 0.2636343, 0.1636343, 0.1886343], abs=5e-8)
    assert sum(slopes) == pytest.approx(0.5795373, abs=1e-7)
    assert value(tau=0.25) == pytest.approx(0.1067285463, abs=1e-10)
    assert value(tau=1.0) == pytest.approx(0.0554479420, abs=1e-10)
    assert value(tau=1e9) == pytest.approx(0.04921875, abs=1e-8)
    shifted = regression(column(*IMPLICIT), column(*REWARDS) + 5, [masses[0]], sets, 1.0, bce=False)[0]
    assert float(shifted.mean()) == pytest.approx(0.1331846168, abs=1e-10)


def test_u7_cross_entropy() -> None:
    assert value(loss="bce") == pytest.approx(0.6824741148, abs=1e-10)
    floor = run(column(*REWARDS), column(*REWARDS), loss="bce")
    assert float(floor[0].mean()) == pytest.approx(0.6765800985, abs=1e-10)
    torch.testing.assert_close(floor[1], torch.zeros(4, 1, dtype=torch.float64), **EXACT)


def test_u8_uniform_weights_are_a_variance() -> None:
    for beta in (0.5, 1.0, 2.0):
        assert value(beta=beta) == pytest.approx(beta**2 * 0.025 - 2 * beta * 0.05625 + 0.13671875, abs=1e-12)


def test_u9_all_pairs_two_samples_and_one_fixed_partner() -> None:
    differences = [i - r for i, r in zip(IMPLICIT, REWARDS, strict=True)]
    assert value() == pytest.approx(sum((a - b) ** 2 for a in differences for b in differences) / 32, abs=1e-12)
    two = run(column(0.3, -0.1), column(1.0, 0.0))[0]
    assert float(two.mean()) == pytest.approx(0.09, abs=1e-12)
    partner = regression(
        column(*IMPLICIT), column(*REWARDS), [column(1, 0, 0, 0)], torch.zeros(4, dtype=torch.long), 1.0, bce=False
    )[0]
    assert float(partner.mean()) == pytest.approx(0.180625, abs=1e-12)
    # A low temperature picks the best and the worst.
    worst = sum((d - differences[1]) ** 2 for d in differences) / 4
    assert value(tau=1e-3) == pytest.approx((0.180625 + worst) / 2, abs=1e-12)


def test_u10_ratios() -> None:
    assert value(loss="nca") == pytest.approx(1.3415989469, abs=1e-10)
    assert gradient(loss="nca") == pytest.approx([-0.1071307, 0.0517960, 0.0249825, 0.0303522], abs=1e-7)
    p = column(*REWARDS).softmax(0)
    entropy = float(-(p * p.log()).sum())
    assert value(loss="nca") - entropy == pytest.approx(0.0277374165, abs=1e-10)
    direction = column(0.7, -1.0, 0.2, 0.5)
    for h, expected in ((0.1, 0.97142), (0.01, 0.99712), (0.001, 0.99971)):
        loss = float(run(column(*REWARDS) + h * direction, column(*REWARDS), loss="nca")[0].mean())
        spread = float((p * (direction - (p * direction).sum()).square()).sum()) * h * h
        assert (loss - entropy) / (spread / 2) == pytest.approx(expected, abs=6e-6)


def test_u11_targets() -> None:
    found = optimality(wide(-7.0, -5.0, -1.0, 0.0, 2.0, 5.0, 9.0), 5.0)
    assert found.tolist() == pytest.approx([0, 0, 0.4, 0.5, 0.7, 1, 1], abs=1e-15)


@pytest.mark.parametrize(("beta", "expected"), [(0.5, 0.1), (1.0, 0.05), (3.0, 0.0166667)])
def test_u12_the_first_step_is_advantage_weighted(beta: float, expected: float) -> None:
    rewards = column(1, 1, 0, 0, 0, 1, 0, 0)
    advantages = (rewards - rewards.mean()) / rewards.std(correction=0)
    losses, slopes = run(torch.zeros(8, 1).double(), optimality(advantages, 5.0), beta=beta)
    assert 5 / beta * float(losses.mean()) == pytest.approx(expected, abs=1e-7)
    torch.testing.assert_close(5 / beta * slopes / 8, -advantages / 8, **EXACT)
    assert (5 / beta * slopes / 8)[:3].flatten().tolist() == pytest.approx([-0.1613743] * 2 + [0.0968246], abs=1e-7)


def test_u16_decoupled_schedules() -> None:
    old, sampling = LinearDecay(0, 0.005, 0.999, 0.25), LinearDecay(75, 0.0075, 0.999)
    at = [old(k) for k in (0, 2, 10, 50, 100, 149, 150, 1000)]
    assert at == pytest.approx([0.25, 0.26, 0.3, 0.5, 0.75, 0.995, 0.999, 0.999], abs=1e-12)
    at = [sampling(k) for k in (74, 75, 76, 100, 150, 200, 208, 209)]
    assert at == pytest.approx([0, 0, 0.0075, 0.1875, 0.5625, 0.9375, 0.9975, 0.999], abs=1e-12)
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    snapshots, found = WeightSnapshots([weight]), []
    for k in (2, 4, 6):
        weight.data.fill_(k / 2)
        snapshots.blend("old", old(k))
        snapshots.blend("sampling", sampling(k))
        state = snapshots.state()
        found += [float(state["old.0"]), float(state["sampling.0"])]
    assert found == pytest.approx([0.74, 1, 1.6598, 2, 2.624744, 3], abs=1e-12)


@pytest.mark.parametrize("counts", [(1, 1, 1), (1, 6, 3)])
@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_u17_off_policy_samples_lead_to_the_tilted_law(counts: tuple[int, ...], loss: Loss) -> None:
    outcome = torch.arange(3).repeat_interleave(torch.tensor(counts))
    reference, rewards, beta = wide(0.5, 0.3, 0.2), wide(1.0, 0.0, 0.5), 0.5
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [logits], max_iter=200, tolerance_grad=1e-13, tolerance_change=1e-16, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        optimizer.zero_grad()
        ratio = (logits.log_softmax(0) - reference.log())[outcome].unsqueeze(1)
        losses, slopes = run(ratio.detach(), rewards[outcome].unsqueeze(1), beta=beta, loss=loss)
        (slopes * ratio).mean().backward()
        return float(losses.mean())

    optimizer.step(closure)
    tilted = reference * (rewards / beta).exp()
    assert float(tilted.sum()) == pytest.approx(4.5381844, abs=1e-6)
    found = logits.detach().softmax(0)
    torch.testing.assert_close(found, tilted / tilted.sum(), rtol=0, atol=1e-6)
    assert found.tolist() == pytest.approx([0.814098, 0.066106, 0.119796], abs=2e-6)
    left = beta * (found / reference).log() - rewards
    torch.testing.assert_close(left, torch.full_like(left, -0.7562635), rtol=0, atol=5e-6)


def gaussian_moments(sigma: float) -> tuple[float, float]:
    """Mean and variance over the noise of the implicit reward of N(.5, 1) over N(.3, 1) at 0.9, by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    noise, share = column(*nodes), column(*weights / weights.sum())
    level = torch.tensor(sigma, dtype=torch.float64)
    x = (1 - level) * 0.9 + level * noise
    ours, old = (gaussian_step_velocity(mean, x, level) for mean in (0.5, 0.3))
    found = implicit_reward(ours, old, noise - 0.9, adaptive=False).unsqueeze(1)
    mean = float((share * found).sum())
    return mean, float((share * (found - mean).square()).sum())


def test_u18_the_implicit_reward_of_gaussians_is_a_multiple_of_the_log_ratio() -> None:
    log_ratio = -((0.9 - 0.5) ** 2) / 2 + (0.9 - 0.3) ** 2 / 2
    assert log_ratio == pytest.approx(0.1)
    expected = ((0.25, 0.032, 0.036864), (0.5, 0.2, 0.16), (0.75, 0.288, 0.036864))
    for sigma, mean, variance in expected:
        assert gaussian_moments(sigma) == pytest.approx((mean, variance), abs=1e-12)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    levels = (nodes + 1) / 2
    means = np.array([gaussian_moments(float(t))[0] for t in levels])
    assert float((weights / 2 * (1 - levels) / levels * means).sum()) == pytest.approx(log_ratio, abs=1e-10)
    assert float((weights / 2 * means).sum()) == pytest.approx(math.pi / 2 * log_ratio, abs=1e-10)


@pytest.mark.parametrize("slope", [0.2, 1.0])
def test_u19_noise_and_unit_weight_shrink_the_step(slope: float) -> None:
    # Rewards slope * x, samples and old law N(0, 1): the exact optimum N(slope, 1) is not reached.
    n_sets, size = 20_000, 24
    sets = torch.arange(n_sets).repeat_interleave(size)
    sigma = torch.rand(n_sets, 1, generator=seeded(0), dtype=torch.float64)[sets]
    clean, noise = normal(1, n_sets * size, 1), normal(2, n_sets * size, 1)
    x, target = (1 - sigma) * clean + sigma * noise, noise - clean
    old = gaussian_step_velocity(0.0, x, sigma)

    def descent(shift: float) -> float:
        mean = torch.tensor(shift, dtype=torch.float64, requires_grad=True)
        ours = gaussian_step_velocity(mean, x, sigma)  # type: ignore[arg-type]
        implicit = implicit_reward(ours, old, target, adaptive=False).unsqueeze(1)
        slopes = run(implicit.detach(), slope * clean, sets)[1]
        (found,) = torch.autograd.grad((slopes * implicit).mean(), mean)
        return float(found)

    # The loss is quadratic in the mean: what is quadratic in l is shared by a set.
    first, second = descent(0.0), descent(slope)
    found = slope * first / (first - second)
    assert descent(found) == pytest.approx(0, abs=1e-9)
    # Standard error about 0.002 * slope.
    assert found / slope == pytest.approx(math.pi / (4 + 2 * math.pi), abs=0.006)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("tau", [None, 0.0, 0.25])
def test_u21_a_permutation_inside_a_set_permutes_the_points(loss: Loss, tau: float | None) -> None:
    sets = torch.arange(3).repeat_interleave(6)
    order = torch.cat([6 * s + torch.randperm(6, generator=seeded(s)) for s in range(3)])
    implicit, advantages = normal(0, 18, 1), normal(1, 18, 2)
    targets = optimality(advantages, 2.0)
    plain = run(implicit, targets, sets, loss=loss, tau=tau, advantages=advantages)
    moved = run(implicit[order], targets[order], sets, loss=loss, tau=tau, advantages=advantages[order])
    torch.testing.assert_close(moved, tuple(part[order] for part in plain), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("tau", [None, 0.0, 0.25])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_u22_equal_rewards_at_equal_velocities_give_exactly_zero(
    loss: Loss, tau: float | None, dtype: torch.dtype
) -> None:
    zeros = torch.zeros(24, 2, dtype=dtype)
    slopes = run(zeros[:, :1], optimality(zeros, 5.0), loss=loss, tau=tau, advantages=zeros)[1]
    assert not bool(slopes.any())


def test_u24_hard_selection_parts_by_the_sign_of_the_advantage() -> None:
    advantages, sets = column(2.0, 1.0, 0.0, -1.0, 3.0, 0.5), torch.tensor([0, 0, 0, 0, 1, 1])
    targets = optimality(advantages, 5.0)
    plus, minus = centering_masses(targets, advantages, torch.ones(6, 1, dtype=torch.bool), sets, 0.0)
    both = (m / set_sum(m, sets) for m in (plus, minus))
    first, second = (w.flatten().tolist() for w in both)
    high = 1 / (1 + math.exp(-0.1))
    other = 1 / (1 + math.exp(-0.25))
    assert first == pytest.approx([high, 1 - high, 0, 0, other, 1 - other])
    assert second == pytest.approx([0, 0, 0, 1, 0.5, 0.5])  # the second set has no negative advantage


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("tau", [None, 0.0, 0.25])
def test_points_that_do_not_apply_are_as_if_absent(loss: Loss, tau: float | None) -> None:
    sets = torch.arange(4).repeat_interleave(4)
    implicit, targets = normal(3, 16, 1), normal(4, 16, 2)
    targets[1, 0] = targets[6, 0] = targets[7, 1] = NAN
    targets[8:12, 1] = NAN  # a set without any
    targets[12:15, 0] = NAN  # a set with one
    signs = targets.nan_to_num(0.0)
    losses, slopes = run(implicit, targets, sets, loss=loss, tau=tau, advantages=signs)
    for j in (0, 1):
        kept = ~targets[:, j].isnan()
        alone = run(
            implicit[kept], targets[kept][:, [j]], sets[kept], loss=loss, tau=tau, advantages=signs[kept][:, [j]]
        )
        for found, expected in zip((losses, slopes), alone, strict=True):
            torch.testing.assert_close(found[kept][:, [j]], expected, rtol=1e-13, atol=1e-14)
            assert not bool(found[~kept][:, j].any())
    assert float(slopes[15, 0]) == 0
    assert float(losses[15, 0]) == pytest.approx(math.log(2) if loss == "bce" else 0, abs=1e-14)
