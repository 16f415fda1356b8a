"""Preference modules for transformers: an embedding added to the conditioning, a modulation added to feed-forwards.

They are attached by hooks, so no forward of a model is written anew. A backbone lists which of its modules makes the
conditioning embedding and which modules read it. Affine modulations and a projector a block are not here.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.records import UsageError


@dataclass(frozen=True)
class PreferenceSize:
    """Size and start of the preference modules.

    Attributes:
        hidden: Width of the projector's first layer.
        bands: Frequencies F of the positional encoding.
        fraction: Share of the blocks, from the first on, that are modulated, in (0, 1].
        projector_std: Standard deviation of the projector's last layer, whose bias is 0 then; None keeps PyTorch's
            initialization in all its layers.
        embedding_std: Standard deviation of the embedding's last layer; its bias is 0.

    Source: ParetoSlider, released code: 768, 1, 1, None, 1e-3. Deviation: `projector_std` is small by default. The
    published initialization is said to start near the identity, which holds for the embedding only: at width 1536 and
    two objectives the modulation has root mean square 0.025 with it, 0.0014 with 1e-3, and every block adds it again.
    """

    hidden: int = 768
    bands: int = 1
    fraction: float = 1.0
    projector_std: float | None = 1e-3
    embedding_std: float = 1e-3

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: If a number is out of range.
        """
        for name in ("hidden", "bands"):
            if vars(self)[name] < 1:
                raise ValueError(f"{name} must be at least 1, found {vars(self)[name]}")
        if not 0 < self.fraction <= 1:
            raise ValueError(f"fraction must be in (0, 1], found {self.fraction}")
        for name in ("projector_std", "embedding_std"):
            if vars(self)[name] is not None and not 0 <= vars(self)[name] < math.inf:
                raise ValueError(f"{name} must be finite and not negative, found {vars(self)[name]}")


def positional_encoding(preference: Tensor, bands: int) -> Tensor:
    """Return sine and cosine of pi 2^f times each entry, f = 0..bands-1.

    Args:
        preference: [B, K].
        bands: F, at least 1.

    Returns:
        [B, 2 K F]: for each entry its F sines, then its F cosines.

    Source: ParetoSlider, released code.

    Example:
        >>> [round(x, 4) for x in positional_encoding(torch.tensor([[0.7, 0.3]]), 1)[0].tolist()]
        [0.809, -0.5878, 0.809, 0.5878]
    """
    angles = preference.unsqueeze(2) * (math.pi * 2.0 ** torch.arange(bands).to(preference))
    return torch.cat((angles.sin(), angles.cos()), dim=2).flatten(1)


@dataclass(frozen=True)
class Reader:
    """A module that is called with the conditioning embedding [B, ..., D].

    Attributes:
        module: The module.
        position: Which positional argument the embedding is.
        name: Its keyword, for calls by keyword.
        feed_forward: The feed-forward in it, of output [B, T, d], that is modulated; None where there is none.
        after: Position and keyword of an argument [B, t, ...] whose t tokens come first in the feed-forward's output
            and are left alone; None where all tokens are modulated.
    """

    module: nn.Module
    position: int
    name: str
    feed_forward: nn.Module | None = None
    after: tuple[int, str] | None = None


def _argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], position: int, name: str) -> Any:
    return kwargs[name] if name in kwargs else args[position]


