"""The mean of mapped rewards: its arithmetic, its direction, its range, and what it is defined by."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.isolated import IsolatedReward
from benchmarks.rewards.mean import Mean, Part
from benchmarks.rewards.preservation import Preservation
from benchmarks.rewards.sources import with_sources
from benchmarks.scoring import score
from benchmarks.settings import build

SAMPLES = torch.tensor([0.0, 0.5, 1.0])[:, None, None, None].expand(3, 3, 2, 2)
PROMPTS = ["a", "b", "c"]


@dataclass(frozen=True)
class Level:
    """The mean level, or a distance that is better the lower it is; NaN for the prompt `nan`."""

    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)
    name: str = "level"
    unit: str = ""

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        if "refuse" in prompts:
            raise RewardError("reward level: expected another prompt, found refuse")
        skipped = torch.tensor([prompt == "nan" for prompt in prompts])
        return samples.flatten(1).mean(1).masked_fill(skipped, torch.nan)

    def describe(self) -> Mapping[str, Any]:
        return {"better": self.higher_is_better}


DISTANCE = Level(higher_is_better=False, range=(0.0, None), name="distance")


def test_it_is_the_mean_of_what_the_maps_give() -> None:
    reward = Mean((Part(DISTANCE, scale=-1.0, shift=1.0), Part(Level(), scale=3.0)), "mean")
    found = score([reward], SAMPLES, PROMPTS)[:, 0]
    torch.testing.assert_close(found, torch.tensor([((1 - x) + 3 * x) / 2 for x in (0.0, 0.5, 1.0)]))
    assert found.dtype == SAMPLES.dtype
    assert reward(SAMPLES, ["a", "nan", "c"]).isnan().tolist() == [False, True, False]
    assert reward(SAMPLES.bfloat16(), PROMPTS).dtype == torch.float32
    with pytest.raises(RewardError, match="reward level: expected another prompt"):
        reward(SAMPLES, ["refuse"] * 3)


def test_the_range_is_that_of_the_mapped_parts() -> None:
    turned = Part(DISTANCE, scale=-1.0, shift=1.0)
    assert turned.range == (-math.inf, 1.0)
    assert Mean((turned, Part(Level(range=(-1.0, 1.0)))), "mean").range == (None, 1.0)
    assert Mean((Part(Level(), 2.0, 1.0), Part(Level())), "mean").range == (0.5, 2.0)


def test_the_definition_holds_parts_and_maps() -> None:
    plain = Mean((Part(Level()), Part(DISTANCE, -1.0, 1.0)), "mean")
    assert plain.describe() == {
        "mean": [
            {"reward": "level", "definition": {"better": True}, "scale": 1.0, "shift": 0.0},
            {"reward": "distance", "definition": {"better": False}, "scale": -1.0, "shift": 1.0},
        ]
    }
    assert plain.describe() != Mean((Part(Level()), Part(DISTANCE, -2.0, 1.0)), "mean").describe()


def test_it_can_be_told_in_json() -> None:
    lpips = {"class": "benchmarks.rewards.isolated:IsolatedReward", "fields": {
        "python": "/lpips/bin/python", "factory": "benchmarks.rewards.lpips_worker:LPIPSDistance", "name": "lpips",
        "version": "0.1.4", "higher_is_better": False, "range": [0.0, None], "arguments": {"net": "alex"},
        "where": {"folder": "/sources"},
    }}  # fmt: skip
    ssim = {"class": "benchmarks.rewards.preservation:Preservation", "fields": {"folder": "/sources"}}
    part = "benchmarks.rewards.mean:Part"
    told = {"class": "benchmarks.rewards.mean:Mean", "fields": {"name": "preservation", "parts": [
        {"class": part, "fields": {"reward": lpips, "scale": -1.0, "shift": 1.0}},
        {"class": part, "fields": {"reward": ssim}},
    ]}}  # fmt: skip
    found = build(told, "preservation")
    assert isinstance(found, Mean)
    assert found.range == (None, 1.0)
    moved = with_sources(found, Path("/other"))
    assert isinstance(moved, Mean)
    isolated, preservation = (part.reward for part in moved.parts)
    assert isinstance(isolated, IsolatedReward)
    assert isolated.where == {"folder": "/other"}
    assert preservation == Preservation(Path("/other"))
    assert with_sources(Level(), Path("/other")) == Level()


def test_parts_that_point_the_wrong_way_or_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match="distance is better the lower it is, found the scale 1"):
        Mean((Part(Level()), Part(DISTANCE)), "mean")
    with pytest.raises(UsageError, match="level is better the higher it is, found the scale -2"):
        Mean((Part(Level(), scale=-2.0),), "mean")
    with pytest.raises(UsageError, match="reward mean: expected at least one part, found none"):
        Mean((), "mean")
    for numbers in ((0.0, 0.0), (math.inf, 0.0), (math.nan, 0.0), (1.0, math.nan)):
        with pytest.raises(UsageError, match="expected a finite scale other than 0 and a finite shift"):
            Part(Level(), *numbers)
