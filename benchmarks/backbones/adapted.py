"""A diffusers transformer with an adapter as a backbone, whatever its family: precision, guidance, snapshots, decoding.

A family adds a network (its convention of latents, times and conditions) and conditions; see `sd3`, `flux_kontext`
and `ltx2`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.backbones.preference import PreferenceModules, PreferenceSize
from benchmarks.draws import derived_seed
from benchmarks.records import UsageError
from benchmarks.snapshots import WeightSnapshots
from methods.base import Condition
from methods.samplers.schedules import shifted_sigmas

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


@dataclass(frozen=True)
class Embeddings:
    """What a family's text part makes of prompts: tensors whose row i belongs to prompt i. Families add the fields."""

    def rows(self, index: Tensor) -> Self:
        """Return the condition of the rows in `index`."""
        return type(self)(*(vars(self)[field.name][index] for field in fields(self)))

    def to(self, device: torch.device) -> Self:
        """Return the same on another device."""
        return type(self)(*(vars(self)[field.name].to(device) for field in fields(self)))


class TextEncoding(Protocol):
    """The frozen text part of a backbone."""

    def encode(self, prompts: Sequence[str]) -> Embeddings:
        """Return the embeddings of prompts, one row each; the empty prompt stands for "no prompt"."""
        ...


@runtime_checkable
class StoredText(TextEncoding, Protocol):
    """A text part that keeps embeddings, so that encoding may be done ahead of time."""

    def prepare(self, prompts: Sequence[str]) -> None:
        """Encode what is not kept yet."""
        ...


@dataclass(frozen=True)
class Guided:
    """A condition and that of the empty prompt, one row (classifier-free guidance)."""

    condition: Embeddings
    unconditional: Embeddings

    def rows(self, index: Tensor) -> Self:
        """Return the condition of the rows in `index`."""
        return type(self)(self.condition.rows(index), self.unconditional)


class AdaptedNetwork(nn.Module, ABC):
    """A transformer and, where it has them, the preference modules attached to it; families say how it is called."""

    def __init__(self, transformer: Any, preference: PreferenceModules | None) -> None:
        """Take a transformer of diffusers and modules attached to it."""
        super().__init__()
        self.transformer, self.preference = transformer, preference

    def forward(self, x: Tensor, sigma: Tensor, condition: Any, preference: Tensor | None = None) -> Tensor:
        """Return the velocity [B, ...] at x [B, ...], sigma [B], under preference [B, K] or none.

        Raises:
            UsageError: If the preference does not fit the preference modules, or there are none.
        """
        if self.preference is None and preference is not None:
            raise UsageError(f"preference: expected none, without preference modules, found K={preference.shape[-1]}")
        with nullcontext() if self.preference is None else self.preference.using(preference):
            return self.call(x, sigma, condition)

    @abstractmethod
    def call(self, x: Tensor, sigma: Tensor, condition: Any) -> Tensor:
        """Return the transformer's velocity [B, ...]."""

    def enable_gradient_checkpointing(self) -> None:
        """Recompute the blocks in the backward pass instead of keeping their activations."""
        self.transformer.enable_gradient_checkpointing()


