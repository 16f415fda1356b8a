import dataclasses
import math

import pytest
import torch
from torch import Tensor

from methods.base import Points
from methods.gradients import weighted_loss
from methods.objectives.nft import NFT, optimality, self_normalized
from tests.methods.stubs import (
    ANY_BATCH,
    LinearBackbone,
    TableBackbone,
    normal,
    random_points,
    random_preferences,
    table_points,
)
from tests.support.oracles import flat_gradient, naive_branches, naive_nft_losses
from tests.support.properties import assert_frozen, unchanged

CLEAN, X, OLD, SIGMA = (1.0, 0.0), (0.5, 1.0), (-1.0, 1.0), 0.5
ON, OFF = (-1.0, 1.0), (-1.5, 2.0)
SMALL = (0.42763158, 0.52717391, 0.2375, 0.2875)
# beta, trained velocity, A, r, (L_pos, L_neg, w_pos, w_neg), policy loss, its gradient
TABLE = [
    (1.0, ON, 0.0, 0.5, (0.5, 0.5, 0.25, 0.25), 2.5, (0.0, 0.0)),
    (1.0, ON, 2.5, 0.75, (0.5, 0.5, 0.25, 0.25), 2.5, (0.0, -2.5)),
    (1.0, ON, 5.0, 1.0, (0.5, 0.5, 0.25, 0.25), 2.5, (0.0, -5.0)),
    (1.0, ON, 7.0, 1.0, (0.5, 0.5, 0.25, 0.25), 2.5, (0.0, -5.0)),
    (1.0, ON, -5.0, 0.0, (0.5, 0.5, 0.25, 0.25), 2.5, (0.0, 5.0)),
    (1.0, OFF, 0.0, 0.5, (0.25, 0.85, 0.125, 0.625), 2.75, (-3.0, 2.0)),
    (1.0, OFF, 2.5, 0.75, (0.25, 0.85, 0.125, 0.625), 2.0, (-4.0, 1.0)),
    (1.0, OFF, -5.0, 0.0, (0.25, 0.85, 0.125, 0.625), 4.25, (-1.0, 4.0)),
    (0.1, ON, 2.5, 0.75, (0.5, 0.5, 0.25, 0.25), 25.0, (0.0, -2.5)),
    (0.1, OFF, 2.5, 0.75, SMALL, 22.62585812, (-0.25171625, -2.35697941)),
    (0.1, OFF, 5.0, 1.0, SMALL, 21.38157895, (-0.26315789, -4.73684211)),
    (0.1, OFF, -5.0, 0.0, SMALL, 26.35869565, (-0.2173913, 4.7826087)),
]


