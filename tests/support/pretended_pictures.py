"""Checkpoints of the families and rewards of pictures, to be run on the pretended device; see `pretended_runs`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.checkpoints import Checkpoint
from benchmarks.backbones.lora import LoraSize, load_adapter, save_adapter
from benchmarks.backbones.sd3 import adapted
from benchmarks.backbones.sd3_random import RandomText, unchanged
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe, Reward
from benchmarks.features import AlignmentFeatures
from benchmarks.inference import Trained, sample
from benchmarks.pictures import Gallery
from benchmarks.rewards.aesthetic import Aesthetic
from benchmarks.rewards.alignment import Alignment
from benchmarks.rewards.clip_score import ClipScore
from benchmarks.rewards.colorfulness import Colorfulness
from benchmarks.rewards.composition import Composition
from benchmarks.rewards.compressibility import Compressibility
from benchmarks.rewards.geneval import GenEval
from benchmarks.rewards.mean import Mean, Part
from benchmarks.rewards.pick_score import PickScore
from benchmarks.rewards.preservation import Preservation
from benchmarks.rewards.second_detector import SecondDetector
from benchmarks.rewards.sharpness import Sharpness
from benchmarks.rewards.text import SignText
from benchmarks.rewards.video import FrameWise, MotionAmount, TemporalConsistency
from benchmarks.scoring import score
from tests.support.families import Channel, build_family, prompts_of, write_sources
from tests.support.reward_models import CLIP_WIDTH, pictures, write_clip, write_detector, write_head
from tests.support.sd3 import SMALL, WIDTH, tiny_transformer
from tests.support.trained import family_benchmark

Numbers = dict[str, list[float]]


@dataclass(frozen=True)
class MeanColor:
    """Mean colors of pictures or videos, as features and, from the CPU, as a reward."""

    name: str = "elsewhere"
    unit: str = "share"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str] | None = None) -> Tensor:
        """Return features [B, 3] on the samples' device, or with prompts scores [B] on the CPU."""
        colors = samples.movedim(-3, 1).flatten(2).mean(2)
        return colors if prompts is None else colors.mean(1).cpu()

    def real(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return no data."""
        return torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)

    def describe(self) -> Mapping[str, Any]:
        """Return nothing."""
        return {}


@dataclass(frozen=True)
class TinySD3:
    """One block of Stable Diffusion 3 with LoRA and preference modules on a device; samples are the latents."""

    device: str

    def build(self, n_objectives: int, seed: int) -> AdaptedBackbone:
        """Return the backbone in the default precision."""
        return adapted(
            tiny_transformer(num_layers=1).to(self.device), RandomText(3, WIDTH, WIDTH), unchanged, LoraSize(2), seed,
            n_objectives=n_objectives, preference=SMALL,
        )  # fmt: skip

    def describe(self) -> Mapping[str, Any]:
        """Return nothing."""
        return {}


def tiny_sd3(device: str) -> Benchmark:
    """Return a benchmark on the tiny Stable Diffusion 3."""
    return Benchmark(
        name="tiny-sd3",
        backbone=TinySD3(device),
        prompts=("a", "b"),
        rewards=(Channel(0, "red"), Channel(2, "blue")),
        reference_point=(-1.0, -1.0),
        bounds=((-1.0, 1.0), (-1.0, 1.0)),
        budget=Budget(1000),
        recipe=Recipe(prompts_per_step=2, group_size=6, rollout_steps=2, learning_rate=1e-2, diagnostics_every=2),
        evaluation=Evaluation(((1.0, 0.0), (0.0, 1.0)), samples=1, steps=2, chunk=3),
        summary="two channels of color",
    )


def edited(folder: Path) -> Checkpoint:
    """Return a small FLUX.1 Kontext whose autoencoder waits on the CPU."""
    folder.mkdir()
    return build_family("flux-kontext", folder, offload=True)


def of_family(make: Callable[[], Checkpoint], device: str) -> Benchmark:
    """Return a benchmark on a small checkpoint on a device, with pictures and features."""
    spec = make()
    benchmark = family_benchmark(replace(spec, device=device, cache=spec.cache / device))
    return replace(
        benchmark,
        held_out=(MeanColor(),),
        features=MeanColor(),
        gallery=Gallery(prompts_of(spec.family)[:1], 1),
        recipe=replace(benchmark.recipe, rollout_steps=2, diagnostics_every=2),
        evaluation=replace(benchmark.evaluation, chunk=3, steps=2),
    )


def families(folder: Path) -> Mapping[str, Callable[[str], Benchmark]]:
    """Return benchmarks on small checkpoints, from a device's name; they are made when they are first needed."""
    folder.mkdir()
    makers: dict[str, Callable[[], Checkpoint]] = {
        "sd3": partial(build_family, "sd3", folder / "sd3", guidance=2.0, checkpointing=True),
        "flux-kontext": partial(edited, folder / "flux"),
        "ltx2": partial(build_family, "ltx2", folder / "ltx2"),
    }
    return {name: partial(of_family, cache(make)) for name, make in makers.items()}


@torch.no_grad()
def shown(folder: Path, device: str) -> Numbers:
    """Return samples as `flowfront sample` makes them, and those of weights saved on the device and read again."""
    folder.mkdir(exist_ok=True)
    backbone, again = (TinySD3(device).build(2, seed) for seed in (0, 1))
    for i, parameter in enumerate(backbone.parameters()):
        drawn = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(i))
        parameter.add_(0.1 * drawn.to(device))
    save_adapter(folder / "adapter.safetensors", backbone.network, "tiny")
    load_adapter(folder / "adapter.safetensors", again.network, "tiny")
    one, other = (Trained(b, "current", ("red", "blue"), None, 2, 1.0, None, "tiny", "a") for b in (backbone, again))
    samples = sample(one, ["a", "b", "a"], ((1.0, 0.0), (0.0, 1.0)), count=2)
    assert samples.device.type == "cpu"
    assert torch.equal(samples, sample(other, ["a", "b", "a"], ((1.0, 0.0), (0.0, 1.0)), count=2))
    return {"samples": samples.flatten().tolist()}


