"""The only training loop; it knows no method by name."""

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from benchmarks.base import Benchmark, orientation
from benchmarks.collect import Meter, MeteredBackbone, collect, draw_prompts
from benchmarks.draws import KeyedDraws
from benchmarks.records import UsageError
from methods.base import Batch, Method, Points, State, Step
from methods.gradients import (
    assign_gradient,
    cosines,
    gramian,
    objective_gradients,
    objective_losses,
    sample_shares,
    weighted_loss,
)


class DivergedError(UsageError):
    """Training produced a number that is not finite; nothing of that step was kept."""


def step_cost(benchmark: Benchmark, method: Method) -> int:
    """Return the velocity evaluations of one training step.

    B * rollout_steps for the rollouts and B * points a rollout * passes for the losses.
    """
    recipe = benchmark.recipe
    per_rollout = method.objective.points_per_rollout(recipe.rollout_steps)
    passes = method.objective.passes(anchored=method.anchor > 0)
    return recipe.prompts_per_step * recipe.group_size * (recipe.rollout_steps + per_rollout * passes)


def steps_paid(benchmark: Benchmark, method: Method, share: float) -> int:
    """Return how many steps of a method a share of the benchmark's budget pays for, possibly none."""
    # A hair is added so that a fifth of five steps' cost is one step.
    return int(share * benchmark.budget.velocity_evaluations / step_cost(benchmark, method) + 1e-9)


def steps_within(benchmark: Benchmark, method: Method, share: float) -> int:
    """Return how many steps of a method a share of the benchmark's budget pays for, at least one.

    Raises:
        UsageError: If it does not pay for one step.
    """
    steps, cost = steps_paid(benchmark, method, share), step_cost(benchmark, method)
    if steps < 1:
        raise UsageError(
            f"benchmark {benchmark.name}: expected a budget of at least {cost} velocity evaluations, the cost of one "
            f"step, found {share:.4g} x {benchmark.budget.velocity_evaluations}"
        )
    return steps


