"""What the best methods of a benchmark give up, in plain sentences: rewards, and what nobody trained."""

from collections.abc import Iterator, Mapping, Sequence

from analysis.reading import grouped
from analysis.report.phrases import counted, listed, measured, scaled
from analysis.report.single_models import preference_text
from analysis.report.standing import Standing
from analysis.statistics import Interval
from analysis.summary import Row

FLAGGED = "flagged (what was asked for rose while a held-out reward fell)"
NO_VOLUME = "no hypervolume is left"


def price(standing: Standing) -> Iterator[str]:
    """Yield what the best method and those tied with it give up."""
    best = standing.best
    if best is None:
        return
    if standing.base is None:
        yield "The base model was not measured, so what training gave up is not known."
        return
    yield from _of_best(standing, best)
    yield from _average(standing, best)
    yield from _flags(standing, best)
    if standing.tied:
        yield from _of_tied(standing)


def _of_best(standing: Standing, row: Row) -> Iterator[str]:
    """Yield what became of all rewards at the balanced point."""
    changes, lost = standing.balanced(row), list(standing.lost(row))
    if not changes.known:
        return
    fate = _fate(changes.gains, changes.improved, changes.worsened)
    texts = [f"{one.name} {'falls' if c.mean < 0.0 else 'rises'} by {measured(_size(c))}" for one, c in lost]
    if texts:
        tail = f"; it pays with what it was not trained on: {listed(texts)}"
    else:
        tail = "; nothing that is held out worsens beyond that noise" if standing.is_watched(row) else ""
        tail = tail.replace("that noise", "the noise of seeds") if "noise" not in fate else tail
    yield f"{_asked(standing, row)}, {row.method} {fate}{tail}."


def _asked(standing: Standing, row: Row) -> str:
    preference = preference_text(next(iter(standing.part.fronts[row.method].values())))
    known = {"equal": "Asked for equal weights", "none": "As one model"}
    return known.get(preference, f"Asked for the preference nearest to equal weights ({preference})")


def _fate(gains: Mapping[str, Interval], improved: Sequence[str], worsened: Sequence[str]) -> str:
    """Return what became of the rewards against the base model, as the rest of a sentence."""
    every = {1: "the reward", 2: "both rewards"}.get(len(gains), f"all {len(gains)} rewards")
    if len(improved) == len(gains):
        return f"improves {every} over the base model"
    if not improved and not worsened:
        return f"moves {'no reward' if len(gains) > 1 else every} from the base model beyond the noise of seeds"
    parts = [f"improves {listed(improved)}"] if improved else ["improves no reward"]
    if worsened:
        parts.append(f"worsens {listed([f'{name} by {measured(scaled(gains[name], -1.0))}' for name in worsened])}")
    unsure = len(gains) - len(improved) - len(worsened)
    stay = f", and {counted(unsure, 'reward')} stay{'s' * (unsure == 1)} within the noise of seeds" if unsure else ""
    return f"{' and '.join(parts)} against the base model{stay}"


def _size(change: Interval) -> Interval:
    return scaled(change, -1.0) if change.mean < 0.0 else change


def _average(standing: Standing, row: Row) -> Iterator[str]:
    """Yield the rewards that are given up over the whole front, though not at its balanced point."""
    average, balanced = standing.on_average(row), standing.balanced(row)
    fallen = [name for name in average.worsened if name not in balanced.worsened] if average.known else []
    if fallen and row.points > 1:
        texts = [f"{name} by {measured(scaled(average.gains[name], -1.0))}" for name in fallen]
        yield f"On the average of its whole front it is behind the base model in {listed(texts)}."


def _flags(standing: Standing, row: Row) -> Iterator[str]:
    verdict = standing.verdicts.get(row.method)
    if verdict is None:
        return
    if verdict.unknown:
        yield f"Whether points of {row.method} pay with held-out rewards cannot be said: {verdict.unknown}."
        return
    flagged, points, clean = len(verdict.flagged), len(verdict.points), verdict.clean_volume
    if standing.all_flagged and len(standing.rows) > 1:
        yield (
            f"Every point of every method is {FLAGGED}, so flags tell no methods apart here; a held-out reward that "
            "measures closeness to the base model falls with any training."
        )
        return
    if flagged == 0:
        yield f"No point of its front is {FLAGGED}."
        return
    left = NO_VOLUME if clean is None or clean.mean == 0.0 else f"hypervolume {measured(clean)} is left"
    if flagged == points:
        which = "Its only point is" if points == 1 else f"All {points} points of its front are"
    else:
        which = f"{flagged} of the {points} points of its front {'is' if flagged == 1 else 'are'}"
    yield f"{which} {FLAGGED}; without {'it' if flagged == 1 else 'them'} {left}."


def _of_tied(standing: Standing) -> Iterator[str]:
    """Yield what the methods tied with the best give up, together."""
    tied = standing.tied
    subject = f"The tied method, {tied[0].method}," if len(tied) == 1 else "The tied methods"
    known = [row for row in tied if standing.balanced(row).known]
    worse = [(row.method, listed(w)) for row in known if (w := standing.balanced(row).worsened)]
    lost = [(row.method, listed(names)) for row in tied if (names := [one.name for one, _ in standing.lost(row)])]
    if worse:
        yield f"Among the tied methods, asked likewise, rewards worsen: {_by_loss(worse)}."
    elif known:
        yield f"{subject} worsen{'s' * (len(tied) == 1)} no reward beyond the noise of seeds, asked likewise."
    if lost:
        whose = f"methods: {_by_loss(lost)}" if len(tied) > 1 else f"method: {lost[0][1]}"
        yield f"Held-out losses of the tied {whose}."
    verdicts = [standing.verdicts[row.method] for row in tied if row.method in standing.verdicts]
    flags = [f"{one.method} {len(one.flagged)} of {len(one.points)}" for one in verdicts if not one.unknown]
    if flags and not standing.all_flagged:
        yield f"Flagged points of the tied method{'s' * (len(tied) > 1)}: {listed(flags)}."


def _by_loss(pairs: Sequence[tuple[str, str]]) -> str:
    """Return methods by what they lose: `a and b in first; c in second`."""
    groups = grouped(pairs, lambda pair: pair[1])
    return "; ".join(f"{listed([method for method, _ in group])} in {loss}" for loss, group in groups.items())
