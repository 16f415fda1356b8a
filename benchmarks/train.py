"""The only training loop; it knows no method by name."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from benchmarks.base import Benchmark
from benchmarks.collect import KeptRollout, Meter, MeteredBackbone, collect, device_of, draw_prompts
from benchmarks.compilation import compile_blocks, interpreted
from benchmarks.distributed import ALONE, Processes
from benchmarks.draws import KeyedDraws
from benchmarks.records import UsageError
from benchmarks.scoring import orientation
from benchmarks.stopwatch import Stopwatch
from benchmarks.update import Accumulated, accumulate, gramian_of, losses_of, parts_of
from methods.base import Batch, Method, Points, State, Step
from methods.gradients import ObjectiveGradients, assign_gradient, cosines


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


def _joined(updates: Sequence[Step], scalars: Mapping[str, float]) -> Step:
    # The step's record: means over its updates; gradients are measured in the first one only. Of what the weighting
    # reports, vectors are the last ones; numbers are counts, flags and errors, of which the largest tells of all.
    names = dict.fromkeys(name for update in updates for name in update.scalars)
    means = {name: fmean(u.scalars[name] for u in updates if name in u.scalars) for name in names}
    weights = torch.stack([update.weights for update in updates]).mean(0)
    last = updates[-1].by_objective
    largest = {
        name: max(float(u.by_objective[name]) for u in updates) for name, value in last.items() if not value.ndim
    }
    vectors = {name: value for name, value in last.items() if value.ndim}
    return Step(weights, updates[0].gramians, {**scalars, **means, **largest}, vectors)


class Learner:
    """One model in training: weights, optimizer, the weighting's state, the number of steps done, what they cost."""

    def __init__(
        self, benchmark: Benchmark, method: Method, seed: int, *, compiled: bool = False, processes: Processes = ALONE
    ) -> None:
        """Build the model at its initial weights, and compile its network on request."""
        self.benchmark, self.method, self.seed, self._compiled = benchmark, method, seed, compiled
        self.processes = processes
        self.meter = Meter(processes=processes.size)
        # Evaluations and probes use the bare one: training alone is charged.
        self.bare = benchmark.backbone.build(benchmark.n_objectives, seed)
        self.backbone = MeteredBackbone(self.bare, self.meter)
        if compiled:
            compile_blocks(self.bare.network)
        self.snapshots = self.bare.snapshots
        self.parameters = self.bare.parameters()
        self.device = device_of(self.bare)
        self.stopwatch = Stopwatch(self.device.type)
        recipe = benchmark.recipe
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=recipe.learning_rate, betas=recipe.betas, weight_decay=recipe.weight_decay
        )
        planned = max(1, steps_paid(benchmark, method, method.budget_share)) * method.updates
        self.weighting_state: State = method.weighting.init(benchmark.n_objectives, planned)
        self.gradients = ObjectiveGradients(self.bare.network)
        self.step = 0
        self.updates = 0
        """Optimizer steps done, of which a training step may take several."""
        self.seconds = 0.0
        self.timings: dict[str, float] = {}
        """Seconds of the last step by stage."""
        self.kept = KeptRollout()
        self.whole = True
        """Whether the state is that between two steps, also where one was begun and failed."""

    def advance(self) -> Step:
        """Do one training step and return what it did.

        Raises:
            RewardError: If a reward fails; nothing has changed, and the rollouts are kept for the next attempt.
            DivergedError: If the gradient is not finite; the weights are those before the update.
        """
        started, before = time.perf_counter(), dict(self.stopwatch.seconds)
        recipe, method, processes = self.benchmark.recipe, self.method, self.processes
        drawn = draw_prompts(len(self.benchmark.prompts), recipe.prompts_per_step, self.seed, self.step)
        prompt_ids = [drawn[i] for i in processes.share(len(drawn))]
        draws = KeyedDraws(self.seed, prompt_ids, self.step, self.device)
        batch = self._collect(draws, prompt_ids)
        whole = self._gathered(batch)
        self.whole = False
        with self.stopwatch.stage("points"):
            points = method.objective.points(batch, draws)
        measure = recipe.diagnostics_every > 0 and self.step % recipe.diagnostics_every == 0
        done = [
            self._update(batch, whole, points, part, measure=measure and part == 0) for part in range(method.updates)
        ]
        self.step += 1
        self.snapshots.blend("old", method.snapshots.old(self.updates))
        if method.snapshots.sampling is not None:
            self.snapshots.blend("sampling", method.snapshots.sampling(self.updates))
        self.seconds += time.perf_counter() - started
        self.whole = True
        self.timings = {name: total - before.get(name, 0.0) for name, total in self.stopwatch.seconds.items()}
        return _joined(done, self._reward_scalars(whole))

    def _collect(self, draws: KeyedDraws, prompt_ids: Sequence[int]) -> Batch:
        started = time.perf_counter()
        spent = (self.meter.velocity_evaluations, self.meter.reward_calls)
        # Only the first of several processes saves, and it has no other's rollouts.
        kept = self.kept if self.processes.size == 1 else None
        try:
            with self.processes.together():
                batch = collect(
                    self.benchmark, self.method, self.backbone, draws, prompt_ids, self.meter, self.stopwatch, kept
                )
        except UsageError:
            self.seconds += time.perf_counter() - started
            self.meter.reward_calls = spent[1]
            if self.kept.rollout is None:
                self.meter.velocity_evaluations = spent[0]
            raise
        self.kept.rollout = None
        return batch

    def _gathered(self, batch: Batch) -> Batch:
        # What losses are weighed by, of all processes and on the CPU; its rollout and condition are this process's.
        rewards = self.processes.gather(batch.rewards)
        preferences = None if batch.preferences is None else self.processes.gather(batch.preferences)
        groups = torch.arange(len(rewards)) // (self.benchmark.recipe.group_size // self.method.slots)
        bounds = None if batch.bounds is None else batch.bounds.cpu()
        return replace(batch, rewards=rewards, preferences=preferences, groups=groups, bounds=bounds)

    def _rows(self, n_rollouts: int, part: int) -> Tensor | None:
        # Whole prompts stay together: their groups are what advantages and centered losses compare.
        updates = self.method.updates
        prompts = torch.arange(n_rollouts) // self.benchmark.recipe.group_size
        return None if updates == 1 else torch.nonzero(prompts % updates == part)[:, 0]

    def _update(self, batch: Batch, whole: Batch, points: Points, part: int, *, measure: bool) -> Step:
        method, weighting = self.method, self.method.weighting
        n_all, n = len(whole.rewards), len(batch.rewards)
        losses = losses_of(method, whole, self.weighting_state, self._rows(n_all, part), measure=measure)
        mine = losses.part(slice(self.processes.rank * n, (self.processes.rank + 1) * n), self.device)
        rows = self._rows(n, part)
        if rows is not None:
            points = points.rows(torch.nonzero(torch.isin(points.rollout, rows.to(self.device)))[:, 0])
        self.optimizer.zero_grad()
        # What is in compiled code cannot be watched.
        with self.stopwatch.stage("losses"), interpreted(self._compiled and (measure or losses.weights is None)):
            found = accumulate(
                self.backbone, self.gradients, method, batch, points, mine, self.benchmark.recipe.micro_batch,
                self.processes, measure=measure,
            )  # fmt: skip
        solved = None
        if losses.weights is None:
            with self.stopwatch.stage("solve"):
                solved = self._solve(found)
        weights = losses.weights.double().mean(0) if losses.weights is not None else solved
        assert weights is not None
        gramians = {} if not measure or found.products is None else parts_of(found.products, solved)
        with self.stopwatch.stage("descend"):
            norm = self._descend()
        self.weighting_state = weighting.after(self.weighting_state, found.metrics)
        scalars = self._scalars(found, gramians) | {"gradient_norm": norm}
        return Step(weights, gramians, scalars, weighting.report(self.weighting_state))

    def _solve(self, found: Accumulated) -> Tensor:
        assert found.products is not None
        matrix = gramian_of(found.products)
        if not bool(matrix.isfinite().all()):
            raise self._diverged("gradients of all rewards", "others")
        weights, self.weighting_state = self.method.weighting.solve(matrix, self.weighting_state)
        gradients = self.gradients.flat()
        assign_gradient(weights.to(gradients) @ gradients, self.parameters, self.gradients.used())
        return weights

    def _descend(self) -> float:
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.benchmark.recipe.clip_norm))
        if not math.isfinite(norm):
            raise self._diverged("gradient", f"norm {norm}")
        self.optimizer.step()
        self.updates += 1
        self.snapshots.blend("evaluation", self.method.snapshots.evaluation(self.updates))
        return norm

    def _diverged(self, what: str, found: str) -> DivergedError:
        return DivergedError(
            f"benchmark {self.benchmark.name}: expected a finite {what}, found {found} "
            f"at step {self.step + 1}; a smaller learning rate, a larger group or an anchor may help"
        )

    def _scalars(self, found: Accumulated, gramians: Mapping[str, Tensor]) -> dict[str, float]:
        names = [reward.name for reward in self.benchmark.rewards]
        scalars = {f"loss_{name}": loss for name, loss in zip(names, found.losses.tolist(), strict=True)}
        if gramians:
            values = cosines(gramians["all"]).tolist()
            scalars |= {f"cosine_{name}": value for name, value in zip(names, values, strict=True)}
        return scalars | found.metrics

    def _reward_scalars(self, batch: Batch) -> dict[str, float]:
        names = [reward.name for reward in self.benchmark.rewards]
        applies = batch.rewards.isfinite()
        counts = applies.sum(0).tolist()
        signs = orientation(self.benchmark.rewards).to(batch.rewards)
        sums = (torch.where(applies, batch.rewards, 0.0).sum(0) * signs).tolist()
        scalars: dict[str, float] = {}
        for name, count, total in zip(names, counts, sums, strict=True):
            scalars[f"reward_{name}"] = total / count if count else math.nan
            scalars[f"samples_{name}"] = count
        return scalars

    def state(self) -> dict[str, Tensor]:
        """Return every tensor from which training can go on exactly."""
        tensors = dict(self.snapshots.state())
        for i, parameter in enumerate(self.parameters):
            for name, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{i}.{name}"] = value
        tensors |= {f"weighting.{name}": value for name, value in self.weighting_state.items()}
        return tensors | {f"rollout.{name}": value for name, value in self.kept.state().items()}

    def load(self, tensors: Mapping[str, Tensor], step: int, seconds: float, meter: Mapping[str, Any]) -> None:
        """Go back to a state that `state` returned after `step` steps."""
        self.snapshots.load(tensors)
        for i, parameter in enumerate(self.parameters):
            prefix = f"optimizer.{i}."
            found = {k.removeprefix(prefix): v.clone() for k, v in tensors.items() if k.startswith(prefix)}
            if found:
                # The optimizer keeps its count of steps on the CPU.
                self.optimizer.state[parameter] = {k: v.to(self.device) if v.ndim else v for k, v in found.items()}
        prefix = "weighting."
        self.weighting_state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        self.step, self.updates, self.seconds = step, step * self.method.updates, seconds
        self.meter.velocity_evaluations = meter["velocity_evaluations"]
        self.meter.reward_calls = meter["reward_calls"]
        prefix = "rollout."
        rollout = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        self.kept.load(rollout, self.method, self.device)
        if self.kept.rollout is not None and self.processes.size > 1:
            # Each process makes its own share anew.
            kept, self.kept.rollout = self.kept.rollout, None
            self.meter.velocity_evaluations -= len(kept.clean) * (len(kept.sigmas) - 1)