def scored(reward: Callable[[], Reward], prompts: Sequence[str], samples: Tensor, device: str) -> Numbers:
    """Return what a reward makes of samples on a device, beside one that answers from the CPU.

    It is asked twice: a model that is there already stays there.
    """
    rewards, moved = [reward(), MeanColor()], samples.to(device)
    scores = [score(rewards, moved, prompts) for _ in range(2)]
    assert all(part.is_cpu for part in scores)
    assert moved.device.type == device
    return {f"time {i}": part.flatten().tolist() for i, part in enumerate(scores)}


def featured(samples: Tensor, device: str) -> Numbers:
    """Return features of samples on a device, between which real ones are asked for from the CPU."""
    features = AlignmentFeatures(real_per_prompt=1)
    first, real = features(samples.to(device)), features.real(["a red circle"])[0]
    again = features(samples.to(device))
    assert [x.device.type for x in (first, again, real)] == [device, device, "cpu"]
    return {name: x.flatten().tolist() for name, x in (("first", first), ("real", real), ("again", again))}


def reward_cases(folder: Path) -> Iterator[tuple[str, Callable[[str], Numbers]]]:
    """Yield every reward that looks at pictures or videos in this process."""
    folder.mkdir()
    clip = write_clip(folder / "clip")
    head = write_head(folder / "head.safetensors", CLIP_WIDTH)
    detector = write_detector(folder / "detector")
    write_sources(folder / "sources")
    small, large = pictures(3, 32, 32), pictures(3, 64, 64)
    videos = pictures(6, 32, 32).unflatten(0, (2, 3))
    scenes = ["a red circle", "a red circle", "a sign that reads A7"]
    edits = ["one.png: make it blue", "two.png: make it blue", "one.png: keep"]
    objects = ["a photo of a dog", "a photo of two dogs", "a photo of a brown dog"]
    both = (Part(MeanColor()), Part(Sharpness()))
    kinds: dict[str, tuple[Callable[[], Reward], list[str], Tensor]] = {
        "aesthetic": (lambda: Aesthetic(head, clip), scenes, small),
        "alignment": (Alignment, scenes, small),
        "clip_score": (lambda: ClipScore(clip), scenes, large),
        "colorfulness": (Colorfulness, scenes, small),
        "composition": (Composition, scenes, small),
        "compressibility": (Compressibility, scenes, small),
        "geneval": (lambda: GenEval(detector, clip=clip, shortest=64, longest=64, graded=True), objects, large),
        "mean": (lambda: Mean(both, "mean"), scenes, small),
        "pick_score": (lambda: PickScore(clip, tokenizer=None), scenes, small),
        "preservation": (lambda: Preservation(folder / "sources"), edits, small),
        "second_detector": (SecondDetector, scenes, small),
        "sharpness": (Sharpness, scenes, small),
        "text": (SignText, scenes, small),
        "frames": (lambda: FrameWise(ClipScore(clip), worst=True), scenes[:2], videos),
        "motion": (MotionAmount, scenes[:2], videos),
        "temporal_consistency": (lambda: TemporalConsistency(clip), scenes[:2], videos),
    }
    for name, (reward, prompts, samples) in kinds.items():
        yield f"rewards/{name}", partial(scored, reward, prompts, samples)
    yield "rewards/features", partial(featured, small)
