"""Stable Diffusion 3 transformers of any size as backbones: LoRA, preference modules, bfloat16, loading of weights."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import torch
from diffusers import SD3Transformer2DModel
from diffusers.utils import logging as diffusers_logging
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.backbones.lora import LoraSize, add_lora
from benchmarks.backbones.preference import PreferenceModules, PreferenceSize, Reader
from benchmarks.draws import derived_seed
from benchmarks.records import UsageError
from benchmarks.snapshots import WeightSnapshots
from methods.base import Condition

TARGETS = [f"attn.{name}" for name in ("to_q", "to_k", "to_v", "to_out.0")]
TARGETS += [f"attn.{name}" for name in ("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")]
"""The eight attention projections of both streams; the last block, whose text stream ends there, lacks the eighth.

Source: DiffusionNFT and ParetoSlider, released code.
"""

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class PromptEmbedding:
    """Token embeddings [B, T, C] and pooled embeddings [B, D] of prompts."""

    tokens: Tensor
    pooled: Tensor

    def rows(self, index: Tensor) -> Self:
        """Return the condition of the rows in `index`."""
        return type(self)(self.tokens[index], self.pooled[index])


class TextEncoding(Protocol):
    """The frozen text part of a backbone."""

    def encode(self, prompts: Sequence[str]) -> PromptEmbedding:
        """Return the embeddings of prompts, one row each; the empty prompt stands for "no prompt"."""
        ...


class SD3Network(nn.Module):
    """A transformer and, where it has them, the preference modules attached to it."""

    def __init__(self, transformer: Any, preference: PreferenceModules | None = None) -> None:
        """Take an `SD3Transformer2DModel`, and modules of its width that nothing is attached to yet."""
        super().__init__()
        self.transformer, self.preference = transformer, preference
        if preference is not None:
            blocks = [Reader(block, 2, "temb", block.ff) for block in transformer.transformer_blocks]
            last = Reader(transformer.norm_out, 1, "conditioning_embedding")
            preference.attach(transformer.time_text_embed, [*blocks, last])

    def forward(self, x: Tensor, sigma: Tensor, condition: PromptEmbedding, preference: Tensor | None = None) -> Tensor:
        """Return the velocity [B, ...] at x [B, ...], sigma [B], under preference [B, K] or none.

        Raises:
            UsageError: If the preference does not fit the preference modules, or there are none.
        """
        if self.preference is None and preference is not None:
            raise UsageError(f"preference: expected none, without preference modules, found K={preference.shape[-1]}")
        with nullcontext() if self.preference is None else self.preference.using(preference):
            found: Tensor = self.transformer(
                hidden_states=x,
                encoder_hidden_states=condition.tokens,
                pooled_projections=condition.pooled,
                # Times are the only foreign convention: the model's output is noise - clean already.
                timestep=1000 * sigma,
                return_dict=False,
            )[0]
        return found

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


class SD3Backbone:
    """An SD3 transformer with an adapter as a backbone; see `methods.base.Backbone`."""

    def __init__(
        self,
        network: SD3Network,
        text: TextEncoding,
        decoder: Callable[[Tensor], Tensor],
        precision: Literal["float32", "bfloat16"] = "float32",
        latent_side: int | None = None,
    ) -> None:
        """Take the parts; the trainable weights of the network now are the reference.

        Args:
            network: The network; its parameters that require a gradient are trained.
            text: The text part.
            decoder: From clean latents [B, ...] to samples.
            precision: "bfloat16" runs the transformer under autocast; weights and velocities stay as they are.
            latent_side: Height and width of the latents; None takes the size in the transformer's configuration.

        Raises:
            UsageError: If the precision is unknown or the transformer takes no latents of that side.
        """
        if precision not in PRECISIONS:
            raise UsageError(f"precision: expected one of {PRECISIONS}, found {precision!r}")
        self._network, self._text, self._decoder = network, text, decoder
        self._precision = precision
        config = network.transformer.config
        side = config.sample_size if latent_side is None else latent_side
        largest = config.patch_size * config.pos_embed_max_size
        if not 0 < side <= largest or side % config.patch_size:
            raise UsageError(f"latent side: expected a multiple of {config.patch_size} up to {largest}, found {side}")
        self._latent_shape = (config.in_channels, side, side)
        if precision == "bfloat16":
            wrapped = {name: _MathAttention(p) for name, p in network.transformer.attn_processors.items()}
            network.transformer.set_attn_processor(wrapped)
        self._snapshots = WeightSnapshots(self.parameters())

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return self._latent_shape

    @property
    def network(self) -> SD3Network:
        """Transformer and preference modules."""
        return self._network

    @property
    def snapshots(self) -> WeightSnapshots:
        """The named snapshots of the trainable weights."""
        return self._snapshots

    def parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the adapter and of the preference modules."""
        return [p for p in self._network.parameters() if p.requires_grad]

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> PromptEmbedding:
        """Return the embeddings of prompts, one row each; each distinct prompt is encoded once."""
        number = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
        embedding = self._text.encode(list(number))
        return embedding.rows(torch.tensor([number[prompt] for prompt in prompts], device=embedding.pooled.device))

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        """Return the velocity [B, ...] in the precision of x.

        Raises:
            UsageError: If the preference does not fit the preference modules, or there are none.
        """
        assert isinstance(condition, PromptEmbedding)
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=self._precision == "bfloat16"):
            found: Tensor = self._network(x, sigma, condition, preference)
        return found.to(x.dtype)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Return the samples that rewards see."""
        return self._decoder(latents)


def adapted(
    transformer: Any,
    text: TextEncoding,
    decoder: Callable[[Tensor], Tensor],
    lora: LoraSize,
    seed: int,
    *,
    n_objectives: int = 1,
    preference: PreferenceSize | None = None,
    precision: Literal["float32", "bfloat16"] = "float32",
    latent_side: int | None = None,
) -> SD3Backbone:
    """Return a backbone from an `SD3Transformer2DModel`, which is frozen and given LoRA and, on request, preferences.

    The adapter's weights depend on the seed alone. Without a preference it changes nothing at the start.

    Args:
        transformer: The transformer; changed in place.
        text: The text part.
        decoder: From clean latents [B, ...] to samples.
        lora: Size of the LoRA, on the attention projections in `TARGETS`.
        seed: Seed of the trainable weights.
        n_objectives: K, read by the preference modules.
        preference: Size of the preference modules; None makes none.
        precision: See `SD3Backbone`.
        latent_side: See `SD3Backbone`.

    Raises:
        UsageError: If the precision is unknown or the transformer takes no latents of that side.
    """
    add_lora(transformer, TARGETS, lora, seed)
    modules = None
    if preference is not None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(seed, "preference modules"))
            modules = PreferenceModules(n_objectives, transformer.inner_dim, preference).to(transformer.device)
    return SD3Backbone(SD3Network(transformer, modules), text, decoder, precision, latent_side)


def pixels(latents: Tensor) -> Tensor:
    """Return images in [0, 1] from latents that are pixels in [-1, 1]; what lies outside is clamped.

    Example:
        >>> pixels(torch.tensor([-1.0, 0.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return ((latents + 1) / 2).clamp(0, 1)


def load_transformer(source: str | Path, subfolder: str | None = "transformer", revision: str | None = None) -> Any:
    """Return an `SD3Transformer2DModel` in float32 from a folder or from the Hugging Face Hub.

    Args:
        source: A folder, or the name of a repository as "owner/name".
        subfolder: Folder in it that holds config.json and the weights.
        revision: Commit, tag or branch of a repository.

    Raises:
        UsageError: If there is no such folder or repository, or its files are missing, damaged or another model's.
    """
    where = f"{source}/{subfolder}" if subfolder else str(source)
    named = isinstance(source, str) and source.count("/") == 1 and not source.startswith((".", "/", "~"))
    if not Path(source).is_dir() and not named:
        raise UsageError(f"cannot read {source}: expected a folder or owner/name of a repository, found neither")
    options: dict[str, Any] = {"subfolder": subfolder, "revision": revision}
    try:
        with _undisturbed():
            config = SD3Transformer2DModel.load_config(str(source), **options)
            kind = config.get("_class_name") if isinstance(config, dict) else None
            if kind != SD3Transformer2DModel.__name__:
                raise UsageError(f"{where}: expected the model class {SD3Transformer2DModel.__name__}, found {kind}")
            transformer, report = SD3Transformer2DModel.from_pretrained(  # type: ignore[no-untyped-call]
                str(source), **options, torch_dtype=torch.float32, use_safetensors=True, output_loading_info=True
            )
    except UsageError:
        raise
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"cannot load {where}: {(str(error).strip() or repr(error)).splitlines()[0]}") from error
    for fault in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[fault]:
            raise UsageError(
                f"{where}: expected the weights of its config.json, found {fault.replace('_', ' ')}: {report[fault][0]}"
            )
    return transformer


@contextmanager
def _undisturbed() -> Iterator[None]:
    # diffusers logs what it then raises, and leaves torch's default dtype changed where it fails.
    verbosity, dtype = diffusers_logging.get_verbosity(), torch.get_default_dtype()
    diffusers_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        diffusers_logging.set_verbosity(verbosity)
        torch.set_default_dtype(dtype)
