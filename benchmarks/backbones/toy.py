"""A Gaussian mixture with a small trainable residual: the base velocity is exact, so everything about it is known.

The residual is zero at the start, and it takes a preference the way large backbones do: an embedding added to the
conditioning of every block, and one shared modulation added to every block's output. All trainable parameters belong
to linear layers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from benchmarks.draws import derived_seed
from benchmarks.mixtures import GaussianMixture
from benchmarks.records import UsageError
from benchmarks.snapshots import WeightSnapshots
from methods.base import Condition
from methods.samplers.schedules import shifted_sigmas

SMALL_INIT = 1e-3
"""Standard deviation of the last layers of the preference path: almost no effect at the start, yet a gradient."""


@dataclass(frozen=True)
class ToyCondition:
    """The prompt's number, one a row [B]; where `empty`, the numbers are meaningless: no row has a prompt."""

    prompt: Tensor
    empty: bool = False

    def rows(self, index: Tensor) -> Self:
        """Return the condition of the rows in `index`."""
        return type(self)(self.prompt[index], self.empty)


@dataclass(frozen=True)
class ResidualSize:
    """Size of the trainable residual: width of its blocks, their number, and width of the preference path."""

    width: int = 96
    blocks: int = 2
    preference_width: int = 64


class PreferencePath(nn.Module):
    """From a preference [B, K] to an embedding [B, width] and a block modulation [B, width]."""

    def __init__(self, n_objectives: int, hidden: int, width: int) -> None:
        """Build the layers; the last ones start small."""
        super().__init__()
        self.read = nn.Linear(2 * n_objectives, hidden)
        self.embedding = nn.Linear(hidden, width)
        self.modulation = nn.Linear(hidden, width)
        for last in (self.embedding, self.modulation):
            nn.init.normal_(last.weight, std=SMALL_INIT)
            nn.init.zeros_(last.bias)

    def forward(self, preference: Tensor) -> tuple[Tensor, Tensor]:
        """Encode each entry by the sine and cosine of pi times it, then read it."""
        angle = math.pi * preference
        hidden = nn.functional.silu(self.read(torch.cat((angle.sin(), angle.cos()), dim=1)))
        return self.embedding(hidden), self.modulation(hidden)


class Residual(nn.Module):
    """A velocity correction [B, D] from x, the base's clean prediction, sigma, prompt and preference."""

    def __init__(self, dimensions: int, n_prompts: int, n_objectives: int, size: ResidualSize) -> None:
        """Build the layers; the output layer is zero, so the correction is exactly zero."""
        super().__init__()
        self.state = nn.Linear(2 * dimensions, size.width)
        self.noise_level = nn.Linear(3, size.width)
        self.prompt = nn.Linear(n_prompts, size.width, bias=False)
        self.preference = PreferencePath(n_objectives, size.preference_width, size.width)
        self.blocks = nn.ModuleList(nn.Linear(size.width, size.width) for _ in range(size.blocks))
        self.output = nn.Linear(size.width, dimensions)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor, clean: Tensor, sigma: Tensor, prompt: Tensor, preference: Tensor | None) -> Tensor:
        """Return the correction; without a preference its path is skipped altogether."""
        level = sigma[:, None]
        features = torch.cat(((math.pi * level).sin(), (math.pi * level).cos(), 2 * level - 1), dim=1)
        # The prompt enters one-hot through a linear layer, so that every trainable parameter belongs to one.
        embedding = self.noise_level(features) + self.prompt(prompt)
        modulation = None
        if preference is not None:
            added, modulation = self.preference(preference)
            embedding = embedding + added
        hidden = nn.functional.silu(self.state(torch.cat((x, clean), dim=1)) + embedding)
        for block in self.blocks:
            change = nn.functional.silu(block(hidden) + embedding)
            hidden = hidden + (change if modulation is None else change + modulation)
        return self.output(hidden)  # type: ignore[no-any-return]


