"""A report in plain words: what it says, to be read before any table.

Every number and every tie is that of the tables; nothing is said that the records do not support.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.hacking import verdicts_of
from analysis.report.advice import advice, cautions
from analysis.report.benchmark_words import control, cost, others, price, setting, ties, winner
from analysis.report.notes import left_out_line
from analysis.report.phrases import counted, listed
from analysis.report.standing import Standing, standing_of
from analysis.summary import Summary

if TYPE_CHECKING:
    from analysis.report.depth_page import Depth

HEADING = "In short"
MOST = 6
"""How many tied methods the first block names."""
FEW_SEEDS = 6
"""Below so many seeds not even equal signs in all of them would be significant at 5 %."""
READING = (
    "A method is judged by its front: the mean rewards it reaches at every preference (how much each reward should "
    "count) that it can be asked for. Hypervolume is the room between the front and a fixed worst point, the reference "
    "point; more is better. A velocity evaluation is one sample passed once through the network. Changes are in the "
    "reward's own unit; what lies within their 95 % t intervals over seeds is called noise of seeds."
)
TIED = "Not separable, or tied, means that these seeds cannot tell two methods apart, not that they are equal."
FOLDED = (cost, price, others, control, cautions)


@dataclass(frozen=True)
class Words:
    """A part of a report in words.

    Attributes:
        heading: What it is about.
        told: The sentences that everybody should read.
        advice: What to take for which need, one line each.
        folded: What a reader may ask next.
        fold: What the folded sentences are called.
    """

    heading: str
    told: tuple[str, ...]
    advice: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    fold: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.told, *self.folded, *self.advice)


def words_of(summary: Summary, depth: "Depth | None" = None) -> tuple[Words, ...]:
    """Return a report in plain words: the suite as a whole, then each benchmark.

    Args:
        summary: The suite.
        depth: What is already known of the fronts besides their volume. Without it flagged points are found out, and
            nothing is said of other reference points.
    """
    standings = [
        standing_of(
            part,
            verdicts_of(part) if depth is None else depth.verdicts.get(part.record.name, ()),
            summary.unfinished,
            None if depth is None else depth.sensitivities.get(part.record.name),
        )
        for part in summary.benchmarks
    ]
    known = (READING, TIED)[: min(len(summary.methods), 2)]
    first = Words(HEADING, tuple(_suite(summary, standings)), folded=known, fold="What the words mean")
    return (first, *map(_benchmark, standings))


def _benchmark(standing: Standing) -> Words:
    name, ranked = standing.part.record.name, bool(standing.rows)
    folded = FOLDED if ranked else (others, cautions)
    return Words(
        name,
        (*setting(standing), *winner(standing), *(ties(standing) if ranked else ())),
        tuple(advice(standing)) if ranked else (),
        tuple(sentence for tell in folded for sentence in tell(standing)),
        f"More on {name}",
    )


def _suite(summary: Summary, standings: Sequence[Standing]) -> Iterator[str]:
    """Yield what there is, who is ahead how often, and how to read the rest."""
    methods, seeds = summary.methods, sorted({run.record.seed for run in summary.runs})
    named = f"seed{'s' * (len(seeds) > 1)} {listed([str(seed) for seed in seeds])}"
    yield (
        f"Suite {summary.suite}: {counted(len(summary.runs), 'finished run')} of {counted(len(methods), 'method')} on "
        f"{counted(len(standings), 'benchmark')}, with {named}."
    )
    if summary.unfinished:
        yield f"{left_out_line(summary.unfinished)}."
    decided = [standing for standing in standings if standing.decided and _wins(standing)]
    if decided:
        yield from _ranking(decided, len(standings))
    elif len(methods) > 1:
        yield "No benchmark has two methods on two shared seeds, so nothing here is a finding about which is better."
    if decided:
        few = f"With {len(seeds)} seeds only large differences show. " if len(seeds) < FEW_SEEDS else ""
        these = "this benchmark" if len(standings) == 1 else "these benchmarks"
        yield f"{few}What is said here holds for {these} and these budgets, and for no others."


def _wins(standing: Standing) -> bool:
    return standing.best is not None and standing.best.quantities["hypervolume"].mean > 0.0


def _ranking(decided: Sequence[Standing], total: int) -> Iterator[str]:
    """Yield how often each method is best or tied, over the benchmarks where methods can be told apart."""
    if total == 1:
        yield from _only(decided[0])
        return
    firsts = [(one.best.method, not one.tied and not one.undecided) for one in decided if one.best is not None]
    for name, number in _counts([[name] for name, _ in firsts]).items():
        alone = firsts.count((name, True))
        how = f": alone in {alone}, tied with others in {number - alone}"
        how = {0: ", tied with others", number: ", alone"}.get(alone, how)
        every = "both benchmarks" if total == 2 else f"all {total} benchmarks"
        where = every if number == total else f"{number} of {total} benchmarks"
        yield f"{name} has the best front in {where}{how}."
    ties = _counts([[row.method for row in standing.tied] for standing in decided])
    if ties:
        # The first one has the noun, for all of them.
        texts = [
            f"{name} in {number if i else counted(number, 'benchmark')}"
            for i, (name, number) in enumerate(ties.items())
        ]
        yield f"Tied with the best: {listed(texts, most=MOST)}."
    if len(decided) < total:
        yield f"In {counted(total - len(decided), 'benchmark')} the records cannot tell methods apart."


def _only(standing: Standing) -> Iterator[str]:
    """Yield the best method of the only benchmark, and which are tied with it."""
    if standing.best is None:
        return
    ties = f", tied with {listed([row.method for row in standing.tied], most=MOST)}" if standing.tied else ""
    ahead = "" if standing.tied or standing.undecided else ", ahead of every other method"
    yield f"{standing.best.method} has the best front{ties}{ahead}."


def _counts(groups: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """Return how many groups hold each name, the most frequent first, else by name."""
    names = sorted({name for group in groups for name in group})
    counts = {name: sum(name in group for group in groups) for name in names}
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))
