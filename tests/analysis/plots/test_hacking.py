"""The picture of what is paid for rewards."""

from pathlib import Path

import numpy as np

from analysis.hacking import verdicts_of
from analysis.plots import (
    assign_looks,
    drawing,
    hacking_figure,
)
from analysis.plots.hacking import Judged
from analysis.summary import summarize
from tests.analysis.synthetic_pictures import add_held_out
from tests.analysis.synthetic_records import TASKS, Recipe, write_tree
from tests.support.figures import drawn, points_of

SLIDER = Recipe("pareto_slider", 0.95, divisions=4)
FALLS = [5.0, 5.1, 4.0, 5.0, 3.0, 5.2]


def test_flagged_points_are_hollow_in_front_and_price(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (SLIDER,), (0, 1))
    for run in sorted(folder.glob("*/*/seed*")):
        add_held_out(run, "clean", FALLS)
    part = summarize(folder).benchmarks[0]
    verdicts = verdicts_of(part)
    with drawing():
        figure = drawn(hacking_figure([Judged(part, verdicts)], assign_looks(part.fronts)))
    front, price = figure.axes
    assert (front.get_title("left"), price.get_title("left")) == ("two-targets\nfront", "two-targets\nclean")
    hollow = points_of(price, markerfacecolor="none")
    expected = [[verdicts[0].points[i].asked.mean, verdicts[0].points[i].changes["clean"].mean] for i in (1, 3)]
    np.testing.assert_allclose(hollow, expected)
    assert len(points_of(front, markerfacecolor="none")) == 2
    assert "hollow: flagged" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_where_nothing_is_known_nothing_is_drawn(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (SLIDER,), (0,))
    add_held_out(next(folder.glob("*/*/seed*")), "clean", FALLS)
    part = summarize(folder).benchmarks[0]
    assert hacking_figure([Judged(part, verdicts_of(part))], assign_looks(part.fronts)) is None
    assert hacking_figure([], {}) is None