class _Carried:
    # The modulation reaches a block inside its embedding argument, joined on by the hook of the embedding module and
    # taken off here. So a block that is recomputed in the backward pass, when another preference or none is set,
    # meets the modulation of its own forward pass: it is one of the inputs that checkpoints keep.

    def __init__(self, reader: Reader, usual: int) -> None:
        self._position, self._name, self._usual, self._after = reader.position, reader.name, usual, reader.after
        self._modulation: Tensor | None = None
        self._first = 0

    def take(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        joined: Tensor = _argument(args, kwargs, self._position, self._name)
        if joined.shape[-1] == self._usual:
            return None
        embedding, modulation = joined.tensor_split((self._usual,), dim=-1)
        self._modulation = modulation if modulation.ndim == 3 else modulation.unsqueeze(1)
        self._first = 0 if self._after is None else _argument(args, kwargs, *self._after).shape[1]
        if self._name in kwargs:
            return args, {**kwargs, self._name: embedding}
        return (*args[: self._position], embedding, *args[self._position + 1 :]), kwargs

    def add(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        if self._modulation is None:
            return None
        if not self._first:
            return output + self._modulation
        return torch.cat((output[:, : self._first], output[:, self._first :] + self._modulation), dim=1)

    def drop(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        self._modulation = None


class PreferenceModules(nn.Module):
    """From a preference [B, K] to what conditions a transformer of width d.

    `embedding` gives a vector [B, d] that is added to the conditioning embedding (time and pooled text), which all
    adaptive norms read. `projector` gives one modulation [B, d] that is added to the output of the feed-forward of
    each active block, the same for all its tokens: gate (ff + modulation) is the published gated residual, for the
    gate follows the feed-forward. Other streams of a block are never modulated.

    Outside `using`, and with None in it, nothing is changed at all. All parameters belong to linear layers.

    Source: ParetoSlider, released code, the mode that its configurations use.
    """

    def __init__(self, n_objectives: int, width: int, size: PreferenceSize) -> None:
        """Build the layers, from torch's global generator."""
        super().__init__()
        if n_objectives < 1:
            raise ValueError(f"n_objectives must be at least 1, found {n_objectives}")
        self.n_objectives, self.width, self.size = n_objectives, width, size
        # Layers have names, not numbers, so that gradient diagnostics count them as one group.
        self.embedding = nn.Sequential(
            OrderedDict(first=nn.Linear(n_objectives, width), activation=nn.SiLU(), last=nn.Linear(width, width))
        )
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            read=nn.Linear(2 * n_objectives * size.bands, size.hidden), first=nn.Linear(size.hidden, width)
        )
        for name in ("second", "third", "last"):
            layers |= {f"before_{name}": nn.ReLU(), name: nn.Linear(width, width)}
        self.projector = nn.Sequential(layers)
        for stack, std in ((self.embedding, size.embedding_std), (self.projector, size.projector_std)):
            last = stack[-1]
            if std is not None and isinstance(last, nn.Linear):
                nn.init.normal_(last.weight, std=std)
                nn.init.zeros_(last.bias)
        self._preference: Tensor | None = None

    def forward(self, preference: Tensor) -> tuple[Tensor, Tensor]:
        """Return embedding [B, d] and modulation [B, d] of a preference [B, K]."""
        return self.embedding(preference), self.projector(positional_encoding(preference, self.size.bands))

    @contextmanager
    def using(self, preference: Tensor | None) -> Iterator[None]:
        """Run the block, a forward pass in it, under a preference [B, K] or none.

        The backward pass may come later, with blocks recomputed in it, under whatever preference.

        Raises:
            UsageError: If the preference has another number of weights.
        """
        if preference is not None and (preference.ndim != 2 or preference.shape[1] != self.n_objectives):
            found = f"K={preference.shape[1]}" if preference.ndim == 2 else f"shape {list(preference.shape)}"
            raise UsageError(f"preference: expected K={self.n_objectives} weights in each of B rows, found {found}")
        before, self._preference = self._preference, preference
        try:
            yield
        finally:
            self._preference = before

    def attach(
        self,
        embedding: nn.Module,
        readers: Sequence[Reader],
        carrier: nn.Module | None = None,
        usual: int | None = None,
    ) -> None:
        """Hook a transformer.

        Args:
            embedding: The module that returns the conditioning embedding [B, d].
            readers: Every module that is called with it, or with what `carrier` makes of it, blocks in their order.
                One that is left out fails on the first call under a preference, for what it gets is d wider.
            carrier: The module whose output, or the first of its outputs, readers are called with, [B, D]; None where
                that is the embedding itself.
            usual: D; None where it is d.
        """
        embedding.register_forward_hook(self._condition)
        (embedding if carrier is None else carrier).register_forward_hook(self._carry)
        blocks = [reader for reader in readers if reader.feed_forward is not None]
        active = blocks[: max(1, int(len(blocks) * self.size.fraction))]
        for reader in readers:
            # Hooks are methods, so that a deep copy of the whole network has hooks of its own.
            carried = _Carried(reader, self.width if usual is None else usual)
            reader.module.register_forward_pre_hook(carried.take, with_kwargs=True)
            reader.module.register_forward_hook(carried.drop, always_call=True)
            if reader in active and reader.feed_forward is not None:
                reader.feed_forward.register_forward_hook(carried.add)

    def _condition(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        if self._preference is None:
            return None
        if len(self._preference) != len(output):
            raise UsageError(
                f"preference: expected one row a sample, {len(output)} rows, found {len(self._preference)}"
            )
        added: Tensor = self.embedding(self._given())
        return output + added.to(output)

    def _carry(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if self._preference is None:
            return None
        first = output[0] if isinstance(output, tuple) else output
        modulation = self.projector(positional_encoding(self._given(), self.size.bands)).to(first)
        joined = torch.cat((first, modulation), dim=1)
        return (joined, *output[1:]) if isinstance(output, tuple) else joined

    def _given(self) -> Tensor:
        assert self._preference is not None
        return self._preference.to(next(self.parameters()))
