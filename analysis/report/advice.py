"""What a benchmark's records support as advice, and what they forbid to conclude."""

from collections.abc import Iterator, Mapping, Sequence

from analysis.report.headline import tied_set_of
from analysis.report.notes import left_out_line
from analysis.report.phrases import alike, amount, counted, listed, measured
from analysis.report.standing import COST, HIGHER, VOLUME, Standing, volume_text
from analysis.statistics import Interval
from analysis.summary import Row
from analysis.ties import TiedSet, tied_set

MOST = 3
"""How many methods a line of advice names besides the best."""


def cautions(standing: Standing) -> Iterator[str]:
    """Yield what the reader must not conclude."""
    rows = list(standing.rows.values())
    single = [row.method for row in rows if row.quantities[VOLUME].seeds == 1]
    if single and len(single) < len(rows):
        yield f"Without an interval, because of one seed: {listed(single)}."
    if len({tuple(row.quantities[VOLUME].values) for row in rows}) > 1:
        yield "Methods were not run on the same seeds; comparisons use those that both have."
    if standing.unfinished:
        yield f"This is not all: {left_out_line(standing.unfinished)}."
    rough = [row.method for row in rows if not row.exact]
    if rough:
        yield f"Approximate hypervolumes: {listed(rough)}."
    yield from _reference(standing)
    ones = [row.method for row in rows if row.points == 1]
    if ones and len(ones) < len(rows):
        methods = f"{ones[0]} gives" if len(ones) == 1 else f"{len(ones)} methods give"
        yield f"Hypervolume favors fronts of many points, and {methods} one point: as single models they may do better."


def _reference(standing: Standing) -> Iterator[str]:
    """Yield whether the winner hangs on the reference point, if that is known."""
    found = standing.sensitivity
    if found is None or not standing.decided or standing.best is None or found.winner != standing.best.method:
        return
    first, tied, total = int(found.first.sum()), int(found.first_or_tied.sum()), len(found.first)
    if first == total:
        yield f"{found.winner} stays first above all {total} reference points that were tried."
    else:
        yield (
            f"With another reference point another method may come first: {found.winner} does above {first} of the "
            f"{total} that were tried, and is first or tied above {tied}."
        )


def advice(standing: Standing) -> Iterator[str]:
    """Yield what to take for which need, only where the records support it."""
    best = standing.best
    if best is None or standing.found is None or not standing.decided:
        yield "These records support no recommendation."
        return
    if standing.against_base(best.quantities[VOLUME].values) != HIGHER and standing.base is not None:
        yield "If you need a better front than the base model's: no method here is separable from it."
        return
    leading = [row.method for row in standing.rows.values() if row is best or row in standing.tied]
    yield _choice("the best front", best.method, leading, list(standing.rows))
    yield from _one_model(standing)
    yield from _balanced(standing)
    yield from _cheapest(standing, best)
    yield from _clean(standing)


def _choice(need: str, best: str, leading: Sequence[str], of: Sequence[str], remark: str = "") -> str:
    """Return the line for a need: the best method and those that may be as good, or that nothing decides.

    Args:
        need: What is needed.
        best: The best method.
        leading: It and those that may be as good.
        of: All that were compared.
        remark: What follows the best method's name.
    """
    tied, behind = ([name for name in of if (name in leading) == wanted and name != best] for wanted in (True, False))
    if tied and not behind:
        which = listed([best, *tied]) if len(of) <= MOST + 1 else f"the {len(of)} methods"
        return f"If you need {need}: these seeds cannot choose between {which}."
    if len(tied) <= MOST:
        also = f"; {listed(tied)} may be as good" if tied else ""
        return f"If you need {need}: {best}{remark}{also}."
    rest = f"all except {listed(behind)}" if len(behind) <= MOST else f"{len(tied)} of the {len(of) - 1} others"
    return f"If you need {need}: no clear choice; {best} leads{remark}, but {rest} may be as good."


def _told(found: TiedSet | None, of: Mapping[str, object]) -> tuple[str, list[str]] | None:
    """Return the best and all that may be, in order; None where it can be told from none."""
    if found is None or len(found.undecided) == len(of) - 1:
        return None
    return found.best, [name for name in of if name == found.best or name in found.tied]


def _one_model(standing: Standing) -> Iterator[str]:
    need = "one model for every preference"
    sliders = {
        name: row.quantities[VOLUME].values
        for name, row in standing.rows.items()
        if row.models == 1 and row.points > 1 and standing.against_base(row.quantities[VOLUME].values) == HIGHER
    }
    if len(sliders) == 1:
        yield f"If you need {need}: {next(iter(sliders))}, the only method with one here."
    told = _told(tied_set(sliders), sliders)
    if told is not None:
        yield _choice(need, *told, list(sliders))


def _balanced(standing: Standing) -> Iterator[str]:
    known = {name: row for name, row in standing.rows.items() if "composite" in row.quantities}
    told = _told(tied_set_of(standing.part, "composite"), known)
    if told is None:
        return
    worsened = standing.balanced(known[told[0]]).worsened
    worse = f"; it worsens {listed(worsened)}" if worsened else ""
    remark = f" (highest composite, the mean over rewards of standardized gains{worse})"
    yield _choice("one model for equal weights", *told, list(known), remark)


def _cheapest(standing: Standing, best: Row) -> Iterator[str]:
    leading = [best, *standing.tied]
    if len(leading) < 2:
        return
    costs = {row.method: row.quantities[COST].mean for row in leading}
    if not alike(list(costs.values())):
        name = min(costs, key=lambda method: costs[method])
        rest = f"{amount(costs[name])} velocity evaluations"
        yield f"If you need the cheapest of those that may be best: {name}, with {rest}."
        return
    models = {row.method: row.models for row in leading}
    fewest = min(models, key=lambda method: models[method])
    if fewest != best.method and list(models.values()).count(models[fewest]) == 1:
        number = counted(models[fewest], "model")
        yield f"If you need the fewest models of those that may be best: {fewest}, with {number}."


def _clean(standing: Standing) -> Iterator[str]:
    volumes = {
        name: clean
        for name in standing.rows
        if (verdict := standing.verdicts.get(name)) is not None and (clean := verdict.clean_volume) is not None
    }
    if standing.all_flagged or not _flagged(standing):
        return
    told = _told(tied_set({name: volume.values for name, volume in volumes.items()}), volumes)
    if told is None or any(volumes[name].mean == 0.0 for name in told[1]):
        return
    need = "a front without flagged points"
    if standing.base is not None and standing.against_base(volumes[told[0]].values) != HIGHER:
        yield f"If you need {need}: none is separable from the base model."
        return
    yield _choice(need, *told, list(volumes), _kept(standing, told[0], volumes[told[0]]))


def _kept(standing: Standing, method: str, clean: Interval) -> str:
    if not standing.verdicts[method].flagged:
        return ", which has none"
    return f", which keeps {measured(clean)} of its hypervolume {volume_text(standing.rows[method])}"


def _flagged(standing: Standing) -> bool:
    return any(verdict.flagged for verdict in standing.verdicts.values())
