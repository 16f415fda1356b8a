"""The sampler study as a part of a suite's report: one table, what it says of each claim, and two pictures."""

from functools import partial

from analysis.report.section import Section
from analysis.report.studio import Drawing
from analysis.sampler_curves import Kind
from analysis.sampler_findings import findings
from analysis.samplers import BASELINES, STALLED, SamplerStudy
from analysis.tables import MARKS_NOTE, Cell, Column, Table
from analysis.ties import tied_set

NAME = "samplers"
ERRORS, REWARDS = f"{NAME}-errors", f"{NAME}-rewards"

EXPLANATION = (
    "What each sampler makes of data whose every moment is known, computed without sampling from the samplers' own "
    "steps, and what GRPO reaches when its rollouts use that sampler: same recipe, same budget, every step of every "
    "sampler weighted alike (`guard`), results measured by the ODE."
)
CAUTION = (
    "In the picture of errors a dip is where an error changes its sign. The verdicts follow from the records by fixed "
    "rules. The toy's trainings show a direction; what it means for image models, they cannot say. The claims are "
    "those of Precise (arXiv 2605.23522)."
)


def sampler_drawings(study: SamplerStudy) -> dict[str, Drawing]:
    """Return what draws the pictures, by name."""
    # Imported here because matplotlib takes as long to load as the numbers to compute.
    from analysis.plots.samplers import error_figure, reward_figure

    return {ERRORS: partial(error_figure, study), REWARDS: partial(reward_figure, study)}


def sampler_section(study: SamplerStudy) -> Section:
    """Return the section of the study for both pages."""
    pictures = (ERRORS, REWARDS) if study.curves else (ERRORS,)
    sentences = tuple(one.sentence() for one in findings(study))
    return Section("Samplers", (EXPLANATION,), (("", sampler_table(study)),), (*sentences, CAUTION), pictures)


COLUMNS = (
    Column("sampler", "sampler", text=True),
    Column("residual_std", "residual std", decimals=4),
    Column("variance_ratio_10", "variance, N = 10"),
    Column("variance_ratio_1000", "N = 1000", decimals=4),
    Column("order", "order", text=True),
    Column("mixture_w1", "mixture W1", decimals=4),
    Column("memory", "memory", decimals=4),
    Column("grpo_reward", "GRPO reward", decimals=4, intervals=True),
    Column("steps_to_match", "steps to match", decimals=0),
    Column("seeds", "seeds"),
)


def sampler_table(study: SamplerStudy) -> Table:
    """Return the one table of the study, a row a sampler."""
    best, tied = _best_and_tied(study)
    baseline = study.best_baseline
    rows = []
    for kind in study.kinds:
        curve = study.curves.get(kind)
        steps = None if curve is None or baseline is None else curve.steps_to(study.curves[baseline].final.mean)
        cells = (
            Cell(kind.label),
            Cell(study.at(kind, "w2", "dirac", 10, 3.0)),
            Cell(study.at(kind, "variance_ratio", "gaussian", 10, 1.0, 1.0)),
            Cell(study.at(kind, "variance_ratio", "gaussian", 1000, 1.0, 1.0)),
            Cell(order_text(study, kind)),
            Cell(study.at(kind, "w1", "mixture", 10, 1.0)),
            Cell(study.at(kind, "memory", "gaussian", 10, 1.0, 1.0)),
            Cell(None if curve is None else curve.final, kind == best, kind in tied),
            Cell(steps),
            Cell(None if curve is None else curve.final.seeds),
        )
        rows.append(cells)
    return Table(COLUMNS, tuple(rows), _notes(study))


def order_text(study: SamplerStudy, kind: Kind) -> str | None:
    """Return the order of convergence, or where a sampler that does not converge ends."""
    found = study.order(kind)
    if found is None:
        return None
    slope, ratio = found
    return f"{slope:.2f}" if slope >= STALLED else f"none: {ratio:.4f}"


def _best_and_tied(study: SamplerStudy) -> tuple[Kind | None, frozenset[Kind]]:
    names = {str(i): kind for i, kind in enumerate(study.curves)}
    found = tied_set({name: study.curves[kind].final.values for name, kind in names.items()})
    return (None, frozenset()) if found is None else (names[found.best], frozenset(names[name] for name in found.tied))


def _notes(study: SamplerStudy) -> tuple[str, ...]:
    notes = (
        "exact, no sampling: residual std: standard deviation left where all data are one point, 10 steps, shift 3; "
        "variance: of the output over that of Gaussian data of variance 1, even grid; order: at which the error of "
        "that falls with the number of steps from 1000 on, or where a sampler ends that does not converge; mixture W1: "
        "distance to two narrow modes, 10 steps; memory: share of the output's variance that is the initial noise, "
        "10 steps",
        "trained: GRPO reward: mean of all rewards at the end in units of the bounds (0 worst, 1 best), samples by the "
        "ODE, mean ± half of the 95 % t interval over seeds; steps to match: training steps until the mean reaches the "
        f"final reward of the best of {', '.join(BASELINES)}"
        + ("" if study.best_baseline is None else f" ({study.best_baseline.label})"),
    )
    return (*notes, MARKS_NOTE.replace("of its benchmark", "of its column")) if len(study.curves) > 1 else notes