class ToyBackbone:
    """Exact base velocity of a mixture plus the residual; see `methods.base.Backbone`."""

    def __init__(self, mixture: GaussianMixture, prompts: Sequence[str], residual: Residual) -> None:
        """Take the parts; the weights of `residual` now are the reference."""
        self.mixture, self.marginal = mixture, mixture.marginal()
        self.residual = residual
        self._index = {prompt: i for i, prompt in enumerate(prompts)}
        self._one_hot = torch.eye(len(prompts)).to(mixture.means)
        self._snapshots = WeightSnapshots(self.parameters())

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(D,)."""
        return (self.mixture.means.shape[2],)

    @property
    def network(self) -> Residual:
        """The residual."""
        return self.residual

    @property
    def snapshots(self) -> WeightSnapshots:
        """The named weight snapshots."""
        return self._snapshots

    def parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the residual."""
        return list(self.residual.parameters())

    def encode(self, prompts: Sequence[str]) -> ToyCondition:
        """Return the numbers of the prompts; empty prompts, if all are, stand for the mixture over all prompts.

        Raises:
            UsageError: If a prompt is not one of the mixture's.
        """
        device = self.mixture.means.device
        if prompts and not any(prompts):
            return ToyCondition(torch.zeros(len(prompts), dtype=torch.long, device=device), empty=True)
        unknown = [prompt for prompt in prompts if prompt not in self._index]
        if unknown:
            raise UsageError(f"toy prompt: expected one of {sorted(self._index)}, found {unknown[0]!r}")
        return ToyCondition(torch.tensor([self._index[prompt] for prompt in prompts], device=device))

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        """Return base velocity plus correction [B, D]."""
        assert isinstance(condition, ToyCondition)
        prompt = condition.prompt
        with torch.no_grad():
            base = (self.marginal if condition.empty else self.mixture).velocity(x, sigma, prompt)
            clean = x - sigma[:, None] * base
        one_hot = self._one_hot[prompt]
        named = torch.zeros_like(one_hot) if condition.empty else one_hot
        correction: Tensor = self.residual(x, clean, sigma, named, preference)
        return base + correction

    def schedule(self, steps: int) -> Tensor:
        """Return an even grid [S + 1]."""
        return shifted_sigmas(steps)

    def decode(self, latents: Tensor) -> Tensor:
        """Return the latents: samples are points."""
        return latents


@dataclass(frozen=True)
class ToySpec:
    """Definition of a toy backbone: the mixtures as nested tuples, one entry a prompt, and the residual's size.

    `means` [P][C][D]; every component has standard deviation `std`; `weights` [P][C].
    """

    prompts: tuple[str, ...]
    means: tuple[tuple[tuple[float, ...], ...], ...]
    weights: tuple[tuple[float, ...], ...]
    std: float
    size: ResidualSize = ResidualSize()

    def mixture(self) -> GaussianMixture:
        """Return the mixtures in float64."""
        means = torch.tensor(self.means, dtype=torch.float64)
        variances = torch.full(means.shape[:2], self.std**2, dtype=torch.float64)
        return GaussianMixture(means, variances, torch.tensor(self.weights, dtype=torch.float64))

    def build(self, n_objectives: int, seed: int) -> ToyBackbone:
        """Return a backbone in the default dtype whose initial weights depend on the seed alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(seed, "residual"))
            residual = Residual(len(self.means[0][0]), len(self.prompts), n_objectives, self.size)
        mixture = self.mixture().to(torch.zeros((), dtype=torch.get_default_dtype()))
        return ToyBackbone(mixture, self.prompts, residual)

    def describe(self) -> Mapping[str, Any]:
        """Return every number of the definition."""
        return {
            "kind": "toy",
            "means": self.means,
            "weights": self.weights,
            "std": self.std,
            "size": [self.size.width, self.size.blocks, self.size.preference_width],
        }
