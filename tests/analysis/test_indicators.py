"""Every indicator on awkward sets of two to six rewards, against moocore, pymoo and exact or naive twins.

What single indicators promise (invariances, refusals, closed forms) is tested beside each of them; here all agree to
1e-12 on sets with dominated, equal and tied points, and points below or on the edge of the reference point.
"""

import ast
import doctest
import re
import warnings
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import numpy.typing as npt
import pytest

from analysis.attainment import attained_share, attainment_gains, attainment_surface, attainment_volumes
from analysis.dominance import additive_epsilon, coverage, expected_utility, igd_plus, lattice_divisions, normalize
from analysis.front import non_dominated
from analysis.hypervolume import hypervolume
from tests.support import oracles_fronts as oracles

Array = npt.NDArray[np.float64]
OBJECTIVES = (2, 3, 4, 5, 6)
KINDS = ("random", "dominated and equal", "tied", "below the corner", "on the corner", "one", "far apart")
TIGHT = 1e-12


def awkward(kind: str, n_objectives: int) -> Array:
    """A set of a kind above the corner 0, at most 8 points."""
    generator = np.random.default_rng([KINDS.index(kind), n_objectives])
    points: Array = generator.uniform(0.05, 1.0, size=(7, n_objectives))
    if kind == "dominated and equal":
        points = np.concatenate([points[:5], points[:2], points[:1] * 0.5])
    elif kind == "tied":
        points = np.ceil(points * 3.0) / 4.0
    elif kind == "below the corner":
        points = generator.uniform(-0.5, 1.0, size=(7, n_objectives))
        points[0] = -1.0
    elif kind == "on the corner":
        points[::2, 0] = 0.0
    elif kind == "one":
        points = points[:1]
    elif kind == "far apart":
        # Units that differ by twelve orders of magnitude.
        points = points * 10.0 ** np.linspace(-6.0, 6.0, n_objectives)
    return points


cases = pytest.mark.parametrize(
    ("kind", "n_objectives"), [(kind, n_objectives) for kind in KINDS for n_objectives in OBJECTIVES]
)