class Learner:
    """One model in training: weights, optimizer, the weighting's state, the number of steps done, what they cost."""

    def __init__(self, benchmark: Benchmark, method: Method, seed: int) -> None:
        """Build the model at its initial weights."""
        self.benchmark, self.method, self.seed = benchmark, method, seed
        self.meter = Meter()
        # Evaluations and probes use the bare one: training alone is charged.
        self.bare = benchmark.backbone.build(benchmark.n_objectives, seed)
        self.backbone = MeteredBackbone(self.bare, self.meter)
        self.snapshots = self.bare.snapshots
        self.parameters = self.bare.parameters()
        recipe = benchmark.recipe
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=recipe.learning_rate, betas=recipe.betas, weight_decay=recipe.weight_decay
        )
        self.weighting_state: State = method.weighting.init(benchmark.n_objectives)
        self.step = 0
        self.seconds = 0.0

    def advance(self) -> Step:
        """Do one training step and return what it did.

        Raises:
            RewardError: If a reward fails.
            DivergedError: If the gradient is not finite; the weights are those before the step.
        """
        started = time.perf_counter()
        recipe = self.benchmark.recipe
        prompt_ids = draw_prompts(len(self.benchmark.prompts), recipe.prompts_per_step, self.seed, self.step)
        draws = KeyedDraws(self.seed, prompt_ids, self.step)
        batch = collect(self.benchmark, self.method, self.backbone, draws, prompt_ids, self.meter)
        points = self.method.objective.points(batch, draws)
        done = self._update(batch, points)
        self.step += 1
        schedule = self.method.snapshots
        self.snapshots.blend("old", schedule.old(self.step))
        self.snapshots.blend("evaluation", schedule.evaluation(self.step))
        self.seconds += time.perf_counter() - started
        return done

    def _update(self, batch: Batch, points: Points) -> Step:
        method, recipe = self.method, self.benchmark.recipe
        weights = method.weighting.weights(batch, self.weighting_state)
        rows = None if weights is None else weights.expand(batch.rewards.shape)
        advantages = method.advantages(batch.rewards, batch.groups, rows)
        shares = sample_shares(batch.rewards, mixed=method.advantages.mixes)
        measure = recipe.diagnostics_every > 0 and self.step % recipe.diagnostics_every == 0
        self.optimizer.zero_grad()
        losses, gradients = self._accumulate(points, advantages, shares, rows, measure=measure or weights is None)
        matrix = None if gradients is None else gramian(gradients)
        if weights is None:
            assert gradients is not None
            assert matrix is not None
            weights, self.weighting_state = method.weighting.solve(matrix, self.weighting_state)
            assign_gradient(weights.to(gradients) @ gradients, self.parameters)
        applied = weights if weights.ndim == 1 else weights.mean(0)
        scalars = self._scalars(batch, losses, gradients)
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, recipe.clip_norm))
        if not math.isfinite(norm):
            raise DivergedError(
                f"benchmark {self.benchmark.name}: expected a finite gradient, found norm {norm} "
                f"at step {self.step + 1}; a smaller learning rate, a larger group or an anchor may help"
            )
        self.optimizer.step()
        return Step(applied, matrix, {**scalars, "gradient_norm": norm})

    def _accumulate(
        self, points: Points, advantages: Tensor, shares: Tensor, weights: Tensor | None, *, measure: bool
    ) -> tuple[Tensor, Tensor | None]:
        # Fills .grad with the weighted losses (where there are weights) and the anchor; returns the K losses and, if
        # measured, the K gradients. Rollouts give equally many points, so a point's share is its rollout's over that.
        method = self.method
        point_shares = shares[points.rollout] * (len(advantages) / len(points))
        point_weights = torch.zeros_like(point_shares) if weights is None else weights[points.rollout] * point_shares
        point_advantages = advantages[points.rollout]
        losses, gradients = point_shares.new_zeros(shares.shape[1]), None
        for rows in self._micro_batches(len(points)):
            part = points if rows is None else points.rows(rows)
            own, wanted, given = (
                (point_shares, point_weights, point_advantages)
                if rows is None
                else (point_shares[rows], point_weights[rows], point_advantages[rows])
            )
            terms = method.objective.terms(self.backbone, part, given, anchored=method.anchor > 0)
            if measure:
                found = objective_gradients(terms, own, self.parameters)
                gradients = found if gradients is None else gradients + found
            weighted_loss(terms, wanted, method.anchor, len(points)).backward()  # type: ignore[no-untyped-call]
            with torch.no_grad():
                losses += objective_losses(terms, own)
        return losses, gradients

    def _micro_batches(self, n_points: int) -> Iterator[Tensor | None]:
        # None stands for all points at once, which need not be copied.
        size = self.benchmark.recipe.micro_batch or n_points
        if size >= n_points:
            yield None
            return
        for first in range(0, n_points, size):
            yield torch.arange(first, min(first + size, n_points))

    def _scalars(self, batch: Batch, losses: Tensor, gradients: Tensor | None) -> dict[str, float]:
        names = [reward.name for reward in self.benchmark.rewards]
        applies = batch.rewards.isfinite()
        counts = applies.sum(0).tolist()
        signs = orientation(self.benchmark.rewards).to(batch.rewards)
        sums = (torch.where(applies, batch.rewards, 0.0).sum(0) * signs).tolist()
        scalars: dict[str, float] = {}
        for name, loss, count, total in zip(names, losses.tolist(), counts, sums, strict=True):
            scalars[f"reward_{name}"] = total / count if count else math.nan
            scalars[f"samples_{name}"] = count
            scalars[f"loss_{name}"] = loss
        if gradients is not None:
            update = torch.cat(
                [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in self.parameters]
            )
            for name, cosine in zip(names, cosines(update, gradients).tolist(), strict=True):
                scalars[f"cosine_{name}"] = cosine
        return scalars

    def state(self) -> dict[str, Tensor]:
        """Return every tensor from which training can go on exactly."""
        tensors = dict(self.snapshots.state())
        for i, parameter in enumerate(self.parameters):
            for name, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{i}.{name}"] = value
        return tensors | {f"weighting.{name}": value for name, value in self.weighting_state.items()}

    def load(self, tensors: Mapping[str, Tensor], step: int, seconds: float, meter: Mapping[str, Any]) -> None:
        """Go back to a state that `state` returned after `step` steps."""
        self.snapshots.load(tensors)
        for i, parameter in enumerate(self.parameters):
            prefix = f"optimizer.{i}."
            found = {k.removeprefix(prefix): v.clone() for k, v in tensors.items() if k.startswith(prefix)}
            if found:
                self.optimizer.state[parameter] = found
        prefix = "weighting."
        self.weighting_state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        self.step, self.seconds = step, seconds
        self.meter.velocity_evaluations = meter["velocity_evaluations"]
        self.meter.reward_calls = meter["reward_calls"]
