"""How the methods of a benchmark stand to each other and to the base model: what a text about it is written from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from analysis.hacking import MethodVerdict
from analysis.held_out import Watched, watched
from analysis.report.headline import tied_set_of
from analysis.report.phrases import measured
from analysis.sensitivity import Sensitivity
from analysis.single_model import BALANCED_GAIN
from analysis.statistics import Interval, paired_difference
from analysis.summary import BASE, BenchmarkSummary, Row
from analysis.ties import TiedSet
from benchmarks.records import StoredRun

VOLUME, COST = "hypervolume", "velocity_evaluations"
HIGHER, LOWER, UNKNOWN = "higher", "lower", ""


@dataclass(frozen=True)
class Changes:
    """What became of the rewards of one point, or of one front on average, against the base model.

    Attributes:
        gains: By reward, positive is better.
    """

    gains: Mapping[str, Interval]

    @property
    def known(self) -> bool:
        """Whether there is anything to say, with intervals."""
        return bool(self.gains) and all(gain.low is not None for gain in self.gains.values())

    @property
    def improved(self) -> list[str]:
        """The rewards whose interval lies above 0."""
        return [name for name, gain in self.gains.items() if gain.low is not None and gain.low > 0.0]

    @property
    def worsened(self) -> list[str]:
        """The rewards whose interval lies below 0."""
        return [name for name, gain in self.gains.items() if gain.high is not None and gain.high < 0.0]

    @property
    def unsure(self) -> list[str]:
        """The others."""
        return [name for name in self.gains if name not in (*self.improved, *self.worsened)]


@dataclass(frozen=True, eq=False)
class Standing:
    """A benchmark, ready to be told of.

    Attributes:
        part: The benchmark.
        found: The best method in hypervolume and what is not separable from it, None for fewer than two methods.
        verdicts: What is known of flagged points, by method; empty without held-out rewards.
        unfinished: The runs of this benchmark that are left out.
        sensitivity: How the ranking hangs on the reference point, None where that is not known.
    """

    part: BenchmarkSummary
    found: TiedSet | None
    verdicts: Mapping[str, MethodVerdict]
    unfinished: tuple[StoredRun, ...]
    sensitivity: Sensitivity | None = None

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The last checkpoint of each method, the largest hypervolume first."""
        rows = sorted(self.part.last_rows, key=lambda row: -row.quantities[VOLUME].mean)
        return {row.method: row for row in rows}

    @cached_property
    def best(self) -> Row | None:
        """The method that the tables mark as the best, or the only one; None without any."""
        if self.found is not None:
            return self.rows[self.found.best]
        return next(iter(self.rows.values()), None)

    @cached_property
    def tied(self) -> list[Row]:
        """The methods that are compared with the best one and not separable from it."""
        return [] if self.found is None else [self.rows[name] for name in self.rows if name in self._told]

    @property
    def _told(self) -> frozenset[str]:
        return frozenset() if self.found is None else self.found.tied - self.found.undecided

    @cached_property
    def undecided(self) -> list[Row]:
        """The methods that share fewer than two seeds with the best one."""
        return [] if self.found is None else [self.rows[name] for name in self.rows if name in self.found.undecided]

    @cached_property
    def behind(self) -> list[Row]:
        """The methods that cannot be the best."""
        return [] if self.found is None else [self.rows[name] for name in self.rows if name not in self._leading]

    @property
    def _leading(self) -> frozenset[str]:
        return frozenset() if self.found is None else self.found.tied | {self.found.best}

    @property
    def decided(self) -> bool:
        """Whether the best method can be told from any other, or could have been."""
        return bool(self.tied or self.behind)

    @cached_property
    def base(self) -> Row | None:
        """The base model, None where it was not measured."""
        return next((row for row in self.part.rows if row.method == BASE), None)

    def against_base(self, volumes: Mapping[int, float]) -> str:
        """Return `higher`, `lower` or `tie` for hypervolumes against the base model's, `` where nothing is known."""
        found = None if self.base is None else paired_difference(volumes, self.base.quantities[VOLUME].values)
        return UNKNOWN if found is None or found.difference.seeds < 2 else found.verdict

    def balanced(self, row: Row) -> Changes:
        """Return what became of the rewards at the balanced point of a method."""
        return self._changes(row, BALANCED_GAIN)

    def on_average(self, row: Row) -> Changes:
        """Return what became of the rewards on the average of a method's front."""
        return self._changes(row, "gain_")

    def _changes(self, row: Row, prefix: str) -> Changes:
        names = [reward.name for reward in self.part.yardstick.rewards]
        found = {name: row.quantities.get(prefix + name) for name in names}
        return Changes({name: gain for name, gain in found.items() if gain is not None})

    def lost(self, row: Row) -> Iterator[tuple[Watched, Interval]]:
        """Yield what was not trained on and worsened at the balanced point of a method, with its change."""
        for one in watched(self.part.record.held_out):
            if one.worsened(row.quantities):
                yield one, row.quantities[one.change]

    def is_watched(self, row: Row) -> bool:
        """Return whether anything that was not trained on has a change with an interval."""
        return any(one.worsened(row.quantities) is not None for one in watched(self.part.record.held_out))

    @cached_property
    def all_flagged(self) -> bool:
        """Whether every point of every method is flagged, so that flags tell nothing apart."""
        known = [verdict for verdict in self.verdicts.values() if not verdict.unknown]
        return bool(known) and all(len(verdict.flagged) == len(verdict.points) for verdict in known)


def standing_of(
    part: BenchmarkSummary,
    verdicts: Sequence[MethodVerdict],
    unfinished: Sequence[StoredRun],
    sensitivity: Sensitivity | None = None,
) -> Standing:
    """Return how the methods of a benchmark stand.

    Args:
        part: The benchmark.
        verdicts: On the points of its methods, as `analysis.hacking.verdicts_of` gives them.
        unfinished: All unfinished runs of the suite.
        sensitivity: How the ranking hangs on the reference point, where that is known.
    """
    own = tuple(run for run in unfinished if run.record.benchmark.name == part.record.name)
    by_method = {verdict.method: verdict for verdict in verdicts}
    return Standing(part, tied_set_of(part), by_method, own, sensitivity)


def volume_text(row: Row, *, named: bool = False) -> str:
    """Return the hypervolume of a method with its interval, which begins at 0 at the least.

    Args:
        row: What the method reached.
        named: Whether the interval is called one.
    """
    volume = row.quantities[VOLUME]
    low = None if volume.low is None else max(volume.low, 0.0)
    return ("" if row.exact else "about ") + measured(replace(volume, low=low), named=named)