def wide(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def policy(objective: NFT, backbone: TableBackbone, points: Points, advantage: float) -> tuple[Tensor, Tensor]:
    """The policy loss of one reward at the mean over points, and its gradient by the trained velocity."""
    n = len(points)
    advantages = torch.full((n, 1), advantage, dtype=torch.float64)
    terms = objective.terms(backbone, ANY_BATCH, points, advantages, anchored=False)
    loss = weighted_loss(terms, torch.full((n, 1), 1 / n, dtype=torch.float64), 0.0, n)
    return loss.detach(), flat_gradient(loss, backbone.parameters())


@pytest.mark.parametrize(("beta", "trained", "advantage", "r", "branches", "loss", "gradient"), TABLE)
def test_numeric_table(
    beta: float,
    trained: tuple[float, ...],
    advantage: float,
    r: float,
    branches: tuple[float, float, float, float],
    loss: float,
    gradient: tuple[float, float],
) -> None:
    objective, backbone = NFT(beta=beta), TableBackbone(wide(trained), wide(OLD))
    points = table_points(wide(X), torch.tensor([SIGMA], dtype=torch.float64), wide(CLEAN))
    terms = objective.terms(backbone, ANY_BATCH, points, wide((advantage,)), anchored=False)
    positive, negative, scale_pos, scale_neg = branches
    assert terms.anchor is None
    tolerance = {"rtol": 0, "atol": 1e-8}
    torch.testing.assert_close(terms.branches.detach(), wide((positive - negative, negative)), **tolerance)
    torch.testing.assert_close(terms.coefficients * beta / 5, wide((r, 1.0))[None], **tolerance)
    squares = [
        (wide(X) - SIGMA * ((1 + sign * beta) * wide(OLD) - sign * beta * wide(trained)) - wide(CLEAN)).square().mean()
        for sign in (-1, 1)
    ]
    assert float(squares[0]) / positive == pytest.approx(scale_pos, rel=1e-7)
    assert float(squares[1]) / negative == pytest.approx(scale_neg, rel=1e-7)
    found, slope = policy(objective, backbone, points, advantage)
    torch.testing.assert_close(found, torch.tensor(loss, dtype=torch.float64), **tolerance)
    torch.testing.assert_close(slope, torch.tensor(gradient, dtype=torch.float64), **tolerance)


def setting(
    seed: int, n: int = 5, dimensions: int = 3, *, on_policy: bool = False
) -> tuple[TableBackbone, Points, Tensor]:
    """A table backbone, its points and the old velocities."""
    old = normal(seed, n, dimensions)
    trained = old if on_policy else old + normal(seed + 1, n, dimensions)
    sigma = 0.1 + 0.15 * torch.arange(n, dtype=torch.float64)
    points = table_points(normal(seed + 2, n, dimensions), sigma, normal(seed + 3, n, dimensions))
    return TableBackbone(trained, old, normal(seed + 4, n, dimensions)), points, old


@pytest.mark.parametrize("beta", [0.1, 0.7, 1.0, 3.0])
@pytest.mark.parametrize("clip", [1.5, 5.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_losses_and_gradients_equal_the_naive_twin(beta: float, clip: float, seed: int) -> None:
    objective, preferences = NFT(beta=beta, clip=clip), random_preferences(3, 3, seed)
    backbone = LinearBackbone(4, 3, seed)
    points = random_points(3, 2, 4, preferences, seed)
    advantages = 2 * normal(seed + 5, len(points), 3)
    with backbone.snapshots.using("old"):
        old = backbone.velocity(points.x, points.sigma, points.condition, points.preferences).detach()
    trained = backbone.velocity(points.x, points.sigma, points.condition, points.preferences)
    expected = naive_nft_losses(points.x, points.sigma, trained, old, points.target, advantages, beta, clip)
    terms = objective.terms(backbone, ANY_BATCH, points, advantages, anchored=False)
    found = torch.einsum("nkm,nm->nk", terms.coefficients, terms.branches)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    mix = random_preferences(len(found), 3, seed + 6)
    slopes = [flat_gradient((mix * losses).sum(), backbone.parameters()) for losses in (found, expected)]
    assert float(slopes[1].norm()) > 1e-3
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("beta", [0.2, 1.0])
def test_the_loss_is_affine_in_the_advantage_within_the_clip_and_constant_outside(beta: float) -> None:
    objective = NFT(beta=beta)
    backbone, points, old = setting(0, n=1)
    args = (points.x[0], float(points.sigma[0]), backbone.table[0].detach(), old[0], points.target[0])
    positive, negative, _, _ = naive_branches(*args, beta)
    slope = float(positive - negative) / (2 * beta)
    assert abs(slope) > 1e-2
    at = {a: float(policy(objective, backbone, points, a)[0]) for a in (-9.0, -5.0, -2.0, 0.0, 1.0, 5.0, 8.0)}
    for a in (-5.0, -2.0, 1.0, 5.0):
        assert at[a] - at[0.0] == pytest.approx(a * slope, rel=1e-9)
    assert at[8.0] == at[5.0]
    assert at[-9.0] == at[-5.0]


@pytest.mark.parametrize("beta", [0.1, 1.0, 2.0])
def test_on_policy_the_loss_ignores_the_advantage_but_its_gradient_does_not(beta: float) -> None:
    backbone, points, old = setting(1, on_policy=True)
    objective = NFT(beta=beta)
    error = points.x - points.sigma[:, None] * old - points.target
    plain = float((error.square().mean(1) / error.abs().mean(1)).mean())
    losses, slopes = zip(*(policy(objective, backbone, points, a) for a in (-3.0, 0.0, 3.0)), strict=True)
    for loss in losses:
        assert float(loss) == pytest.approx(5 * plain / beta, rel=1e-12)
    torch.testing.assert_close(slopes[1], torch.zeros_like(slopes[1]), rtol=0, atol=1e-12)
    assert float(slopes[0].norm()) > 1e-2
    torch.testing.assert_close(slopes[0], -slopes[2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("advantage", [-4.0, 0.5, 3.0])
def test_the_on_policy_gradient_depends_neither_on_beta_nor_on_the_clip(advantage: float) -> None:
    backbone, points, old = setting(2, n=1, on_policy=True)
    error = (points.x - points.sigma[:, None] * old - points.target)[0]
    expected = advantage * (-2 * float(points.sigma) * error / (len(error) * error.abs().mean()))
    for beta in (0.05, 1.0, 2.5):
        for clip in (4.0, 5.0, 50.0):
            _, slope = policy(NFT(beta=beta, clip=clip), backbone, points, advantage)
            torch.testing.assert_close(slope, expected, rtol=1e-9, atol=1e-10)


def unweighted(backbone: TableBackbone, points: Points, old: Tensor, advantages: Tensor, beta: float) -> Tensor:
    """The losses [N] with the self-normalizers taken out again."""
    terms = NFT(beta=beta).terms(backbone, ANY_BATCH, points, advantages, anchored=False)
    negative = terms.branches[:, 1]
    positive = terms.branches[:, 0] + negative
    r = terms.coefficients[:, 0, 0] * beta / 5
    scales = torch.tensor(
        [
            naive_branches(
                points.x[n], float(points.sigma[n]), backbone.table[n].detach(), old[n], points.target[n], beta
            )[2:]
            for n in range(len(points))
        ],
        dtype=torch.float64,
    )
    return 5 / beta * (r * positive * scales[:, 0] + (1 - r) * negative * scales[:, 1])


def test_without_normalizers_beta_is_a_trust_region_around_the_old_velocity() -> None:
    error, move, beta, advantage = wide((0.3, -0.2)), wide((0.5, 1.0)), 0.1, 2.5
    old, clean = wide(OLD), wide(CLEAN)
    points = table_points(clean + error + 0.5 * old, torch.tensor([0.5], dtype=torch.float64), clean)
    found = unweighted(TableBackbone(old + move, old), points, old, wide((advantage,)), beta).detach()
    proximal = (
        5 * error.square().mean() / beta
        - 2 * 0.5 * advantage * (error * move).mean()
        + 5 * beta * 0.25 * move.square().mean()
    )
    assert float(found) == pytest.approx(3.390625, rel=1e-12)
    assert float(proximal) == pytest.approx(3.390625, rel=1e-12)
    best = TableBackbone(old + wide((3.0, -2.0)), old)
    slope = flat_gradient(unweighted(best, points, old, wide((advantage,)), beta).sum(), best.parameters())
    torch.testing.assert_close(slope, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("beta", "best"), [(1.0, 0.8), (0.5, 1.6)])
def test_the_unweighted_minimizer_is_two_over_beta_times_the_improvement(beta: float, best: float) -> None:
    # Two equally likely target velocities, +1 and -1, rewarded with r = 0.9 and 0.1, old velocity 0; x = 0, sigma = 1.
    clean, old = wide((-1.0,), (1.0,)), torch.zeros(2, 1, dtype=torch.float64)
    points = table_points(torch.zeros(2, 1, dtype=torch.float64), torch.ones(2, dtype=torch.float64), clean)
    advantages = wide((4.0,), (-4.0,))

    def slope(velocity: float) -> float:
        backbone = TableBackbone(torch.full((2, 1), velocity, dtype=torch.float64), old)
        return float(
            flat_gradient(unweighted(backbone, points, old, advantages, beta).sum(), backbone.parameters()).sum()
        )

    assert slope(best) == pytest.approx(0, abs=1e-12)
    assert slope(best - 0.1) < 0 < slope(best + 0.1)


def regression(points: Points, velocity: Tensor) -> Tensor:
    """Self-normalized error [N] of the clean prediction under a velocity."""
    error = points.x - points.sigma[:, None] * velocity - points.target
    return error.square().mean(1) / error.detach().abs().mean(1)


def test_beta_one_contrasts_the_velocity_with_its_mirror_image_about_the_old_one() -> None:
    backbone, points, old = setting(3)
    trained = backbone.table.detach()
    terms = NFT(beta=1.0).terms(backbone, ANY_BATCH, points, torch.zeros(5, 1).double(), anchored=False)
    branches = terms.branches.detach()
    positive = regression(points, trained)
    negative = regression(points, 2 * old - trained)
    torch.testing.assert_close(branches[:, 0] + branches[:, 1], positive, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(branches[:, 1], negative, rtol=1e-12, atol=1e-12)


def test_full_probability_and_beta_one_is_regression_on_the_own_samples() -> None:
    backbone, points, _ = setting(4)
    _, slope = policy(NFT(), backbone, points, 5.0)
    plain = 5 * regression(points, backbone.table).mean()
    torch.testing.assert_close(slope, flat_gradient(plain, backbone.parameters()), rtol=1e-10, atol=1e-12)


def test_the_anchor_is_the_plain_squared_distance_to_the_reference_velocity() -> None:
    backbone, points, _ = setting(5)
    terms = NFT().terms(backbone, ANY_BATCH, points, torch.zeros(5, 2).double(), anchored=True)
    assert terms.anchor is not None
    with backbone.snapshots.using("reference"):
        reference = backbone.table.detach().clone()
    assert terms.anchor.tolist() == pytest.approx(
        [
            sum((a - b) ** 2 for a, b in zip(v, w, strict=True)) / 3
            for v, w in zip(backbone.table.tolist(), reference.tolist(), strict=True)
        ]
    )
    slope = flat_gradient(terms.anchor.sum(), backbone.parameters())
    expected = (2 / 3 * (backbone.table.detach() - reference)).flatten()
    torch.testing.assert_close(slope, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("anchored", [False, True])
def test_the_preference_reaches_trained_and_old_but_not_the_reference_and_only_trained_has_a_gradient(
    anchored: bool,
) -> None:
    objective = NFT()
    backbone, points = LinearBackbone(2, 3), random_points(4, 1, 2, random_preferences(4, 3))
    objective.terms(backbone, ANY_BATCH, points, normal(0, 4, 3), anchored=anchored)
    expected = [(True, True), (True, False)] + [(False, False)] * anchored
    assert sorted(backbone.calls) == sorted(expected)
    assert objective.passes(anchored=anchored) == len(backbone.calls)


@pytest.mark.parametrize("n_objectives", [1, 2, 5])
def test_passes_and_branches_do_not_grow_with_the_rewards(n_objectives: int) -> None:
    backbone, points, _ = setting(6)
    terms = NFT().terms(backbone, ANY_BATCH, points, normal(0, 5, n_objectives), anchored=False)
    assert len(backbone.calls) == 2
    assert terms.branches.shape == (5, 2)
    assert terms.coefficients.shape == (5, n_objectives, 2)
    assert terms.branches.requires_grad
    assert not terms.coefficients.requires_grad


def test_terms_leave_weights_snapshots_points_and_advantages_alone() -> None:
    backbone, points, _ = setting(7)
    advantages = normal(1, 5, 2)
    with unchanged(backbone.snapshots.state(), points, advantages):
        NFT().terms(backbone, ANY_BATCH, points, advantages, anchored=True)


def test_images_count_like_flat_vectors() -> None:
    shape = (3, 2, 2, 3)
    old, trained, x, clean = (normal(seed, *shape) for seed in range(4))
    sigma, advantages = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64), normal(5, 3, 2)
    image = NFT(0.4).terms(
        TableBackbone(trained, old, clean), ANY_BATCH, table_points(x, sigma, clean), advantages, anchored=True
    )
    flat = NFT(0.4).terms(
        TableBackbone(trained.flatten(1), old.flatten(1), clean.flatten(1)),
        ANY_BATCH,
        table_points(x.flatten(1), sigma, clean.flatten(1)),
        advantages,
        anchored=True,
    )
    torch.testing.assert_close(image.branches, flat.branches)
    torch.testing.assert_close(image.anchor, flat.anchor)


def test_optimality_is_a_clipped_probability() -> None:
    found = optimality(torch.tensor([-math.inf, -7.0, -2.5, 0.0, 2.5, 5.0, 9.0]), 5.0)
    assert found.tolist() == [0, 0, 0.25, 0.5, 0.75, 1, 1]
    assert optimality(torch.tensor([1.0]), 2.0).tolist() == [0.75]


def test_self_normalized_has_a_floor_and_a_constant_normalizer() -> None:
    tiny = self_normalized(wide((3e-7, -1e-7)))
    assert float(tiny) == pytest.approx(5e-14 / 1e-5, rel=1e-9)
    large = wide((3.0, -1.0)).requires_grad_()
    slope = flat_gradient(self_normalized(large).sum(), [large])
    torch.testing.assert_close(slope, wide((3.0, -1.0))[0] / 2, rtol=1e-12, atol=0)  # 2 e / (D w), w = 2 held fixed


def test_no_error_gives_no_loss_and_no_gradient() -> None:
    error = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    loss = self_normalized(error).sum()
    assert float(loss.detach()) == 0
    assert flat_gradient(loss, [error]).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_self_normalized_keeps_the_dtype(dtype: torch.dtype) -> None:
    assert self_normalized(torch.ones(2, 3, 2, dtype=dtype)).dtype == dtype


def test_a_long_row_in_half_precision_is_averaged_without_drift() -> None:
    row = torch.full((1, 4096), 0.25, dtype=torch.bfloat16)
    assert float(self_normalized(row)) == pytest.approx(0.25, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beta": 0.0}, "beta > 0"),
        ({"beta": math.nan}, "beta > 0"),
        ({"clip": -1.0}, "clip > 0"),
        ({"sigma_fraction": 0.0}, "sigma_fraction"),
        ({"sigma_fraction": 1.01}, "sigma_fraction"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(NFT(), **changes)


def test_frozen() -> None:
    assert_frozen(NFT())
