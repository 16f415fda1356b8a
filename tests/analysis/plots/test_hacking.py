"""The picture of what is paid for rewards."""

from pathlib import Path

import numpy as np
import pytest

from analysis.front import oriented
from analysis.hacking import point_features, verdicts_of
from analysis.plots import assign_looks, drawing, hacking_figure
from analysis.plots.hacking import Judged, gains_of
from analysis.plots.sheets import Sheet
from analysis.summary import BenchmarkSummary, summarize
from tests.analysis.synthetic_pictures import add_features, add_held_out, add_real_features
from tests.analysis.synthetic_records import TASKS, Recipe, Task, write_tree
from tests.support.figures import overlapping_words, points_in, sheet_of

SLIDER = Recipe("pareto_slider", 0.95, divisions=4)
FALLS = [5.0, 5.1, 4.0, 5.0, 3.0, 5.2]


def judged_of(part: BenchmarkSummary) -> Judged:
    verdicts = verdicts_of(part)
    return Judged(part, verdicts, {one.method: point_features(part, one) for one in verdicts})


def figure_of(*judged: Judged) -> Sheet:
    with drawing():
        return sheet_of(hacking_figure(judged, assign_looks(judged[0].part.fronts)))


def test_flagged_points_are_hollow_in_front_and_price(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (SLIDER,), (0, 1))
    for run in sorted(folder.glob("*/*/seed*")):
        add_held_out(run, "clean", FALLS)
    judged = judged_of(summarize(folder).benchmarks[0])
    sheet = figure_of(judged)
    front, price = sheet.panels
    assert (front.title, price.title) == ("front", "clean")
    (verdict,) = judged.verdicts
    assert verdict.flagged == [1, 3]
    hollow = points_in(price, markerfacecolor="none")
    expected = [[verdict.points[i].asked.mean, verdict.points[i].changes["clean"].mean] for i in (1, 3)]
    np.testing.assert_allclose(hollow, expected, atol=1e-9)
    mean = np.mean([one.points for one in verdict.fronts.values()], axis=0)
    np.testing.assert_allclose(points_in(front, markerfacecolor="none"), mean[[1, 3]], atol=1e-9)
    assert "hollow: flagged" in sheet.entries
    assert overlapping_words(sheet) == []


def test_drift_and_diversity_stand_beside_the_front(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (SLIDER,), (0, 1))
    for run in sorted(folder.glob("*/*/seed*")):
        add_held_out(run, "clean", FALLS)
        add_features(run, shift=(2.0, 0.5), spread=(1.0, 0.25))
    add_real_features(folder / "two-targets")
    judged = judged_of(summarize(folder).benchmarks[0])
    sheet = figure_of(judged)
    assert [panel.title for panel in sheet.panels] == ["front", "clean", "distance to real data", "diversity"]
    (verdict,) = judged.verdicts
    for panel, name in zip(sheet.panels[2:], ("frechet", "diversity"), strict=True):
        changes = [at.mean for at in judged.features["pareto_slider"][name]]
        for fill, kept in (("none", [1, 3]), (assign_looks(["pareto_slider"])["pareto_slider"].color, [0, 2, 4])):
            expected = [[verdict.points[i].asked.mean, changes[i]] for i in kept]
            np.testing.assert_allclose(points_in(panel, markerfacecolor=fill), expected, atol=1e-9)
    # Less distance is better, and better is up.
    assert sheet.panels[2].y.low > sheet.panels[2].y.high
    assert sheet.panels[3].y.low < sheet.panels[3].y.high


@pytest.mark.parametrize("n_objectives", [3, 4])
def test_more_rewards_are_strips_of_gains(tmp_path: Path, n_objectives: int) -> None:
    task = Task("many", n_objectives, minimized=(1,))
    recipes = (Recipe("one", 0.8, divisions=2), Recipe("two", 0.6, divisions=2))
    folder = write_tree(tmp_path, (task,), recipes, (0, 1))
    count = len(summarize(folder).benchmarks[0].fronts["one"][0].points)
    for run in sorted(folder.glob("*/*/seed*")):
        add_held_out(run, "clean", [5.0, *(4.0 + 0.5 * (index % 4) for index in range(count))])
    judged = judged_of(summarize(folder).benchmarks[0])
    sheet = figure_of(judged)
    looks = assign_looks(judged.part.fronts)
    assert judged.part.base is not None
    for verdict in judged.verdicts:
        drawn = points_in(sheet.panels[0], marker=looks[verdict.method].marker)
        raw = oriented(np.mean([one.points for one in verdict.fronts.values()], axis=0), judged.part.yardstick.rewards)
        base = oriented(judged.part.base, judged.part.yardstick.rewards)
        gains = gains_of(judged.part, verdict)
        # Bounds are one unit apart, and a cost that falls is a gain.
        signs = np.where(np.arange(n_objectives) == 1, -1.0, 1.0)
        np.testing.assert_allclose(gains, (raw - base) * signs, atol=1e-9)
        for row in range(n_objectives):
            here = np.sort(drawn[np.abs(drawn[:, 1] - row) < 0.5][:, 0])
            np.testing.assert_allclose(here, np.sort(gains[:, row]), atol=1e-9)


def test_where_nothing_is_known_nothing_is_drawn(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (SLIDER,), (0,))
    add_held_out(next(folder.glob("*/*/seed*")), "clean", FALLS)
    part = summarize(folder).benchmarks[0]
    assert hacking_figure([judged_of(part)], assign_looks(part.fronts)) is None
    assert hacking_figure([], {}) is None
