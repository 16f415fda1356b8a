import math

import pytest
import torch
from torch import nn

from benchmarks.snapshots import WeightSnapshots
from methods.snapshots import Decay, LinearDecay, OnPolicy, SnapshotSchedule, WarmupAverage
from tests.methods.stubs import LinearBackbone, random_points, random_preferences
from tests.support.properties import assert_frozen

SLOW = LinearDecay(75, 0.0075, 0.999)
SCHEDULES: list[Decay] = [OnPolicy(), LinearDecay(), SLOW, WarmupAverage(), WarmupAverage(0.99)]


@pytest.mark.parametrize("step", [0, 1, 500])
def test_on_policy_never_averages(step: int) -> None:
    assert OnPolicy()(step) == 0


@pytest.mark.parametrize(("step", "decay"), [(0, 0), (1, 0.001), (30, 0.03), (500, 0.5), (501, 0.5), (1000, 0.5)])
def test_linear_decay(step: int, decay: float) -> None:
    assert LinearDecay()(step) == pytest.approx(decay, abs=1e-12)


@pytest.mark.parametrize(
    ("step", "decay"), [(0, 0), (74, 0), (75, 0), (76, 0.0075), (100, 0.1875), (208, 0.9975), (209, 0.999)]
)
def test_slow_linear_decay(step: int, decay: float) -> None:
    assert SLOW(step) == pytest.approx(decay, abs=1e-12)


@pytest.mark.parametrize(("step", "decay"), [(1, 2 / 11), (10, 0.55), (79, 80 / 89), (80, 0.9), (10_000, 0.9)])
def test_warmup_average(step: int, decay: float) -> None:
    assert WarmupAverage()(step) == pytest.approx(decay, abs=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_decays_grow_within_the_unit_interval(schedule: Decay) -> None:
    decays = [schedule(step) for step in range(1200)]
    assert all(0 <= decay <= 1 for decay in decays)
    assert decays == sorted(decays)


@pytest.mark.parametrize("arguments", [(-1, 0.1, 0.5), (0, -0.1, 0.5), (0, 0.1, 1.5), (0, 0.1, -0.5)])
def test_linear_decay_refuses_other_ranges(arguments: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="LinearDecay"):
        LinearDecay(*arguments)


@pytest.mark.parametrize("limit", [-0.1, 1.0, math.nan])
def test_warmup_average_refuses_other_ranges(limit: float) -> None:
    with pytest.raises(ValueError, match="WarmupAverage"):
        WarmupAverage(limit)


def test_the_default_schedule_is_the_published_one_and_frozen() -> None:
    schedule = SnapshotSchedule()
    assert (schedule.old, schedule.evaluation) == (LinearDecay(0, 0.001, 0.5), WarmupAverage(0.9))
    assert_frozen(schedule)


@pytest.mark.parametrize("name", ["old", "evaluation"])
def test_a_snapshot_needs_a_schedule(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a Decay, found float"):
        SnapshotSchedule(**{name: 0.5})  # type: ignore[arg-type]


def moved_parameters() -> tuple[list[nn.Parameter], WeightSnapshots]:
    """Parameters that have left their snapshots by numbers that interpolation would not reproduce."""
    parameters = [nn.Parameter(torch.full((3,), 0.1)), nn.Parameter(torch.full((2, 2), 1e8))]
    snapshots = WeightSnapshots(parameters)
    with torch.no_grad():
        for parameter in parameters:
            parameter.mul_(0.3).add_(1 / 3)
    return parameters, snapshots


@pytest.mark.parametrize("schedule", [OnPolicy(), SLOW], ids=str)
def test_without_decay_old_equals_current_bit_for_bit(schedule: Decay) -> None:
    _, snapshots = moved_parameters()
    snapshots.blend("old", schedule(1))
    state = snapshots.state()
    for i in range(2):
        assert torch.equal(state[f"old.{i}"], state[f"current.{i}"])
        assert not torch.equal(state[f"reference.{i}"], state[f"current.{i}"])


def test_without_decay_old_and_current_velocity_agree_under_every_preference() -> None:
    backbone = LinearBackbone(3, 2)
    points = random_points(5, 1, 3, random_preferences(5, 2))

    def velocity() -> torch.Tensor:
        return backbone.velocity(points.x, points.sigma, points.condition, points.preferences).detach()

    with backbone.snapshots.using("old"):
        before = velocity()
    assert not torch.equal(before, velocity())
    backbone.snapshots.blend("old", 0.0)
    with backbone.snapshots.using("old"):
        after = velocity()
    assert torch.equal(after, velocity())


def test_blend_averages_as_the_schedule_says() -> None:
    parameters, snapshots = moved_parameters()
    before = {name: tensor.clone() for name, tensor in snapshots.state().items()}
    snapshots.blend("evaluation", WarmupAverage()(10))
    after = snapshots.state()
    for i, parameter in enumerate(parameters):
        expected = 0.55 * before[f"evaluation.{i}"] + 0.45 * parameter.detach()
        torch.testing.assert_close(after[f"evaluation.{i}"], expected)
        assert torch.equal(after[f"old.{i}"], before[f"old.{i}"])
        assert torch.equal(after[f"current.{i}"], before[f"current.{i}"])


def test_using_puts_weights_in_place_and_takes_them_back_even_after_an_error() -> None:
    parameters, snapshots = moved_parameters()
    current = [parameter.detach().clone() for parameter in parameters]
    initial = snapshots.state()["reference.0"].clone()
    parameters[0].grad = torch.ones(3)

    def fail_inside() -> None:
        with snapshots.using("reference"):
            assert torch.equal(parameters[0], initial)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    for parameter, copy in zip(parameters, current, strict=True):
        assert torch.equal(parameter, copy)
    assert parameters[0].grad.tolist() == [1, 1, 1]
    assert torch.equal(snapshots.state()["reference.0"], initial)
    with pytest.raises(KeyError), snapshots.using("nothing"):
        pass
