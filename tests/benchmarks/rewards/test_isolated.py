"""A reward in another process scores as it would here, and is started again when it must."""

import gc
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.isolated import IsolatedReward
from benchmarks.rewards.retries import Retries
from benchmarks.rewards.wire import quantized
from tests.support.isolated import MODULE, write_module

PICTURES = torch.rand(3, 3, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float32)
ENDS = torch.tensor([0.0, 1.0]).expand(2, 3, 1, 2)
Make = Callable[..., IsolatedReward]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    write_module(tmp_path)
    made: list[IsolatedReward] = []

    def reward(**fields: Any) -> IsolatedReward:
        settings: dict[str, Any] = {
            "python": sys.executable, "factory": f"{MODULE}:Scorer", "name": "mean", "version": "1", "timeout": 120.0,
            "arrays": "numpy", "folder": tmp_path, "retries": Retries(times=2, pause=0.0),
            "arguments": {"once": str(tmp_path / "once")},
        }  # fmt: skip
        made.append(IsolatedReward(**(settings | fields)))
        return made[-1]

    yield reward
    for one in made:
        one.close()


def expected(pictures: Tensor = PICTURES) -> Tensor:
    return torch.from_numpy(quantized(pictures)).double().flatten(1).mean(1).float() / 255


def pid_of(reward: IsolatedReward) -> int:
    return reward._place.worker().process.pid


def test_it_scores_in_batches_by_one_process(make: Make) -> None:
    reward = make(arguments={"gain": 2.0}, scale=0.5, batch=2)
    torch.testing.assert_close(reward(PICTURES, ["a", "b", "c"]), expected())
    pid = pid_of(reward)
    torch.testing.assert_close(reward(PICTURES.unflatten(0, (1, 3)), ["a"]), expected().mean(0, keepdim=True))
    assert pid_of(reward) == pid
    assert reward(PICTURES, ["nothing"] * 3).isnan().all()


@pytest.mark.parametrize("prompt", ["dies once", "sleeps once"])
def test_one_that_ended_is_started_again(make: Make, prompt: str) -> None:
    reward = make(timeout=0.3) if prompt == "sleeps once" else make()
    before = pid_of(reward)
    torch.testing.assert_close(reward(PICTURES, [prompt, "b", "c"]), expected())
    assert pid_of(reward) != before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


FAULTS = {
    "dies": "expected an answer, found that the worker ended with exit code 3: no memory left",
    "raises": "expected scores, found RuntimeError: of two lines",
    "too few": "expected 3 scores, found 1",
}


@pytest.mark.parametrize(("prompt", "says"), FAULTS.items())
def test_one_that_fails_whenever_it_is_asked_ends_the_run_in_one_line(make: Make, prompt: str, says: str) -> None:
    with pytest.raises(RewardError) as refused:
        make()(PICTURES, [prompt, "b", "c"])
    assert str(refused.value) == f"reward mean: {sys.executable}: {says} (tried 3 times)"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"factory": "nowhere:Scorer"}, "expected nowhere:Scorer to load, found ModuleNotFoundError"),
        ({"python": "/nowhere/python"}, "expected a Python interpreter at /nowhere/python, found: No such file"),
    ],
)
def test_what_cannot_be_started_is_not_tried_again(make: Make, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(RewardError, match=re.escape(says)) as refused:
        make(**fields)(PICTURES, ["a", "b", "c"])
    assert str(refused.value).endswith("(tried once)")


def test_it_ends_with_the_reward_and_starts_again_after_close(make: Make, tmp_path: Path) -> None:
    reward = make()
    first = pid_of(reward)
    reward.close()
    reward.close()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    torch.testing.assert_close(reward(PICTURES, ["a", "b", "c"]), expected())
    other = IsolatedReward(sys.executable, f"{MODULE}:Scorer", "mean", "1", folder=tmp_path, arrays="numpy")
    second = pid_of(other)
    os.kill(second, 0)
    del other
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


@pytest.mark.parametrize(("arrays", "kind"), [("numpy", 0.0), ("torch", 1.0)])
def test_samples_are_tensors_or_arrays(make: Make, arrays: str, kind: float) -> None:
    reward = make(arrays=arrays, factory=f"{MODULE}:Kind", arguments={})
    assert reward(ENDS, ["a", "b"]).tolist() == [kind, kind]


def test_nothing_is_started_for_a_description(make: Make) -> None:
    reward = make(python="/nowhere", arguments={"gain": 2.0})
    assert reward.describe() == {
        "isolated": f"{MODULE}:Scorer", "arguments": {"gain": 2.0}, "version": "1", "scale": 1.0, "bits": 8,
    }  # fmt: skip
    assert "_place" not in vars(reward)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"factory": "module"}, "factory must be module:Class, found 'module'"),
        ({"arguments": {"a": object()}}, "arguments must be JSON data"),
        ({"arguments": {"a": float("nan")}}, "arguments must be JSON data"),
        ({"arrays": "jax"}, "arrays must be torch or numpy"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"start_timeout": 0.0}, "timeout must be positive"),
        ({"scale": float("inf")}, "scale must be finite"),
    ],
)
def test_settings_out_of_range_are_refused(make: Make, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"reward mean: {re.escape(says)}"):
        make(**fields)
