"""The picture of what sliders answer."""

from pathlib import Path

import numpy as np

from analysis.plots import (
    assign_looks,
    control_figure,
    drawing,
)
from analysis.plots.control import responses_of
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import TASKS, Recipe, write_tree
from tests.support.figures import drawn, points_of


def test_responses_are_means_in_the_units_of_the_records(suite_summary: Summary) -> None:
    parts = {part.record.name: part for part in suite_summary.benchmarks}
    looks = assign_looks(suite_summary.methods)
    with drawing():
        figure = drawn(control_figure(parts, looks))
    assert [axes.get_xlabel() for axes in figure.axes] == ["weight of r0", "weight of r1"] * 2
    assert [axes.yaxis_inverted() for axes in figure.axes] == [False, True, False, False]
    part = parts["two-costs"]
    cost = responses_of(part)["pareto_slider"][1]
    assert cost.values.shape == (3, 21)
    front = part.fronts["pareto_slider"][0]
    assert front.preferences is not None
    at = int(np.argmax(front.preferences[:, 1]))
    # Stored as a cost: negated, it is what the front maximizes.
    assert cost.values[0, -1] == -front.points[at, 1]
    assert "fixed_weights" not in responses_of(part)
    assert control_figure({"three-targets": parts["three-targets"]}, looks) is None


def test_wasted_preferences_are_crossed(tmp_path: Path) -> None:
    # A model that hardly answers: noise decides, and some preferences are dominated.
    summary = summarize(write_tree(tmp_path, TASKS[:1], (Recipe("blunt", 0.05),), (0,)))
    part = summary.benchmarks[0]
    response = responses_of(part)["blunt"][0]
    assert 0 < response.wasted.sum() < 21
    with drawing():
        figure = drawn(control_figure({"two-targets": part}, assign_looks(["blunt"])))
    crossed = points_of(figure.axes[0], marker="x")
    assert crossed[:, 0].tolist() == response.weights[response.wasted].tolist()
    assert not figure.axes[0].collections
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["blunt", "wasted preference"]
