"""Work of frozen parts is not repeated: each prompt, source picture and rollout is encoded or decoded once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, FluxKontextPipeline, StableDiffusion3Pipeline
from transformers import CLIPTextModel, CLIPTextModelWithProjection, T5EncoderModel

from benchmarks.backbones.checkpoints import Checkpoint
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe
from benchmarks.train import Learner
from methods.nft_method import NFTMethod
from methods.objectives.nft import NFT
from methods.pareto_slider import ParetoSlider
from tests.support.families import Channel, build_family

P, G, STEPS = 2, 4, 2


@dataclass
class Work:
    """What was asked of frozen parts: texts, forward passes of text encoders, rows of the autoencoder, and when."""

    texts: Counter[str] = field(default_factory=Counter)
    passes: int = 0
    decoded: list[int] = field(default_factory=list)
    encoded: list[int] = field(default_factory=list)
    in_losses: bool = False
    losses: int = 0

    def note(self) -> None:
        assert not self.in_losses, "a frozen part works in a loss pass"


def counting(work: Work, patch: pytest.MonkeyPatch) -> None:
    def replaced(kind: Any, name: str, before: Any) -> None:
        original = getattr(kind, name)

        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            work.note()
            before(*args, **kwargs)
            return original(self, *args, **kwargs)

        patch.setattr(kind, name, wrapped)

    def passed(*args: Any, **kwargs: Any) -> None:
        work.passes += 1

    for pipeline in (StableDiffusion3Pipeline, FluxKontextPipeline):
        replaced(pipeline, "encode_prompt", lambda prompt, **_: work.texts.update(prompt))
    for encoder in (CLIPTextModel, CLIPTextModelWithProjection, T5EncoderModel):
        replaced(encoder, "forward", passed)
    replaced(AutoencoderKL, "decode", lambda z, *_, **__: work.decoded.append(len(z)))
    replaced(AutoencoderKL, "encode", lambda x, *_, **__: work.encoded.append(len(x)))
    terms = NFT.terms

    def watched(self: NFT, *args: Any, **kwargs: Any) -> Any:
        work.in_losses, work.losses = True, work.losses + 1
        try:
            return terms(self, *args, **kwargs)
        finally:
            work.in_losses = False

    patch.setattr(NFT, "terms", watched)


@contextmanager
def counted() -> Iterator[Work]:
    work = Work()
    with pytest.MonkeyPatch.context() as patch:
        counting(work, patch)
        yield work


def benchmark_of(spec: Checkpoint, prompts: tuple[str, ...]) -> Benchmark:
    return Benchmark(
        name="small", backbone=spec, prompts=prompts, rewards=(Channel(0, "red"), Channel(2, "blue")),
        reference_point=(0.0, 0.0), bounds=((0.0, 1.0), (0.0, 1.0)), budget=Budget(10_000),
        recipe=Recipe(
            prompts_per_step=P, group_size=G, rollout_steps=2, shift=None, micro_batch=4, diagnostics_every=2
        ),
        evaluation=Evaluation(preferences=((1.0, 0.0), (0.0, 1.0)), samples=1, steps=2, shift=None),
        summary="a few prompts, two color channels",
    )  # fmt: skip


def method() -> NFTMethod:
    return replace(ParetoSlider(), slots=2)


def train(benchmark: Benchmark) -> Work:
    with counted() as work:
        learner = Learner(benchmark, method(), 0)
        for _ in range(STEPS):
            assert torch.isfinite(learner.advance().weights).all()
    assert work.losses >= 2 * STEPS
    return work


@pytest.mark.parametrize("offload", [False, True])
def test_prompts_are_encoded_once_ever_and_rollouts_decoded_once(offload: bool, tmp_path: Path) -> None:
    prompts = ("a red cube", "two dogs bark", "a small house")
    spec = build_family("sd3", tmp_path, guidance=2.0, offload=offload)
    first = train(benchmark_of(spec, prompts))
    assert set(first.texts) <= {*prompts, ""}
    assert {"", *prompts[:1]} & set(first.texts)
    assert set(first.texts.values()) == {1}
    assert first.passes > 0
    assert sum(first.decoded) == STEPS * P * G
    assert first.encoded == []
    again = train(benchmark_of(spec, prompts))
    assert (again.texts, again.passes, again.encoded) == (Counter(), 0, [])
    assert sum(again.decoded) == STEPS * P * G


def test_each_source_and_each_instruction_is_encoded_once_ever(tmp_path: Path) -> None:
    words = ("make it blue", "add a hat")
    prompts = tuple(f"{file}.png: {text}" for file in ("one", "two") for text in words)
    spec = build_family("flux-kontext", tmp_path)
    benchmark = replace(
        benchmark_of(spec, prompts), recipe=replace(benchmark_of(spec, prompts).recipe, prompts_per_step=4)
    )
    first = train(benchmark)
    assert first.texts == Counter(words)
    assert sum(first.encoded) == 2
    assert sum(first.decoded) == STEPS * 4 * G
    again = train(benchmark)
    assert (again.texts, again.passes, again.encoded) == (Counter(), 0, [])


def test_another_picture_under_the_same_name_is_encoded_anew(tmp_path: Path) -> None:
    spec = build_family("flux-kontext", tmp_path)
    with counted() as work:
        backbone = spec.build(2, 0)
        before = backbone.encode(["one.png: make it blue"])
        (tmp_path / "sources" / "one.png").write_bytes((tmp_path / "sources" / "two.png").read_bytes())
        after = backbone.encode(["one.png: make it blue"])
    assert sum(work.encoded) == 2
    assert work.texts == Counter(["make it blue"])
    one, other = vars(before), vars(after)
    assert torch.equal(one["tokens"], other["tokens"])
    assert not torch.equal(one["source"], other["source"])
