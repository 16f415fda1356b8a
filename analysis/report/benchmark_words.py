"""What a benchmark says of its methods, in plain sentences: who wins, at what cost, with what loss."""

from collections.abc import Iterator, Sequence

from analysis.control import RANGE, WASTED, has_slider, monotone_seeds
from analysis.reading import grouped
from analysis.report.phrases import alike, amount, amounts, counted, duration, durations, listed, measured, scaled
from analysis.report.price_words import price
from analysis.report.standing import COST, HIGHER, LOWER, UNKNOWN, VOLUME, Standing, volume_text
from analysis.summary import Row

__all__ = ["control", "cost", "others", "price", "setting", "ties", "winner"]

SHARE, EXACT = "share_of_true_hypervolume", "exact_front_share"


def setting(standing: Standing) -> Iterator[str]:
    """Yield what was asked for, and by how many methods."""
    record, rows = standing.part.record, standing.rows.values()
    names = [reward.name for reward in record.rewards]
    parts = [f"{counted(len(names), 'reward')} ({listed(names)})", counted(len(rows), "method")]
    counts = sorted({row.quantities[VOLUME].seeds for row in rows})
    if len(counts) == 1:
        parts.append(counted(counts[0], "seed") + " each" * (len(rows) > 1))
    elif counts:
        parts.append(f"{counts[0]} to {counted(counts[-1], 'seed')} each")
    yield f"{', '.join(parts)}."
    if record.held_out:
        yield f"Held out, so measured and never trained on: {listed([reward.name for reward in record.held_out])}."


def winner(standing: Standing) -> Iterator[str]:
    """Yield who has the best front, and how good it is."""
    best = standing.best
    if best is None:
        yield "No method of this benchmark has a trained checkpoint, so there is nothing to compare."
        return
    if best.quantities[VOLUME].mean == 0.0:
        who = f"{best.method} beats" if len(standing.rows) == 1 else "No method beats"
        where = "nowhere " if len(standing.rows) == 1 else ""
        yield f"{who} {where}the reference point in every reward: the hypervolume is 0, and nobody wins."
        return
    text = f"{volume_text(best, named=True)}{_share(best)}"
    if standing.found is None:
        yield f"{best.method} is the only method, so nothing is compared; its front has hypervolume {text}."
    elif standing.decided:
        yield f"{best.method} has the best front: hypervolume {text}."
    else:
        yield f"{best.method} has the largest hypervolume, {text}, but that decides nothing: {_undecidable(standing)}."
    exact = best.quantities.get(EXACT)
    if exact is not None:
        at = "one preference" if best.points == 1 else f"{best.points} preferences"
        yield f"The true front itself, cut down to the same {at}, has {100.0 * exact.mean:.1f} %."


def _share(row: Row) -> str:
    share = row.quantities.get(SHARE)
    return "" if share is None else f", which is {measured(scaled(share, 100.0), unit=' %')} of the true front's"


def _undecidable(standing: Standing) -> str:
    if all(row.quantities[VOLUME].seeds == 1 for row in standing.rows.values()):
        return "with one seed no method can be called better than another"
    return "no other method shares two seeds with it"


def ties(standing: Standing) -> Iterator[str]:
    """Yield what cannot be told from the best, and what is behind it."""
    best, tied, behind, undecided = standing.best, standing.tied, standing.behind, standing.undecided
    if best is None or best.quantities[VOLUME].mean == 0.0:
        return
    if tied:
        every = "" if behind or undecided or len(tied) == 1 else "None of the others is separable"
        yield f"{every or 'Not separable'} from it: {_with_volumes(tied)}. Do not rank tied methods by their means."
    if behind:
        yield _behind(behind, tied, alone=not tied and not undecided)
    if undecided and standing.decided:
        names = listed([row.method for row in undecided])
        yield f"Of {names} nothing can be said: fewer than two seeds are shared with {best.method}."
    elif undecided:
        yield f"The other{'s' * (len(undecided) > 1)}: {_with_volumes(undecided)}."
    none = [row.method for row in standing.rows.values() if row.quantities[VOLUME].mean == 0.0]
    if none:
        yield f"Hypervolume 0, because no point beats the reference point in every reward: {listed(none)}."


def _with_volumes(rows: Sequence[Row]) -> str:
    return listed([f"{row.method} with {volume_text(row)}" for row in rows])


def _behind(rows: Sequence[Row], tied: Sequence[Row], *, alone: bool) -> str:
    first = f"{rows[0].method} with {volume_text(rows[0])}"
    if len(rows) == 1:
        text = f"{'The only other method is' if alone else 'One method is'} behind: {first}."
    else:
        text = f"{_all(len(rows)) if alone else f'{len(rows)} methods'} are behind, the nearest is {first}."
    if any(row.quantities[VOLUME].mean < rows[0].quantities[VOLUME].mean for row in tied):
        text += " (Methods are compared seed by seed, so one that is tied may have the smaller mean.)"
    return text


def _all(number: int) -> str:
    return "Both others" if number == 2 else f"All {number} others"


