"""Cost of the harness: its training step over a bare loop with the same forward and backward passes.

`python -m benchmarks.overhead` runs both in turn on toy and image benchmarks and prints the ratio of their times, and
the memory the process has taken at most.
The bare loop is what one would write by hand for this one method: no records, no keyed noise, no masks, no named parts.
"""

import argparse
import copy
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from benchmarks import environment
from benchmarks.backbones.toy import ResidualSize, ToyBackbone
from benchmarks.base import Benchmark
from benchmarks.run import Run
from benchmarks.session import Session
from benchmarks.suites.toy import THREE_TARGETS, TOY, TWO_TARGETS
from benchmarks.tasks.toy import plane_task
from benchmarks.train import Learner
from methods.base import Method


class BareLoop:
    """ParetoSlider on the toy, by hand: DPM-Solver++ rollouts of the old weights, NFT loss, anchor, AdamW."""

    def __init__(self, benchmark: Benchmark, method: Method) -> None:
        """Build the networks and the constants."""
        self.recipe, self.slots, self.anchor = benchmark.recipe, method.slots, method.anchor
        backbone = benchmark.backbone.build(benchmark.n_objectives, 0)
        assert isinstance(backbone, ToyBackbone)
        self.mixture, self.trained = backbone.mixture, backbone.residual
        self.old, self.average, self.reference = (copy.deepcopy(self.trained) for _ in range(3))
        self.optimizer = torch.optim.AdamW(self.trained.parameters(), lr=self.recipe.learning_rate)
        n_prompts, k = len(benchmark.prompts), benchmark.n_objectives
        self.prompt = torch.arange(n_prompts).repeat_interleave(self.recipe.group_size)
        self.one_hot = torch.eye(n_prompts)
        rows = [[r.targets[p] for r in benchmark.rewards] for p in benchmark.prompts]  # type: ignore[attr-defined]
        self.targets, self.k = torch.tensor(rows), k
        self.sigmas = torch.linspace(1, 0, self.recipe.rollout_steps + 1)

    def velocity(self, net: nn.Module, x: Tensor, sigma: Tensor, prompt: Tensor, preference: Tensor | None) -> Tensor:
        """Return base velocity plus a network's correction."""
        with torch.no_grad():
            base = self.mixture.velocity(x, sigma, prompt)
            clean = x - sigma[:, None] * base
        correction: Tensor = net(x, clean, sigma, self.one_hot[prompt], preference)
        return base + correction

    @torch.no_grad()
    def rollout(self, preference: Tensor) -> Tensor:
        """Return clean samples of the old weights by second-order multistep DPM-Solver++."""
        x, previous = torch.randn(len(self.prompt), self.targets.shape[2]), None
        steps = self.sigmas.tolist()
        for i in range(len(steps) - 1):
            here, there = steps[i], steps[i + 1]
            clean = x - here * self.velocity(self.old, x, torch.full((len(x),), here), self.prompt, preference)
            direction = clean
            if previous is not None and i >= 2 and there > 0:
                log_snr = [torch.log(torch.tensor((1 - s) / s)).item() for s in (steps[i - 1], here, there)]
                direction = clean + (log_snr[2] - log_snr[1]) / (2 * (log_snr[1] - log_snr[0])) * (clean - previous)
            x, previous = there / here * x + (1 - there / here) * direction, clean
        return x

    def step(self) -> None:
        """Do one training step."""
        group, n_points = self.recipe.group_size // self.slots, len(self.sigmas) - 2
        weights = torch.rand(len(self.one_hot) * self.slots, self.k).log().neg()
        preference = (weights / weights.sum(1, keepdim=True)).repeat_interleave(group, 0)
        clean = self.rollout(preference)
        rewards = -(clean[:, None] - self.targets[self.prompt]).square().sum(2)
        grouped = rewards.view(-1, group, self.k)
        spread = grouped.std(1, keepdim=True, correction=0) + 1e-4
        advantages = ((grouped - grouped.mean(1, keepdim=True)) / spread).view(rewards.shape)
        optimality = (preference * (0.5 + advantages.clamp(-5, 5) / 10)).sum(1).repeat_interleave(n_points)
        order = torch.rand(len(clean), n_points + 1).argsort(1)[:, :n_points].flatten()
        sigma, target = self.sigmas[order], clean.repeat_interleave(n_points, 0)
        x = torch.lerp(target, torch.randn_like(target), sigma[:, None])
        prompt, wanted = self.prompt.repeat_interleave(n_points), preference.repeat_interleave(n_points, 0)
        with torch.no_grad():
            old = self.velocity(self.old, x, sigma, prompt, wanted)
            reference = self.velocity(self.reference, x, sigma, prompt, None)
        velocity = self.velocity(self.trained, x, sigma, prompt, wanted)
        errors = [x - sigma[:, None] * v - target for v in (velocity, 2 * old - velocity)]
        losses = [e.square().mean(1) / e.detach().abs().mean(1).clamp_min(1e-5) for e in errors]
        loss = 5 * (optimality * losses[0] + (1 - optimality) * losses[1]).mean()
        loss = loss + self.anchor * (velocity - reference).square().mean()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.trained.parameters(), 1.0)
        self.optimizer.step()
        with torch.no_grad():
            current: list[Tensor] = list(self.trained.parameters())
            torch._foreach_lerp_(list(self.old.parameters()), current, 0.9)
            torch._foreach_lerp_(list(self.average.parameters()), current, 0.1)


