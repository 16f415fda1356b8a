"""The toy suite: benchmarks whose Pareto front is known, in seconds on a CPU.

Reference points follow one rule and are frozen here: 1.1 times the worse of the base model's exact mean reward and the
true front's worst value, rounded away from zero to one decimal (in units of the reward's scale).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.base import Benchmark, Budget, Evaluation, Recipe, Suite
from benchmarks.rewards.log_density import BaseLogDensity
from benchmarks.tasks.toy import ToyTask, plane_task, specialist_task
from methods.aggregated import Aggregated
from methods.base import Method
from methods.crd import CenteredRewardDistillation
from methods.fixed_weights import FixedWeights
from methods.gdpo import GDPOMethod
from methods.grpo import FlowGRPO
from methods.marble import Marble
from methods.nft_single import NFTSingle
from methods.objectives.crd import CRD
from methods.objectives.grpo import GRPO
from methods.pareto_slider import ParetoSlider
from methods.preferences import lattice
from methods.rewarded_soup import RewardedSoup
from methods.sequential import Sequential
from methods.smooth_tchebycheff import SmoothTchebycheff
from methods.snapshots import SnapshotSchedule, WarmupAverage
from methods.weighted_sum import WeightedSum
from methods.weighted_sum_raw import WeightedSumRaw


@dataclass(frozen=True)
class Truth:
    """The hypervolume of the true front under the frozen reference point, and its numerical error."""

    hypervolume: float
    error: float


def _benchmark(
    name: str,
    summary: str,
    task: ToyTask,
    reference_point: Sequence[float],
    truth: Truth,
    divisions: int,
    samples: int,
    recipe: Recipe,
    velocity_evaluations: int,
) -> Benchmark:
    ranges = [-worst for worst in reference_point]
    sweep = tuple(tuple(row) for row in lattice(len(task.rewards), divisions).tolist())
    return Benchmark(
        name=name,
        backbone=task.spec,
        prompts=task.spec.prompts,
        rewards=task.rewards,
        held_out=(BaseLogDensity(task.spec.prompts, task.spec.mixture()),),
        reference_point=tuple(reference_point),
        bounds=tuple((worst, 0.0) for worst in reference_point),
        budget=Budget(velocity_evaluations),
        recipe=recipe,
        evaluation=Evaluation(preferences=sweep, samples=samples),
        summary=summary,
        true_front=task.front(ranges),
        tilted_optimum=task.tilted_optimum,
        true_hypervolume=truth.hypervolume,
        true_hypervolume_error=truth.error,
    )


RECIPE = Recipe(prompts_per_step=8, group_size=24, learning_rate=3e-3, diagnostics_every=25)

TWO_TARGETS = _benchmark(
    "two-targets",
    "K = 2 in the plane: the front is the segment between two targets",
    plane_task(("first", "second"), (1.0, 1.0)),
    (-6.2, -6.1),
    Truth(36.07038308715913, 0.0),
    divisions=10,
    samples=32,
    recipe=RECIPE,
    velocity_evaluations=1_500_000,
)
SCALES = _benchmark(
    "scales",
    "two-targets with the second reward times 100",
    plane_task(("first", "second"), (1.0, 100.0)),
    (-6.2, -610.0),
    Truth(3607.038308715913, 0.0),
    divisions=10,
    samples=32,
    recipe=RECIPE,
    velocity_evaluations=1_500_000,
)
THREE_TARGETS = _benchmark(
    "three-targets",
    "K = 3 in the plane: the front is the triangle of three targets",
    plane_task(("first", "second", "third"), (1.0, 1.0, 1.0)),
    (-6.5, -6.4, -6.4),
    Truth(237.314, 0.014),
    divisions=10,
    samples=16,
    recipe=replace(RECIPE, evaluate_at=(1 / 7,)),
    velocity_evaluations=1_800_000,
)
SPECIALISTS = _benchmark(
    "specialists",
    "K = 5 in 8 dimensions: most prompts carry one or two of the rewards",
    specialist_task(("first", "second", "third", "fourth", "fifth")),
    (-8.7, -8.9, -8.5, -8.7, -9.3),
    Truth(50516.0, 46.0),
    divisions=4,
    samples=16,
    recipe=replace(RECIPE, prompts_per_step=12, evaluate_at=(1 / 6,)),
    velocity_evaluations=2_400_000,
)

_AVERAGE = WarmupAverage(0.99)
_CONDITIONS: dict[str, Any] = {"anchor": 1e-3, "snapshots": SnapshotSchedule(evaluation=_AVERAGE)}
"""What differs from the papers' defaults, for all methods alike. Without this anchor groups lose all spread before
they have arrived, and the normalized advantage then amplifies noise; the longer average suits such short runs."""


def _decoupled(method: Method) -> Method:
    # CRD and GRPO have snapshots of their own, of which only the average for evaluation is made that of the others.
    return replace(method, snapshots=replace(method.snapshots, evaluation=_AVERAGE))


TOY = Suite(
    name="toy",
    benchmarks=(TWO_TARGETS, THREE_TARGETS, SCALES, SPECIALISTS),
    methods={
        "pareto_slider": replace(ParetoSlider(), **_CONDITIONS),
        "fixed_weights": replace(FixedWeights(), **_CONDITIONS),
        "smooth_tchebycheff": replace(SmoothTchebycheff(), **_CONDITIONS),
        "weighted_sum_raw": replace(WeightedSumRaw(), **_CONDITIONS),
        "rewarded_soup": replace(RewardedSoup(), **_CONDITIONS),
        "marble": replace(Marble(), **_CONDITIONS),
        "aggregated": replace(Aggregated(), **_CONDITIONS),
        "gdpo": replace(GDPOMethod(), **_CONDITIONS),
        "weighted_sum": replace(WeightedSum(), **_CONDITIONS),
        "sequential": replace(Sequential(), **_CONDITIONS),
        "nft_single": replace(NFTSingle(), **_CONDITIONS),
        "crd": _decoupled(replace(CenteredRewardDistillation(), objective=CRD(beta=0.1, guidance=1.0), anchor=1e-3)),
        "grpo": _decoupled(replace(FlowGRPO(), objective=GRPO(clip_range=0.2), anchor=1e-2)),
    },
    conditions=_CONDITIONS,
)
