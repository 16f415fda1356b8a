"""A tiny task whose samples are pictures: a linear velocity on 4 x 4 pixels, two rewards, features, a gallery."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.backbones.toy import ToyCondition
from benchmarks.base import Benchmark
from benchmarks.draws import derived_seed
from benchmarks.pictures import Gallery
from benchmarks.snapshots import WeightSnapshots
from methods.base import Condition
from methods.samplers.schedules import shifted_sigmas
from tests.support.suites import tiny_benchmark

TRAINED, EVALUATED = ("dawn", "noon", "dusk"), ("night", "noon of another day")
SIDE = 4


class Painter:
    """A backbone that paints: half the latent plus a trainable linear map of everything it is given."""

    def __init__(self, layer: nn.Linear) -> None:
        """Take the layer."""
        self._layer = layer
        self._snapshots = WeightSnapshots(self.parameters())

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(3, 4, 4)."""
        return (3, SIDE, SIDE)

    @property
    def network(self) -> nn.Module:
        """The layer."""
        return self._layer

    @property
    def snapshots(self) -> WeightSnapshots:
        """The named snapshots."""
        return self._snapshots

    def parameters(self) -> list[nn.Parameter]:
        """Weight and bias."""
        return list(self._layer.parameters())

    def encode(self, prompts: Sequence[str]) -> ToyCondition:
        """The length of each prompt."""
        return ToyCondition(torch.tensor([len(prompt) for prompt in prompts]))

    def schedule(self, steps: int) -> Tensor:
        """An even grid."""
        return shifted_sigmas(steps)

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        """Return the velocity [B, 3, 4, 4]."""
        assert isinstance(condition, ToyCondition)
        asked = x.new_zeros(len(x), 2) if preference is None else preference.to(x)
        given = torch.cat((x.flatten(1), sigma[:, None], condition.prompt[:, None].to(x) / 10, asked), 1)
        change: Tensor = self._layer(given)
        return 0.5 * x + change.view_as(x)

    def decode(self, latents: Tensor) -> Tensor:
        """Return pictures in (0, 1)."""
        return latents.sigmoid()


@dataclass(frozen=True)
class PainterSpec:
    """The definition of the painter."""

    def build(self, n_objectives: int, seed: int) -> Painter:
        """Return a painter whose layer reads no preference yet."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(seed, "painter"))
            layer = nn.Linear(3 * SIDE**2 + 2 + n_objectives, 3 * SIDE**2)
        with torch.no_grad():
            layer.weight[:, -n_objectives:] = 0
        return Painter(layer)

    def describe(self) -> Mapping[str, Any]:
        """Return the kind."""
        return {"kind": "painter"}


@dataclass(frozen=True)
class Channel:
    """The mean of one color channel."""

    channel: int
    name: str
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the means [B]."""
        return samples[:, self.channel].mean((1, 2))

    def describe(self) -> Mapping[str, Any]:
        """Return the channel."""
        return {"channel": self.channel}


@dataclass(frozen=True)
class MeanColor:
    """Features: the mean color; real pictures are gray, a little brighter for every prompt."""

    def __call__(self, samples: Tensor) -> Tensor:
        """Return the features [B, 3]."""
        return samples.mean((2, 3))

    def real(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return four real ones a prompt."""
        number = torch.arange(len(prompts)).repeat_interleave(4)
        return (0.5 + 0.1 * number + 0.01 * torch.arange(len(number)))[:, None].expand(-1, 3), number

    def describe(self) -> Mapping[str, Any]:
        """Return the kind."""
        return {"kind": "mean color"}


def painting_benchmark(**recipe: Any) -> Benchmark:
    """Return the task; keywords change its recipe."""
    benchmark = tiny_benchmark(
        "painting", (Channel(0, "red"), Channel(1, "green")), (0.0, 0.0), true_front=False, **recipe
    )
    return replace(
        benchmark,
        backbone=PainterSpec(),
        prompts=TRAINED,
        evaluation_prompts=EVALUATED,
        held_out=(Channel(2, "blue"),),
        bounds=((0.0, 1.0), (0.0, 1.0)),
        features=MeanColor(),
        gallery=Gallery(EVALUATED[:1], 1),
        summary="tiny pictures",
    )
