"""What the sampler study says of each claim about samplers, in words that follow from the records by rules."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.sampler_curves import Kind
from analysis.samplers import BASELINES, SamplerStudy
from analysis.statistics import Comparison, paired_difference

EULER, EXCHANGE = ("flow_sde", "dance_sde"), ("cps", "precise", "dance_precise")
USUAL_STEPS = (6, 10, 20, 30)
ORDER_TOLERANCE, LIMIT_SHARE = 0.05, 0.2
HOLDS, FAILS, PARTLY, UNKNOWN = "holds", "does not hold", "holds in part", "not decided"


@dataclass(frozen=True)
class Finding:
    """A claim, whether the records support it, and the numbers that say so."""

    claim: str
    verdict: str
    numbers: str

    def sentence(self) -> str:
        """Return the finding as one paragraph."""
        return f"{self.claim}: {self.verdict}. {self.numbers}"


def findings(study: SamplerStudy) -> tuple[Finding, ...]:
    """Return what the study says of every claim that its records can judge."""
    rules: tuple[Callable[[SamplerStudy], Finding | None], ...] = (
        _excess,
        _limit,
        _order,
        _robust,
        _closest,
        _memory,
        _trains_best,
        _time_to_match,
        _two_by_two,
    )
    return tuple(found for rule in rules if (found := rule(study)) is not None)


def _verdict(marks: Iterable[bool]) -> str:
    held = list(marks)
    return HOLDS if all(held) else PARTLY if any(held) else FAILS


def _own(study: SamplerStudy, names: Sequence[str]) -> list[Kind]:
    return [study.own[name] for name in names if name in study.own]


def _excess(study: SamplerStudy) -> Finding | None:
    left = {kind: study.at(kind, "w2", "dirac", 10, 3.0) for kind in _own(study, (*EULER, *EXCHANGE))}
    euler = {kind.label: value for kind, value in left.items() if kind.sampler in EULER and value is not None}
    others = [value for kind, value in left.items() if kind.sampler in EXCHANGE and value is not None]
    if not euler or not others:
        return None
    listed = ", ".join(f"{value:.3f} ({name})" for name, value in euler.items())
    most = int(study.exact.loc[study.exact["case"] == "dirac", "steps"].max())
    fine = [(kind.label, study.at(kind, "w2", "dirac", most, 3.0)) for kind in _own(study, EULER)]
    finest = ", ".join(f"{value:.2g} ({name})" for name, value in fine if value is not None)
    return Finding(
        "Euler steps of the SDE leave excess noise at few steps",
        _verdict(value > 0.01 and value > 10 * max(others) for value in euler.values()),
        f"Where all data are one point, 10 steps of shift 3 leave a standard deviation of {listed}; CPS and Precise "
        f"leave {f'at most {max(others):.1g}' if max(others) > 0 else 'exactly nothing'}. "
        f"After {most} steps: {finest}.",
    )


def _limit(study: SamplerStudy) -> Finding | None:
    gaps, listed = [], []
    for eta in study.etas("cps"):
        found = study.order(Kind("cps", eta))
        if found is not None:
            expected = math.cos(eta * math.pi / 4) ** 2
            gaps.append(abs(found[1] - expected) < LIMIT_SHARE * abs(found[1] - 1))
            listed.append(f"{found[1]:.4f} at eta {eta:g} (cos^2(eta pi/4) = {expected:.4f})")
    if not gaps:
        return None
    steps = int(study.exact["steps"].max())
    return Finding(
        "CPS does not converge to the data",
        _verdict(gaps),
        f"Ratio of variances for Gaussian data of variance 1 after {steps} steps: {', '.join(listed)}.",
    )


def _order(study: SamplerStudy) -> Finding | None:
    found = {eta: study.order(Kind("precise", eta)) for eta in study.etas("precise")}
    slopes = {eta: order[0] for eta, order in found.items() if order is not None}
    if not slopes:
        return None
    others = [
        f"{kind.label} {order[0]:.2f}"
        for kind in _own(study, ("flow_sde", "dance_sde", "cps", "dance_precise", "ode", "dpm2"))
        if (order := study.order(kind)) is not None
    ]
    return Finding(
        "Precise converges at first order",
        _verdict(abs(slope - 1) <= ORDER_TOLERANCE for slope in slopes.values()),
        f"Order {', '.join(f'{slope:.2f} at eta {eta:g}' for eta, slope in slopes.items())}; "
        f"the others: {', '.join(others)}.",
    )


def _robust(study: SamplerStudy) -> Finding | None:
    rows = study.exact[(study.exact["case"] == "gaussian") & (study.exact["steps"] <= max(USUAL_STEPS))]
    precise = rows[rows["sampler"] == "precise"]
    if len(precise) == 0:
        return None
    series = [part.sort_values("steps") for _, part in precise.groupby(["eta", "shift", "data_variance"])]
    monotone = all((np.diff(part["variance_ratio"]) > 0).all() for part in series)
    most = rows.groupby("sampler")["variance_ratio"].max()
    excessive = ", ".join(f"{most[name]:.3g} ({name})" for name in (*EULER, "cps", "dance_precise") if name in most)
    return Finding(
        "Precise is robust against few steps and any eta",
        _verdict((monotone, most["precise"] <= 1 + 1e-9)),
        f"Over {len(precise)} cases of Gaussian data with at most {max(USUAL_STEPS)} steps its ratio of variances "
        f"{'always grows' if monotone else 'does not always grow'} with the steps, at most to {most['precise']:.3g}, "
        f"at least {precise['variance_ratio'].min():.2g}; the largest ratios of the others: {excessive}.",
    )


def _closest(study: SamplerStudy) -> Finding | None:
    rows = study.exact[study.exact["default"] & study.exact["sampler"].isin((*EULER, *EXCHANGE))]
    rows = rows[rows["steps"].isin(USUAL_STEPS)]
    error = rows["w2"].where(rows["case"] != "mixture", rows["w1"])
    # Distances that agree but for rounding are equal.
    wide = rows.assign(error=error.round(9)).pivot_table(
        index=["case", "data_variance", "steps", "shift"], columns="sampler", values="error"
    )
    if "precise" not in wide:
        return None
    first = wide.eq(wide.min(axis=1), axis=0)
    alone = first["precise"] & (first.sum(axis=1) == 1)
    winners = first[first.sum(axis=1) == 1].sum().sort_values(ascending=False)
    listed = ", ".join(f"{name} {int(count)}" for name, count in winners.items() if count)
    euler_wins = set(winners.index[winners > 0]) & set(EULER)
    why = " On broad data the excess noise of Euler steps makes up for spread that all samplers lack at few steps."
    return Finding(
        "Precise is the closest to the data at every number of steps",
        _verdict(alone.tolist()),
        f"Of {len(wide)} cases ({', '.join(map(str, USUAL_STEPS))} steps, each sampler at its own eta) it is alone the "
        f"closest in {int(alone.sum())}; alone the closest: {listed or 'nobody'}.{why if euler_wins else ''}",
    )


def _memory(study: SamplerStudy) -> Finding | None:
    found = {kind: study.at(kind, "memory", "gaussian", 10, 1.0, 1.0) for kind in _own(study, (*EULER, *EXCHANGE))}
    known = {kind: value for kind, value in found.items() if value is not None}
    precise = [value for kind, value in known.items() if kind.sampler == "precise"]
    if not precise:
        return None
    listed = ", ".join(f"{value:.3g} ({kind.label})" for kind, value in known.items())
    return Finding(
        "Precise forgets the initial noise",
        _verdict(value < 1e-12 for value in precise),
        f"Share of the output's variance that is the initial noise, 10 steps, even grid: {listed}.",
    )


def _compared(study: SamplerStudy, first: Kind, second: Kind) -> Comparison | None:
    if first not in study.curves or second not in study.curves:
        return None
    return paired_difference(study.curves[first].final.values, study.curves[second].final.values)


def _signed(found: Comparison, decimals: int = 4) -> str:
    mean, half = found.difference.mean, found.difference.half_width
    return f"{mean:+.{decimals}f}" + ("" if half is None else f" ± {half:.{decimals}f}") + f" ({found.verdict})"


def _trains_best(study: SamplerStudy) -> Finding | None:
    precise = study.own.get("precise")
    if precise is None or precise not in study.curves:
        return None
    compared = {kind: _compared(study, precise, kind) for kind in _own(study, BASELINES)}
    known = {kind: found for kind, found in compared.items() if found is not None}
    if not known:
        return None
    order = sorted(study.curves, key=lambda kind: -study.curves[kind].final.mean)
    ranking = ", ".join(f"{kind.label} {study.curves[kind].final.mean:.4f}" for kind in order)
    single = any(found.verdict == "one seed" for found in known.values())
    return Finding(
        "GRPO reaches the highest reward under Precise",
        UNKNOWN if single else _verdict(found.verdict == "higher" for found in known.values()),
        f"{precise.label} minus each baseline, paired by seed: "
        f"{', '.join(f'{kind.label} {_signed(found)}' for kind, found in known.items())}. "
        f"All, best first: {ranking}. {_seeds(known.values())}",
    )


def _seeds(found: Iterable[Comparison]) -> str:
    fewest = min(one.difference.seeds for one in found)
    return f"{fewest} seeds" + ("." if fewest >= 8 else "; a claim of this kind wants at least 8.")


def _time_to_match(study: SamplerStudy) -> Finding | None:
    precise, baseline = study.own.get("precise"), study.best_baseline
    if precise is None or baseline is None or precise not in study.curves:
        return None
    goal, whole = study.curves[baseline].final.mean, study.curves[baseline].steps[-1]
    own, needed = study.curves[baseline].steps_to(goal), study.curves[precise].steps_to(goal)
    claim = "Precise needs fewer training steps to match the best baseline"
    if needed is None or own is None:
        return Finding(
            claim,
            FAILS,
            f"{precise.label} never reaches the {goal:.4f} at which {baseline.label} ends ({whole} steps).",
        )
    steps = [study.curves[kind].steps_by_seed(goal) for kind in (baseline, precise)]
    found = paired_difference(*steps)
    verdict = UNKNOWN if found is None else {"higher": HOLDS, "lower": FAILS}.get(found.verdict, UNKNOWN)
    paired = "" if found is None else f" Seed by seed, steps saved: {_signed(found, 0)}."
    return Finding(
        claim,
        verdict,
        f"The mean under {precise.label} first reaches the final {goal:.4f} of {baseline.label} after {needed:.0f} "
        f"steps, that under {baseline.label} itself after {own:.0f} of {whole}: {100 * (1 - needed / own):.0f} % "
        f"fewer (the paper: 13 to 53 % on image models).{paired}",
    )


def _two_by_two(study: SamplerStudy) -> Finding | None:
    pairs = [
        (Kind(ours, eta), Kind(theirs, eta))
        for ours, theirs in (("precise", "flow_sde"), ("dance_precise", "dance_sde"))
        for eta in study.etas(theirs)
    ]
    compared = [(first, second, _compared(study, first, second)) for first, second in pairs]
    known = [(first, second, found) for first, second, found in compared if found is not None]
    if not known:
        return None
    single = any(found.verdict == "one seed" for _, _, found in known)
    listed = ", ".join(f"{first.label} minus {second.label} {_signed(found)}" for first, second, found in known)
    return Finding(
        "At equal noise schedule and eta the exact transition trains better than Euler's",
        UNKNOWN if single else _verdict(found.verdict == "higher" for _, _, found in known),
        f"Difference in final reward, paired by seed: {listed}.",
    )
