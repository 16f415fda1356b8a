"""What a claim is: a sentence of a paper, what tests it, and the rule that turns the outcome into a verdict."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from analysis.statistics import Interval

if TYPE_CHECKING:
    from analysis.claims.evidence import Evidence

SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"
NOT_RUN, NOT_TESTABLE = "not run", "not testable"
VERDICTS = (SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE, NOT_RUN, NOT_TESTABLE)
OUT = Path("results") / "claims"
"""Where experiments go that no other folder of records has."""


@dataclass(frozen=True)
class Experiment:
    """Runs that `flowfront run` makes.

    Attributes:
        suite: Name of the suite.
        benchmark: Name of its benchmark.
        methods: Names of methods.
        seeds: Seeds.
        changes: The texts of `--set`.
        folder: Folder of the records below a folder of results, empty for that folder itself.
    """

    suite: str
    benchmark: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    changes: tuple[str, ...] = ()
    folder: str = ""

    def command(self, out: Path = OUT) -> str:
        """Return the command that makes the runs.

        Args:
            out: Folder of results that `folder` lies in.

        Example:
            >>> Experiment("toy", "scales", ("gdpo",), (0, 1), ("gdpo.anchor=0.5",), "strong-anchor").command()
            'flowfront run toy --benchmark scales --method gdpo --seeds 2 --set gdpo.anchor=0.5 --out \
results/claims/strong-anchor'
        """
        words = ["flowfront", "run", self.suite, "--benchmark", self.benchmark]
        words += [word for method in self.methods for word in ("--method", method)]
        words += ["--seeds", seeds_text(self.seeds)]
        words += [word for change in self.changes for word in ("--set", change)]
        return shlex.join([*words, "--out", (out / self.folder).as_posix()])


def seeds_text(seeds: Sequence[int]) -> str:
    """Return seeds as the command line takes them.

    Example:
        >>> seeds_text((0, 1, 2)), seeds_text((3, 4)), seeds_text((3,))
        ('3', '3,4', '3,')
    """
    if tuple(seeds) == tuple(range(len(seeds))):
        return str(len(seeds))
    return ",".join(map(str, seeds)) + "," * (len(seeds) == 1)


@dataclass(frozen=True)
class Arm:
    """One method of an experiment; `name` is what a reader calls it, the method's name if empty."""

    experiment: Experiment
    method: str
    name: str = ""

    @property
    def label(self) -> str:
        """The name for readers."""
        return self.name or self.method


@dataclass(frozen=True)
class MeasuredFile:
    """A file of numbers that is no run: its path below a folder of results, and the command that makes it."""

    path: str
    command: str


@dataclass(frozen=True)
class Effect:
    """What was found for one comparison.

    Attributes:
        name: What was compared.
        mean: Its mean.
        low: Lower end of its interval, None where there is none.
        high: Upper end.
        seeds: The seeds behind it; none for what was computed exactly or timed.
        cost: What the compared trainings had spent, or how the number was made.
        spread: What low and high are.
    """

    name: str
    mean: float
    low: float | None
    high: float | None
    seeds: tuple[int, ...]
    cost: str
    spread: str = "95 % t interval over seeds"

    @property
    def text(self) -> str:
        """Mean and interval.

        Example:
            >>> Effect("a minus b", 0.01234, 0.001, 0.0237, (0, 1), "").text
            '0.0123 [0.001, 0.0237]'
        """
        if self.low is None or self.high is None:
            return f"{self.mean:.3g}"
        if self.low == self.high:
            return f"{self.mean:.4g}"
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"


def effect_of(name: str, found: Interval, cost: str) -> Effect:
    """Return an effect whose interval is over seeds."""
    return Effect(name, found.mean, found.low, found.high, tuple(found.values), cost)


@dataclass(frozen=True)
class Decision:
    """A verdict, and what it hangs on."""

    verdict: str
    reason: str


class Statistic(Protocol):
    """From the records of some arms, and of files besides, to the effects that a rule judges."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The runs it needs."""
        ...

    @property
    def files(self) -> tuple[MeasuredFile, ...]:
        """The other files it needs."""
        ...

    def __call__(self, evidence: "Evidence") -> tuple[Effect, ...]:
        """Return one effect a comparison.

        Raises:
            UsageError: If the records lack what it needs.
        """
        ...


class Rule(Protocol):
    """From effects to a verdict, by nothing else."""

    @property
    def text(self) -> str:
        """The rule in words."""
        ...

    def __call__(self, effects: Sequence[Effect]) -> Decision:
        """Return the verdict on effects, at least one."""
        ...


@dataclass(frozen=True)
class Claim:
    """A claim of a paper that can be tested, or the reason why it cannot be.

    Attributes:
        key: Its name on the command line.
        paper: Short name of the paper, a key of `analysis.papers.tables.PAPERS`.
        source: Table, figure or section, as `analysis.papers` names it.
        statement: What is claimed.
        number: Rows and metrics of that table; empty where the paper gives no number.
        statistic: What is computed, None where nothing here can test it.
        rule: How it is judged.
        at_real_scale: Whether its experiments need a real checkpoint and a GPU; they are named and not run here.
        reason: Why nothing here can test it.
        remark: What a reader must know of the miniature.
    """

    key: str
    paper: str
    source: str
    statement: str
    number: tuple[tuple[str, str], ...] = ()
    statistic: Statistic | None = None
    rule: Rule | None = None
    at_real_scale: bool = False
    reason: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        """Check that it can be tested, or says why not.

        Raises:
            ValueError: If statistic and rule do not come together, or neither these nor a reason is there.
        """
        if (self.statistic is None) != (self.rule is None) or (self.statistic is None) != bool(self.reason):
            raise ValueError(f"claim {self.key}: expected statistic and rule, or else a reason")

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The runs behind it, each once."""
        return () if self.statistic is None else tuple(dict.fromkeys(self.statistic.arms))

    @property
    def files(self) -> tuple[MeasuredFile, ...]:
        """The other files behind it."""
        return () if self.statistic is None else self.statistic.files

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """The experiments behind it, each with the methods that are needed."""
        return experiments_of(self.arms)

    @property
    def scale(self) -> str:
        """Miniature or real, and of which suites."""
        suites = dict.fromkeys(arm.experiment.suite for arm in self.arms)
        words = [*suites, *(one.path.split("/")[0].removesuffix(".json") for one in self.files)]
        return f"{'real' if self.at_real_scale else 'miniature'} ({', '.join(dict.fromkeys(words))})"


def experiments_of(arms: Sequence[Arm]) -> tuple[Experiment, ...]:
    """Return the experiments of arms, each with just their methods.

    Example:
        >>> both = Experiment("toy", "scales", ("gdpo", "marble"), (0,))
        >>> [one.methods for one in experiments_of([Arm(both, "marble")])]
        [('marble',)]
    """
    methods: dict[Experiment, list[str]] = {}
    for arm in arms:
        named = methods.setdefault(arm.experiment, [])
        if arm.method not in named:
            named.append(arm.method)
    return tuple(replace(experiment, methods=tuple(named)) for experiment, named in methods.items())