class _MathAttention:
    # In bfloat16 on a CPU the backward pass of torch's fused attention is slower than all its parts one by one. An
    # attention processor, unlike a context around the forward pass, also holds where blocks are recomputed.

    def __init__(self, processor: Callable[..., Any]) -> None:
        self._processor = processor

    def __call__(self, attn: nn.Module, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled() or hidden_states.device.type != "cpu":
            return self._processor(attn, hidden_states, *args, **kwargs)
        with sdpa_kernel(SDPBackend.MATH):
            return self._processor(attn, hidden_states, *args, **kwargs)


class AdaptedBackbone:
    """A network with an adapter as a backbone; see `methods.base.Backbone`."""

    def __init__(
        self,
        network: AdaptedNetwork,
        text: TextEncoding,
        decoder: Callable[[Tensor], Tensor],
        latent_shape: tuple[int, ...],
        *,
        precision: Precision = "float32",
        guidance: float = 1.0,
        sigmas: Callable[[int], Tensor] = shifted_sigmas,
        batch: int | None = None,
    ) -> None:
        """Take the parts; the trainable weights of the network now are the reference.

        Args:
            network: The network; its parameters that require a gradient are trained.
            text: The text part.
            decoder: From clean latents [B, ...] to samples.
            latent_shape: Shape of one latent.
            precision: "bfloat16" runs the transformer under autocast; trained weights and velocities stay as they are.
            guidance: Scale of classifier-free guidance, >= 1; above 1 every velocity takes two passes.
            sigmas: The noise levels [S + 1] of S steps.
            batch: Latents of one pass without gradient, at most; None takes all at once.

        Raises:
            UsageError: If the precision or the guidance is out of range.
        """
        if precision not in PRECISIONS:
            raise UsageError(f"precision: expected one of {PRECISIONS}, found {precision!r}")
        if not guidance >= 1:
            raise UsageError(f"guidance: expected a scale of at least 1, found {guidance}")
        self._network, self._text, self._decoder = network, text, decoder
        self._precision, self._guidance, self._latent_shape = precision, guidance, latent_shape
        self._sigmas, self._batch = sigmas, batch
        if precision == "bfloat16":
            wrapped = {name: _MathAttention(p) for name, p in network.transformer.attn_processors.items()}
            network.transformer.set_attn_processor(wrapped)
        self._snapshots = WeightSnapshots(self.parameters())

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        return self._latent_shape

    @property
    def network(self) -> AdaptedNetwork:
        """Transformer and preference modules."""
        return self._network

    @property
    def snapshots(self) -> WeightSnapshots:
        """The named snapshots of the trainable weights."""
        return self._snapshots

    def parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the adapter and of the preference modules."""
        return [p for p in self._network.parameters() if p.requires_grad]

    def prepare(self, prompts: Sequence[str]) -> None:
        """Encode prompts and the empty one ahead of time, where embeddings are kept; then no step waits for encoders.

        Raises:
            UsageError: If encoders are needed and cannot be loaded.
        """
        if isinstance(self._text, StoredText):
            self._text.prepare([*prompts, ""])

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> Embeddings | Guided:
        """Return the embeddings of prompts, one row each; each distinct prompt is encoded once."""
        number = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
        device = next(self._network.parameters()).device
        index = torch.tensor([number[prompt] for prompt in prompts], device=device)
        condition = self._text.encode(list(number)).to(device).rows(index)
        return condition if self._guidance == 1 else Guided(condition, self._text.encode([""]).to(device))

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        """Return the velocity [B, ...] in the precision of x.

        Raises:
            UsageError: If the preference does not fit the preference modules, or there are none.
        """
        if self._batch is None or len(x) <= self._batch or torch.is_grad_enabled():
            return self._velocity(x, sigma, condition, preference)
        parts = torch.split(torch.arange(len(x), device=x.device), self._batch)
        return torch.cat(
            [
                self._velocity(
                    x[rows], sigma[rows], condition.rows(rows), None if preference is None else preference[rows]
                )
                for rows in parts
            ]
        )

    def _velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None) -> Tensor:
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=self._precision == "bfloat16"):
            if not isinstance(condition, Guided):
                found: Tensor = self._network(x, sigma, condition, preference)
                return found.to(x.dtype)
            nothing = condition.unconditional.rows(torch.zeros(len(x), dtype=torch.int64, device=x.device))
            base: Tensor = self._network(x, sigma, nothing, preference).to(x.dtype)
            toward: Tensor = self._network(x, sigma, condition.condition, preference).to(x.dtype)
        return base + self._guidance * (toward - base)

    def schedule(self, steps: int) -> Tensor:
        """Return the checkpoint's own noise levels [S + 1]."""
        return self._sigmas(steps)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Return the samples that rewards see."""
        return self._decoder(latents)


def modules_for(
    transformer: Any, width: int, size: PreferenceSize | None, n_objectives: int, seed: int
) -> PreferenceModules | None:
    """Return preference modules of a width for K objectives on the transformer's device; None without a size.

    Their weights depend on the seed alone.
    """
    if size is None:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "preference modules"))
        return PreferenceModules(n_objectives, width, size).to(transformer.device)