def pymoo_class(module: str, name: str) -> Any:
    """Return a class of pymoo, whose import warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(__import__(module, fromlist=[name]), name)


@cases
def test_hypervolume_equals_exact_arithmetic_moocore_and_pymoo(kind: str, n_objectives: int) -> None:
    points, corner = awkward(kind, n_objectives), np.zeros(n_objectives)
    found = hypervolume(points, reference_point=corner)
    assert found == pytest.approx(float(oracles.hypervolume_by_slices(points, corner)), rel=TIGHT, abs=0.0)
    assert found == pytest.approx(moocore.hypervolume(points, ref=corner, maximise=True), rel=TIGHT, abs=0.0)
    by_pymoo = pymoo_class("pymoo.indicators.hv", "HV")(ref_point=-corner)(-points)
    assert found == pytest.approx(float(by_pymoo), rel=TIGHT, abs=0.0)


@cases
def test_leaving_a_point_out_loses_its_contribution(kind: str, n_objectives: int) -> None:
    points, corner = awkward(kind, n_objectives), np.zeros(n_objectives)
    points = points[non_dominated(points)]  # a dominated one comes to the fore when its better is gone
    whole = hypervolume(points, reference_point=corner)
    lost = [
        whole - hypervolume(np.delete(points, index, axis=0), reference_point=corner) for index in range(len(points))
    ]
    expected = moocore.hv_contributions(points, ref=corner, maximise=True)
    np.testing.assert_allclose(lost, expected, rtol=0.0, atol=TIGHT * max(whole, 1e-300))


@cases
def test_non_dominated_points_are_the_first_rank_of_moocore_and_pymoo(kind: str, n_objectives: int) -> None:
    points = awkward(kind, n_objectives)
    found = non_dominated(points)
    assert found.tolist() == oracles.naive_non_dominated(points)
    first_rank = np.flatnonzero(np.asarray(moocore.pareto_rank(-points)) == 0)
    sorting = pymoo_class("pymoo.util.nds.non_dominated_sorting", "NonDominatedSorting")()
    by_pymoo = np.sort(sorting.do(-points, only_non_dominated_front=True))
    assert first_rank.tolist() == by_pymoo.tolist()
    # Both keep all of several equal points, we the first.
    kept = {tuple(point) for point in points[found]}
    assert kept == {tuple(point) for point in points[first_rank]}
    assert len(kept) == found.sum()


@cases
def test_distances_equal_their_definitions_and_pymoo(kind: str, n_objectives: int) -> None:
    points, targets = awkward(kind, n_objectives), awkward("random", n_objectives)
    found = igd_plus(points, reference_set=targets)
    assert found == pytest.approx(oracles.naive_igd_plus(points, targets), rel=TIGHT, abs=1e-15)
    by_pymoo = pymoo_class("pymoo.indicators.igd_plus", "IGDPlus")(-targets)(-points)
    assert found == pytest.approx(float(by_pymoo), rel=TIGHT, abs=1e-15)
    found = additive_epsilon(points, reference_set=targets)
    assert found == pytest.approx(oracles.naive_additive_epsilon(points, targets), rel=TIGHT, abs=1e-15)
    # The minimizing convention of the definition, on the negated sets.
    by_moocore = moocore.epsilon_additive(-points, ref=-targets)
    assert found == pytest.approx(float(by_moocore), rel=TIGHT, abs=1e-15)


@cases
def test_coverage_and_utility_equal_their_definitions(kind: str, n_objectives: int) -> None:
    points, others = awkward(kind, n_objectives), awkward("tied", n_objectives)
    assert coverage(points, others) == oracles.naive_coverage(points, others)
    assert coverage(others, points) == oracles.naive_coverage(others, points)
    if n_objectives <= 4:
        few = points[:3]
        expected = oracles.utility_over_lattice(few, lattice_divisions(n_objectives))
        assert expected_utility(few) == pytest.approx(expected, rel=TIGHT)
    # Weights are spread evenly, so one point is worth the mean of its rewards.
    assert expected_utility(points[:1]) == pytest.approx(points[0].mean(), rel=TIGHT)


@cases
def test_indicators_follow_a_change_of_units(kind: str, n_objectives: int) -> None:
    # Normalizing by the bounds undoes any change of units.
    points, targets = awkward(kind, n_objectives), awkward("random", n_objectives)
    units, origin = np.linspace(0.5, 3.0, n_objectives), np.linspace(-2.0, 2.0, n_objectives)
    bounds = np.tile([0.0, 2.0], (n_objectives, 1))
    before = normalize(points, bounds), normalize(targets, bounds)
    moved = bounds * units[:, None] + origin[:, None]
    after = normalize(points * units + origin, moved), normalize(targets * units + origin, moved)
    scale = max(1.0, float(np.abs(before[0]).max()))
    for indicator in (igd_plus, additive_epsilon):
        expected = indicator(before[0], reference_set=before[1])
        assert indicator(after[0], reference_set=after[1]) == pytest.approx(expected, abs=TIGHT * scale)


def test_sets_of_nothing_fill_nothing() -> None:
    for n_objectives in OBJECTIVES:
        assert hypervolume(np.zeros((0, n_objectives)), reference_point=np.zeros(n_objectives)) == 0.0
        assert non_dominated(np.zeros((0, n_objectives))).shape == (0,)


@pytest.mark.parametrize("n_objectives", [2, 3])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "far apart"])
def test_levels_of_attainment_share_the_mean_hypervolume(kind: str, n_objectives: int) -> None:
    sets = [awkward(kind, n_objectives), *(awkward(other, n_objectives) for other in ("random", "tied", "one"))]
    corner = np.zeros(n_objectives)
    shares = (0.25, 0.5, 0.75, 1.0)
    volumes = attainment_volumes(sets, reference_point=corner, shares=shares)
    mean = np.mean([hypervolume(one, reference_point=corner) for one in sets])
    # A place that m of 4 seeds attain lies below m of the 4 surfaces.
    assert sum(volumes.values()) / 4.0 == pytest.approx(mean, rel=TIGHT)
    for share in shares:
        surface = attainment_surface(sets, share=share)
        assert (attained_share(sets, surface) >= share).all()
        assert (attained_share(sets, surface + 1e-9) < share).all()
    gains = attainment_gains(sets[:2], sets[2:], reference_point=corner)
    means = [np.mean([hypervolume(one, reference_point=corner) for one in half]) for half in (sets[:2], sets[2:])]
    assert gains.first - gains.second == pytest.approx(means[0] - means[1], abs=TIGHT)


# Every function shows what it returns.

ANALYSIS = Path(__file__).parents[2] / "analysis"
SHOWN_ELSEWHERE = {
    "files of a run, of which the tests write small ones": {
        "comparison.compare", "gradient_records.read_gradients", "gradient_records.read_gramians",
        "held_out.held_out_by_run", "held_out.read_features", "matching.match_folders", "pictures.exhibition_of",
        "pictures.read_pictures", "reading.checked_runs", "reading.measured", "reading.read_suite",
        "samplers.read_study", "states.read_sides", "states.read_state", "summary.summarize",
    },
    "runs or the summary of a suite, which come from files": {
        "anytime.cost_curves", "anytime.common_range", "hacking.point_features", "hacking.verdicts_of",
        "metrics.default_metrics", "metrics.higher_is_better", "metrics.values_of", "quantities.quantities_of",
        "ranking.by_hypervolume", "reading.first_difference", "rivals.shares_by_method",
        "sampler_curves.curves_of", "sampler_findings.findings",
        "sensitivity.sensitivity_of",
    },
    "still to come": {
        "front.tallied_front",
        "held_out.feature_quantities", "held_out.watched",
    },
    "verdicts, whose doctest shows a text": {"findings.verdict", "statistics.paired_difference", "ties.tied_set"},
}  # fmt: skip


def examples_of(path: Path) -> dict[str, str]:
    """Return what the examples of the public functions of a module print, by name."""
    parser, found = doctest.DocTestParser(), {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            examples = parser.get_examples(ast.get_docstring(node) or "")
            found[f"{path.stem}.{node.name}"] = "".join(example.want for example in examples)
    return found


def test_every_function_of_numbers_shows_a_number() -> None:
    printed = {name: text for path in sorted(ANALYSIS.glob("*.py")) for name, text in examples_of(path).items()}
    assert len(printed) > 80
    silent = {name for name, text in printed.items() if not re.search(r"\d|True|False", text)}
    excused = set().union(*SHOWN_ELSEWHERE.values())
    assert silent - excused == set(), "a public function needs a doctest that prints a number"
    assert excused - silent == set(), "an exception that is none any more"
