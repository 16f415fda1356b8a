"""The experiments that claims share, and how their variants are named.

Toy experiments have five seeds. Those in the folders `specialists-five-seeds` and `full-budget-per-model`, and those
without a folder, may be among the project's own results already; what is missing there is run elsewhere.
"""

import json

from analysis.claims.base import Arm, Experiment

FIVE, THREE = (0, 1, 2, 3, 4), (0, 1, 2)
SIXTEENTHS = json.dumps([k / 16 for k in range(1, 16)])


def toy(benchmark: str, method: str, *changes: str, folder: str = "", name: str = "") -> Arm:
    """Return an arm of the toy suite with five seeds."""
    return Arm(Experiment("toy", benchmark, (method,), FIVE, changes, folder), method, name)


def specialists(method: str) -> Arm:
    """Return a method on the five specialist rewards."""
    return toy("specialists", method, folder="specialists-five-seeds")


def variant(base: Arm, name: str, *changes: str) -> Arm:
    """Return a method with some of its fields changed, in a folder of its own named after method and variant.

    Example:
        >>> arm = variant(specialists("marble"), "N = 5", "marble.weighting.every=5")
        >>> arm.experiment.folder, arm.label
        ('marble-n-5', 'marble (N = 5)')
    """
    one = base.experiment
    words = "".join(c if c.isalnum() or c == "." else " " for c in f"{base.method} {name}".replace("_", " ")).lower()
    folder = "-".join(words.replace(".", "p").split())
    changed = Experiment(one.suite, one.benchmark, (base.method,), one.seeds, (*one.changes, *changes), folder)
    return Arm(changed, base.method, f"{base.label} ({name})")


def full_budget(benchmark: str) -> Arm:
    """Return models of fixed weights, each with the budget of a whole front."""
    change = "fixed_weights.budget_per_model=1.0"
    name = "fixed_weights, full budget a model"
    return toy(benchmark, "fixed_weights", change, folder="full-budget-per-model", name=name)


def curves(method: str) -> Arm:
    """Return a method on two targets, evaluated sixteen times on its way."""
    return toy("two-targets", method, f"recipe.evaluate_at={SIXTEENTHS}", folder="curves")


def images(benchmark: str, method: str) -> Arm:
    """Return a method of the image suite, three seeds."""
    return Arm(Experiment("shapes", benchmark, (method,), THREE), method)


def ring(method: str) -> Arm:
    """Return a training of the sampler study."""
    return Arm(Experiment("sampler-study", "ring", (method,), FIVE), method)


def real(suite: str, benchmark: str, method: str) -> Arm:
    """Return a method on a real checkpoint, three seeds."""
    return Arm(Experiment(suite, benchmark, (method,), THREE), method)


def part(reference: str, **fields: object) -> str:
    """Return a part of a method as `--set` takes it.

    Example:
        >>> part("methods.snapshots:OnPolicy")
        '{"class": "methods.snapshots:OnPolicy", "fields": {}}'
    """
    return json.dumps({"class": reference, "fields": fields})


def ring_with_steps(method: str, steps: int) -> Arm:
    """Return a training of the sampler study with other rollouts and as many updates.

    A step costs the rollout and two passes at each of its steps but the last, for each of 128 rollouts.
    """
    per_step, usual = steps + 2 * (steps - 1), 28
    budget = 1_150_000 * per_step // usual
    changes = (f"recipe.rollout_steps={steps}", f"budget.velocity_evaluations={budget}")
    return variant(ring(method), f"{steps} rollout steps", *changes)
