"""What the captions of a paper must say of a figure or table for it to be understood without the report."""

from analysis.summary import BenchmarkSummary, Summary
from analysis.tables import latex_text

INTERVALS = r"95\,\% $t$ intervals"
TIES = (
    r"not separable from the best (one-sided paired $t$ tests over seeds, 95\,\%, corrected for the number of methods)"
)
MARKS = rf" Bold: best; $^{{=}}$: {TIES}."
CLEAN = (
    "Clean: hypervolume without the points that gained in what they were asked for while a held-out reward fell, both "
    r"beyond their 95\,\% intervals."
)


def figure_caption(kind: str, part: BenchmarkSummary, method: str, seed: int | None) -> str:
    """Return the caption of a figure, as LaTeX.

    Args:
        kind: One of the kinds of `analysis.plots.paper`.
        part: The benchmark.
        method: The method that the figure is about, empty for all.
        seed: The seed that pictures are from, or None.
    """
    seeds, name = seeds_of(part), latex_text(part.record.name)
    weights = " : ".join(latex_text(reward.name) for reward in part.yardstick.rewards)
    intervals = f"with {INTERVALS} over {seeds}" if _several(part) else f"of {seeds}, so without intervals"
    columns = f"weights of {weights} in percent" if len(part.yardstick.rewards) == 2 else "what is asked for most"
    return {
        "front": rf"Fronts on {name}: {_front(part, seeds)}.",
        "hypervolume": rf"Hypervolume on {name} {intervals}{' (faint dots)' if _several(part) else ''}."
        + (rf" Bold: best; =: {TIES}." if len(part.fronts) > 1 else ""),
        "anytime": rf"Hypervolume on {name} against velocity evaluations of training, all models of a front together, "
        rf"{intervals}; without a line: evaluated at the end alone.",
        "attainment": rf"Median attainment surfaces on {name} (what half of {seeds} reach) with bands from a quarter "
        "to three quarters of the seeds; at most the five methods of largest hypervolume.",
        "control": rf"What a slider answers on {name}: each reward against its weight, mean over {seeds}, bands: "
        rf"{INTERVALS} of three seeds or more, thin: single seeds; crosses: preferences that another one makes "
        "pointless in at least half of the seeds.",
        "cosines": rf"Mean cosine of the update with the gradient of each reward's loss on {name}, over training and "
        rf"{seeds}: a positive one lowers that loss. Conflicts: share of measured steps at which one was negative.",
        "strip": rf"{latex_text(method)} on {name} along its preferences; columns: {columns}. Seed {seed}, the same "
        "noise in every row.",
    }[kind]


def _front(part: BenchmarkSummary, seeds: str) -> str:
    count = len(part.yardstick.rewards)
    if count == 2:
        mean = f"mean of each point over {seeds}, single seeds faint" if _several(part) else f"points of {seeds}"
        return f"{mean}; lines join neighbors on a sweep of preferences"
    if count == 3:
        return f"mean of each point over {seeds} in each pair of rewards, methods of few points larger"
    return f"each reward normalized by the bounds of the benchmark; faint: single points of {seeds}, bold: their mean"


def _several(part: BenchmarkSummary) -> bool:
    """Return whether a method has several seeds, so that there are intervals."""
    return any(len(fronts) > 1 for fronts in part.fronts.values())


def _half(part: BenchmarkSummary) -> str:
    seeds = seeds_of(part)
    return rf"Mean $\pm$ half of the 95\,\% $t$ interval over {seeds}." if _several(part) else f"From {seeds}."


def _marks(part: BenchmarkSummary) -> str:
    return MARKS if len(part.fronts) > 1 else ""


def headline_caption(part: BenchmarkSummary, *, clean: bool) -> str:
    """Return the caption of a benchmark's headline table, as LaTeX."""
    share = "" if part.yardstick.true_hypervolume is None else " Share: of the hypervolume of the true front."
    return (
        rf"Hypervolume on {latex_text(part.record.name)}. {_half(part)}{share} M evals: million velocity evaluations "
        f"of training, all models of a front together.{_marks(part)}" + (f" {CLEAN}" if clean else "")
    )


def gains_caption(part: BenchmarkSummary) -> str:
    """Return the caption of the table of gains, as LaTeX."""
    return (
        rf"Gain over the base model on {latex_text(part.record.name)} of the model or point whose preference is "
        rf"nearest to equal weights, positive is better. {_half(part)} Worst gain: in units of the bounds of the "
        rf"benchmark; composite: mean over rewards of $z$-scores among these methods.{_marks(part)}"
    )


def suite_caption(summary: Summary) -> str:
    """Return the caption of the table of all benchmarks, as LaTeX."""
    known = [part.yardstick.true_hypervolume is not None for part in summary.benchmarks]
    what = "Share of the true hypervolume" if all(known) else "Hypervolume"
    if any(known) and not all(known):
        what = "Hypervolume, as a share of the true one where that is known,"
    half = r"Mean $\pm$ half of the 95\,\% $t$ interval over seeds."
    return rf"{what} of each method on every benchmark of {latex_text(summary.suite)}. {half}{MARKS}"


def overview_caption(summary: Summary) -> str:
    """Return the caption of the figure of all benchmarks, as LaTeX."""
    return (
        rf"Hypervolume of each method on every benchmark of {latex_text(summary.suite)} with {INTERVALS} over seeds "
        rf"(faint dots), methods by the mean of their ranks. Filled: best, or {TIES}."
    )


def seeds_of(part: BenchmarkSummary) -> str:
    """Return how many seeds the methods of a benchmark have, in words: `3 seeds`, `2 to 3 seeds`."""
    counts = sorted({len(fronts) for fronts in part.fronts.values()})
    if not counts:
        return "no seeds"
    numbers = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{numbers} seed" + ("" if counts[-1] == 1 else "s")
