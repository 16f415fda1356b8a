"""Snapshots: copies that are put in place and taken away again without a trace."""

import pytest
import torch
from torch import nn

from benchmarks.snapshots import NAMES, WeightSnapshots


def model(seed: int = 0) -> nn.Linear:
    linear = nn.Linear(3, 2)
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)))
    return linear


def move(linear: nn.Linear, by: float) -> None:
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.add_(by)


def values(linear: nn.Linear) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in linear.parameters()]


@pytest.mark.parametrize("name", NAMES)
def test_all_snapshots_equal_the_weights_at_the_start(name: str) -> None:
    linear = model()
    snapshots, start = WeightSnapshots(list(linear.parameters())), values(linear)
    move(linear, 1.0)
    with snapshots.using(name):
        assert all(map(torch.equal, values(linear), start))
    assert all(torch.equal(now, then + 1.0) for now, then in zip(values(linear), start, strict=True))


def test_current_changes_nothing() -> None:
    linear = model()
    snapshots = WeightSnapshots(list(linear.parameters()))
    move(linear, 1.0)
    now = values(linear)
    with snapshots.using("current"):
        assert all(map(torch.equal, values(linear), now))


def test_weights_come_back_after_an_error() -> None:
    linear = model()
    snapshots = WeightSnapshots(list(linear.parameters()))
    move(linear, 1.0)
    now = values(linear)
    with pytest.raises(RuntimeError, match="within"), snapshots.using("old"):
        raise RuntimeError("within")
    assert all(map(torch.equal, values(linear), now))


def test_an_unknown_name_is_refused_and_leaves_the_weights() -> None:
    linear = model()
    snapshots, now = WeightSnapshots(list(linear.parameters())), values(linear)
    with pytest.raises(KeyError, match="older"), snapshots.using("older"):
        pass
    assert all(map(torch.equal, values(linear), now))


def test_gradients_and_the_optimizer_survive_a_snapshot() -> None:
    # The optimizer holds the parameter objects; putting a snapshot in place must not exchange them.
    plain, swapped = model(), model()
    for linear, snapshots in ((plain, None), (swapped, WeightSnapshots(list(swapped.parameters())))):
        optimizer = torch.optim.AdamW(linear.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            linear(torch.ones(1, 3)).square().sum().backward()
            if snapshots is not None:
                with snapshots.using("reference"):
                    pass
            optimizer.step()
    assert all(map(torch.equal, values(plain), values(swapped)))


@pytest.mark.parametrize("decay", [0.0, 0.3, 1.0])
def test_blend_is_the_weighted_mean_and_touches_one_snapshot(decay: float) -> None:
    linear = model()
    snapshots, start = WeightSnapshots(list(linear.parameters())), values(linear)
    move(linear, 0.7)
    now = values(linear)
    snapshots.blend("evaluation", decay)
    with snapshots.using("evaluation"):
        for found, old, new in zip(values(linear), start, now, strict=True):
            torch.testing.assert_close(found, decay * old + (1 - decay) * new)
            assert decay != 0 or torch.equal(found, new)
            assert decay != 1 or torch.equal(found, old)
    for name in ("old", "reference"):
        with snapshots.using(name):
            assert all(map(torch.equal, values(linear), start))
    assert all(map(torch.equal, values(linear), now))


def test_training_leaves_blended_copies_alone() -> None:
    linear = model()
    snapshots = WeightSnapshots(list(linear.parameters()))
    snapshots.blend("old", 0.0)
    kept = values(linear)
    move(linear, 1.0)
    with snapshots.using("old"):
        assert all(map(torch.equal, values(linear), kept))


def test_state_goes_into_another_model_and_back() -> None:
    first, second = model(0), model(1)
    ours, theirs = WeightSnapshots(list(first.parameters())), WeightSnapshots(list(second.parameters()))
    move(first, 1.0)
    ours.blend("old", 0.4)
    ours.blend("evaluation", 0.0)
    state = {name: tensor.clone() for name, tensor in ours.state().items()}
    assert set(state) == {f"{name}.{i}" for name in ("current", *NAMES) for i in range(2)}
    theirs.load(state)
    for name, tensor in theirs.state().items():
        assert torch.equal(tensor, state[name])
    move(second, 1.0)
    assert torch.equal(state["current.0"], first.weight), "what was loaded must be a copy"


def test_load_refuses_missing_tensors_and_other_shapes() -> None:
    linear = model()
    snapshots = WeightSnapshots(list(linear.parameters()))
    state = dict(snapshots.state())
    with pytest.raises(RuntimeError, match="size"):
        snapshots.load(state | {"old.0": torch.zeros(5, 5)})
    del state["current.1"]
    with pytest.raises(KeyError, match=r"current\.1"):
        snapshots.load(state)
