"""The two pictures of the sampler study: exact errors, and what GRPO reaches under each sampler."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from analysis.plots.style import COLORS, FAINT, INK, MARKERS, entries_of, legend_below
from analysis.sampler_curves import DETERMINISTIC, Curve, Kind
from analysis.samplers import SamplerStudy

STEPS_OF_ETA = 10
LEAST_SHORTFALL = 1e-4
ROUNDING = 1e-12
"""Errors below this are rounding: the sampler has none."""
# Fixed, so that a sampler looks the same in every report.
ORDER = ("flow_sde", "dance_sde", "cps", "precise", "dance_precise")
PALETTE = dict(zip(ORDER, (COLORS[0], COLORS[5], COLORS[3], COLORS[1], COLORS[2]), strict=True))


@dataclass(frozen=True)
class Case:
    """A row of the picture of errors: what is measured on which data, along which grid."""

    title: str
    label: str
    case: str
    value: str
    shift: float
    variance: float | None


CASES = (
    Case("Gaussian data, std 1, even grid", "W2 to the data", "gaussian", "w2", 1.0, 1.0),
    Case("Gaussian data, std 0.1, shift 3", "W2 to the data", "gaussian", "w2", 3.0, 0.01),
    Case("one point, shift 3", "std left", "dirac", "w2", 3.0, 0.0),
    Case("two narrow modes, even grid", "W1 to the data", "mixture", "w1", 1.0, None),
)


def _style(kind: Kind, study: SamplerStudy) -> dict[str, Any]:
    """Return color, marker and line of a sampler; deterministic ones are gray, another eta than its own is dashed."""
    if kind.sampler in DETERMINISTIC:
        line = "--" if kind.sampler == DETERMINISTIC[0] else ":"
        return {"color": INK, "marker": "", "linestyle": line, "linewidth": 1.3}
    place = ORDER.index(kind.sampler) if kind.sampler in ORDER else len(ORDER)
    own = study.own.get(kind.sampler) == kind
    color = PALETTE.get(kind.sampler, COLORS[(place + 1) % len(COLORS)])
    style: dict[str, Any] = {"color": color, "marker": MARKERS[place], "linewidth": 1.5, "markersize": 4.5}
    return style | ({"linestyle": "-"} if own else {"linestyle": "--", "markerfacecolor": "white"})


def error_figure(study: SamplerStudy) -> Figure:
    """Return the exact errors, one row a kind of data: against the number of steps, and against eta.

    Samplers without any error have no line, but are named. A dip is where an error changes its sign.
    """
    figure = Figure(figsize=(7.6, 10.2), layout="constrained")
    panels = figure.subplots(len(CASES), 2, squeeze=False, sharey="row", width_ratios=(1.25, 1.0))
    for (left, right), case in zip(panels, CASES, strict=True):
        drawn = _against_steps(left, study, case)
        drawn |= _against_eta(right, study, case)
        left.set_title(case.title, loc="left", fontsize=9.5, color=INK)
        right.set_title(f"the same, {STEPS_OF_ETA} steps", loc="left", fontsize=9.5, color=INK)
        left.set_ylabel(case.label)
        silent = [name for name in study.own if name not in drawn]
        if silent:
            text = f"no error: {_lines(silent)}"
            left.text(0.03, 0.96, text, transform=left.transAxes, fontsize=7.5, color="#555555", va="top")
    left, right = panels[-1]
    left.set_xlabel("denoising steps")
    right.set_xlabel("eta (large marker: the sampler's own)")
    legend_below(figure, {name: one for axes in panels[:, 0] for name, one in entries_of(axes).items()}, 4)
    return figure


def _lines(names: Sequence[str]) -> str:
    return "\n".join(", ".join(names[i : i + 3]) for i in range(0, len(names), 3))


def _against_steps(axes: Axes, study: SamplerStudy, case: Case) -> set[str]:
    drawn = set()
    for kind in study.kinds:
        found = study.column(kind, case.value, case.case, case.shift, case.variance)
        found = found[found > ROUNDING]
        if len(found):
            axes.plot(found.index, found, label=kind.label, markeredgewidth=0.9, **_style(kind, study))
            drawn.add(kind.sampler)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    return drawn


def _against_eta(axes: Axes, study: SamplerStudy, case: Case) -> set[str]:
    drawn = set()
    for own in study.own.values():
        kinds = [Kind(own.sampler, eta) for eta in study.etas(own.sampler)]
        found = {
            kind.eta: value
            for kind in kinds
            if (value := study.at(kind, case.value, case.case, STEPS_OF_ETA, case.shift, case.variance)) is not None
            and value > ROUNDING
        }
        if not found:
            continue
        drawn.add(own.sampler)
        style = _style(own, study)
        if own.sampler in DETERMINISTIC:
            axes.axhline(found[0.0], color=INK, linestyle=str(style["linestyle"]), linewidth=1.3)
            continue
        axes.plot(list(found), list(found.values()), **style)
        if own.eta in found:
            axes.plot(own.eta, found[own.eta], **style | {"markersize": 8.5, "markeredgecolor": "white"})
    axes.set_xscale("log")
    ticks = sorted({eta for name in study.own if name not in DETERMINISTIC for eta in study.etas(name)} - {0.5})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    return drawn


def reward_figure(study: SamplerStudy) -> Figure | None:
    """Return the reward against velocity evaluations, and on a logarithmic scale how far its mean is from the best.

    Lines are means over seeds, bands 95 % t intervals; where these leave the picture they are cut.

    Returns:
        The figure, None if nothing was trained.
    """
    if not study.curves:
        return None
    figure = Figure(figsize=(7.6, 4.1), layout="constrained")
    reward, shortfall = figure.subplots(1, 2)
    for kind in sorted(study.curves, key=lambda kind: study.kinds.index(kind) if kind in study.kinds else -1):
        curve, style = study.curves[kind], _style(kind, study)
        means = np.array([one.mean for one in curve.rewards])
        reward.plot(curve.evaluations, means, label=kind.label, zorder=3, **style)
        _draw_band(reward, curve, str(style["color"]))
        shortfall.plot(curve.evaluations, np.maximum(1 - means, LEAST_SHORTFALL), **style)
    baseline = study.best_baseline
    if baseline is not None:
        final = study.curves[baseline].final.mean
        reward.axhline(final, color=FAINT, linewidth=0.9, linestyle=":", zorder=1)
        shortfall.axhline(1 - final, color=FAINT, linewidth=0.9, linestyle=":", zorder=1)
        shortfall.annotate(
            f"end of {baseline.label}", (0.0, 1 - final), xycoords=("axes fraction", "data"), xytext=(4, 3),
            textcoords="offset points", fontsize=7.5, color="#555555",
        )  # fmt: skip
    reward.set_ylabel("GRPO reward in units of the bounds   better →")
    shortfall.set_ylabel("1 - reward   ← better")
    shortfall.set_yscale("log")
    for axes in (reward, shortfall):
        axes.set_xlabel("million velocity evaluations")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e6:g}"))
        axes.set_xlim(left=0.0)
    least = min(one.mean for curve in study.curves.values() for one in curve.rewards)
    reward.set_ylim(least - 0.25 * (1 - least), 1 + 0.05 * (1 - least))
    reward.set_title("mean and 95 % interval over seeds", loc="left", fontsize=9.5, color=INK)
    shortfall.set_title("the means' distance from the best", loc="left", fontsize=9.5, color=INK)
    legend_below(figure, entries_of(reward), 3)
    return figure


def _draw_band(axes: Axes, curve: Curve, color: str) -> None:
    """Draw the interval over seeds, where there is one."""
    ends = [(one.low, one.high) for one in curve.rewards]
    low, high = [low for low, _ in ends if low is not None], [high for _, high in ends if high is not None]
    if len(low) == len(high) == len(ends):
        axes.fill_between(curve.evaluations, low, high, color=color, alpha=0.14, linewidth=0)