def timed(step: Callable[[], object], n: int) -> float:
    """Return the seconds that n calls take."""
    started = time.perf_counter()
    for _ in range(n):
        step()
    return time.perf_counter() - started


class Bare(Protocol):
    """A hand-written training loop."""

    def step(self) -> None:
        """Do one training step."""
        ...


def measure(
    benchmark: Benchmark, name: str, method: Method, make: Callable[[Benchmark, Method], Bare], blocks: int, steps: int,
    *, compiled: bool = False,
) -> dict[str, float]:  # fmt: skip
    """Return the median ratio of harness to bare loop over interleaved blocks, its range, and milliseconds a step.

    The harness writes its records as in a real run. The steps on which it measures the K gradients are switched off:
    those are passes the bare loop does not have.
    """
    benchmark = replace(benchmark, recipe=replace(benchmark.recipe, diagnostics_every=0))
    torch.set_num_threads(benchmark.recipe.threads)
    bare = make(benchmark, method)
    ratios, ours, theirs = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Run("overhead", benchmark, name, method, 0, Path(folder)))
        learner = Learner(benchmark, method, 0, compiled=compiled)

        def harness() -> None:
            session.log_step(0, learner, learner.advance())

        timed(harness, steps), timed(bare.step, steps)
        for _ in range(blocks):
            ours.append(timed(harness, steps))
            theirs.append(timed(bare.step, steps))
            ratios.append(ours[-1] / theirs[-1])
        session.close()
    return {
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "harness_ms": 1e3 * statistics.median(ours) / steps,
        "bare_ms": 1e3 * statistics.median(theirs) / steps,
        "threads": benchmark.recipe.threads,
        "peak_memory_bytes": environment.peak_memory(),
    }


def widened(width: int) -> Benchmark:
    """Return two-targets with a wider residual: what the harness adds is constant, so its share falls."""
    spec = plane_task(("first", "second"), (1.0, 1.0)).spec
    return replace(TWO_TARGETS, backbone=replace(spec, size=ResidualSize(width=width)))


def _toys(blocks: int, steps: int) -> dict[str, dict[str, float]]:
    cases = {"two-targets": TWO_TARGETS, "three-targets": THREE_TARGETS}
    cases |= {f"two-targets, width {width}": widened(width) for width in (256, 512)}
    name = "pareto_slider"
    return {case: measure(found, name, TOY.methods[name], BareLoop, blocks, steps) for case, found in cases.items()}


def _images(blocks: int) -> dict[str, dict[str, float]]:
    # A step takes seconds here, so a block is one step. Compiled, both are: it is the harness that is measured.
    from benchmarks.overhead_images import BareImageLoop, CompiledImageLoop
    from benchmarks.suites.shapes import PLAIN_VS_COLOURFUL, SHAPES

    both = replace(PLAIN_VS_COLOURFUL, recipe=replace(PLAIN_VS_COLOURFUL.recipe, threads=2))
    method = SHAPES.methods["weighted_sum"]
    return {
        both.name: measure(both, "weighted_sum", method, BareImageLoop, blocks, 1),
        f"{both.name}, compiled": measure(both, "weighted_sum", method, CompiledImageLoop, blocks, 1, compiled=True),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--blocks", type=int, default=11, help="interleaved pairs of blocks")
    parser.add_argument("--steps", type=int, default=25, help="training steps of a block")
    parser.add_argument("--only", choices=("toy", "images"), help="leave out the others")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found = {} if arguments.only == "images" else _toys(arguments.blocks, arguments.steps)
    if arguments.only != "toy":
        found |= _images(arguments.blocks)
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    for name, row in found.items():
        print(
            f"{name}: harness / bare = {row['ratio']:.3f} (blocks {row['ratio_low']:.3f} to {row['ratio_high']:.3f}); "
            f"{row['harness_ms']:.2f} ms and {row['bare_ms']:.2f} ms a step"
        )


if __name__ == "__main__":
    main()