def cost(standing: Standing) -> Iterator[str]:
    """Yield what the best front has cost, and whether the others cost as much."""
    best = standing.best
    if best is None:
        return
    found = best.quantities
    yield (
        f"{'Its one model' if best.models == 1 else f'Its {best.models} models'} took "
        f"{amount(found[COST].mean)} velocity evaluations, {amount(found['reward_calls'].mean)} reward calls and "
        f"about {duration(found['seconds'].mean)} to train."
    )
    rest = [row for row in standing.rows.values() if row is not best]
    if rest:
        yield _costs_of(rest, best)
    several = [row for row in standing.tied if row.models > 1]
    if len(several) == 1:
        yield f"{several[0].method} trains {several[0].models} models for its front."
    elif several:
        yield f"Models trained for a tied front: {listed([f'{row.method} {row.models}' for row in several])}."
    early = [row for row in standing.part.rows if row.method == best.method and not row.last and row.step > 0]
    if early and found[COST].mean > 0.0:
        first = min(early, key=lambda row: row.step)
        share = 100.0 * first.quantities[COST].mean / found[COST].mean
        yield f"After {share:.0f} % of its training its hypervolume was {volume_text(first)}."


def _costs_of(rest: Sequence[Row], best: Row) -> str:
    costs = {row.method: row.quantities[COST].mean for row in rest}
    low, high = min(costs, key=lambda name: costs[name]), max(costs, key=lambda name: costs[name])
    times = [row.quantities["seconds"].mean for row in rest]
    taken = durations(min(times), max(times))
    whom = f"The other method, {rest[0].method}," if len(rest) == 1 else f"The {len(rest)} other methods"
    if alike([*costs.values(), best.quantities[COST].mean]):
        return f"{whom} spent as many velocity evaluations (within 5 %), in about {taken}."
    ends = f" ({low} the fewest, {high} the most)" if low != high else ""
    spent = f"{amounts(costs[low], costs[high])} velocity evaluations{ends}, in about {taken}"
    return f"{whom} spent {spent}: these fronts are not at equal cost."


def others(standing: Standing) -> Iterator[str]:
    """Yield which methods fail to beat the base model, and which worsen a reward."""
    if standing.base is None:
        return
    yield f"The base model, before training, has hypervolume {volume_text(standing.base)}."
    against = {name: standing.against_base(row.quantities[VOLUME].values) for name, row in standing.rows.items()}
    lower = [name for name, verdict in against.items() if verdict == LOWER]
    same = [name for name, verdict in against.items() if verdict not in (LOWER, HIGHER, UNKNOWN)]
    if lower:
        yield f"Worse than the base model: {listed(lower)}."
    if same:
        yield f"Not separable from the base model: {listed(same)}."
    rest = [row for row in standing.rows.values() if row is not standing.best and row not in standing.tied]
    by_loss = grouped([row for row in rest if standing.balanced(row).worsened], lambda row: _losses(standing, row))
    if by_loss:
        texts = [f"{listed([row.method for row in rows])} in {loss}" for loss, rows in by_loss.items()]
        yield (
            "Remaining methods whose balanced point (the one nearest to equal weights) falls behind the base model: "
            f"{'; '.join(texts)}."
        )


def _losses(standing: Standing, row: Row) -> str:
    return listed(standing.balanced(row).worsened)


def control(standing: Standing) -> Iterator[str]:
    """Yield which models follow the preference they are asked for, where there are two rewards."""
    fronts = standing.part.fronts
    sliders = [row for n, row in standing.rows.items() if has_slider(next(iter(fronts[n].values())), row.models)]
    if sliders and len(standing.part.yardstick.rewards) != 2:
        names = listed([row.method for row in sliders])
        follow = "follows" if len(sliders) == 1 else "follow"
        yield f"Whether {names} {follow} the preference is not measured here; that takes a benchmark of two rewards."
        return
    for row in sliders:
        yield _control_of(row)


def _control_of(row: Row) -> str:
    found = row.quantities
    ranges = {name.removeprefix(RANGE): value for name, value in found.items() if name.startswith(RANGE)}
    against = [name for name, value in ranges.items() if value.mean <= 0.0]
    if against:
        return f"{row.method} does not follow the preference: asking for more of {listed(against)} does not give more."
    unsure = [name for name, value in ranges.items() if value.low is not None and value.low <= 0.0]
    rising, seeds = monotone_seeds(found) or (0, 0)
    if rising == seeds:
        where = "its one seed" if seeds == 1 else f"all {seeds} seeds"
        text = f"{row.method} follows the preference: both rewards rise at every step, on {where}"
        return (
            f"{text}, but how far {listed(unsure)} rise{'s' * (len(unsure) == 1)} is not certain."
            if unsure
            else f"{text}."
        )
    if unsure:
        return (
            f"Whether {row.method} follows the preference is not certain: from one end to the other, the rise of "
            f"{listed(unsure)} is within the noise of seeds."
        )
    wasted = found[WASTED].mean
    also = f", and {100.0 * wasted:.0f} % of its preferences yield what another one equals or beats" if wasted else ""
    return (
        f"{row.method} follows the preference from end to end, but not at every step: both rewards rise throughout on "
        f"{rising} of {counted(seeds, 'seed')}{also}."
    )
