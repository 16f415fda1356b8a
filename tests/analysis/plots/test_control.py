"""The picture of what sliders answer."""

from pathlib import Path

import numpy as np
import pytest

from analysis.plots import assign_looks, control_figure, drawing
from analysis.plots.control import metrics_of, responses_of
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import TASKS, Recipe, write_tree
from tests.support.figures import overlapping_words, points_in, sheet_of, words_on


def test_responses_are_means_in_the_units_of_the_records(suite_summary: Summary) -> None:
    parts = {part.record.name: part for part in suite_summary.benchmarks}
    looks = assign_looks(suite_summary.methods)
    with drawing():
        sheet = sheet_of(control_figure(parts, looks))
    words = words_on(sheet)
    assert [word for word in words if word.startswith("weight of")] == ["weight of r0", "weight of r1"] * 2
    assert [panel.y.low > panel.y.high for panel in sheet.panels if not panel.title.startswith("how")] == [
        False, True, False, False,
    ]  # fmt: skip
    assert overlapping_words(sheet) == []
    part = parts["two-costs"]
    cost = responses_of(part)["pareto_slider"][1]
    assert cost.values.shape == (3, 21)
    front = part.fronts["pareto_slider"][0]
    assert front.preferences is not None
    at = int(np.argmax(front.preferences[:, 1]))
    # Stored as a cost: negated, it is what the front maximizes.
    assert cost.values[0, -1] == -front.points[at, 1]
    mean = np.column_stack([cost.weights, cost.values.mean(axis=0)])
    drawn = points_in(sheet.panels[1], color=looks["pareto_slider"].color, linestyle="-")
    np.testing.assert_allclose(drawn, mean, atol=1e-9)
    assert "fixed_weights" not in responses_of(part)
    assert control_figure({"three-targets": parts["three-targets"]}, looks) is None


def test_the_numbers_of_the_table_stand_beside_the_curves(suite_summary: Summary) -> None:
    parts = {part.record.name: part for part in suite_summary.benchmarks}
    looks = assign_looks(suite_summary.methods)
    with drawing():
        sheet = sheet_of(control_figure(parts, looks))
    panels = [panel for panel in sheet.panels if panel.title == "how well the slider follows"]
    assert len(panels) == 2
    for panel, part in zip(panels, (parts["two-costs"], parts["two-targets"]), strict=True):
        rows = {row.method: row for row in part.last_rows}
        for method in responses_of(part):
            drawn = points_in(panel, color=looks[method].color)
            known = [rows[method].quantities[name].mean for name, _ in metrics_of(part)]
            assert drawn[:, 0].tolist() == pytest.approx(known)
            # One row a number, the first on top.
            assert np.round(drawn[:, 1]).tolist() == list(range(len(known)))
            assert panel.y.low > panel.y.high


def test_wasted_preferences_are_crossed(tmp_path: Path) -> None:
    # A model that hardly answers: noise decides, and some preferences are dominated.
    summary = summarize(write_tree(tmp_path, TASKS[:1], (Recipe("blunt", 0.05),), (0,)))
    part = summary.benchmarks[0]
    response = responses_of(part)["blunt"][0]
    assert 0 < response.wasted.sum() < 21
    with drawing():
        sheet = sheet_of(control_figure({"two-targets": part}, assign_looks(["blunt"])))
    crossed = points_in(sheet.panels[0], marker="x")
    np.testing.assert_allclose(crossed[:, 0], response.weights[response.wasted])
    assert not sheet.panels[0].fills
    assert list(sheet.entries) == ["blunt", "wasted preference"]
