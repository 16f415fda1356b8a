"""The picture of ranks above moved reference points."""

import numpy as np

from analysis.plots import (
    assign_looks,
    drawing,
    sensitivity_figure,
)
from analysis.plots.sensitivity import mean_ranks
from analysis.sensitivity import sensitivity_of
from analysis.summary import Summary
from tests.support.figures import drawn, points_of


def test_ranks_are_those_of_the_volumes(suite_summary: Summary) -> None:
    found = {part.record.name: one for part in suite_summary.benchmarks if (one := sensitivity_of(part)) is not None}
    looks = assign_looks(suite_summary.methods)
    with drawing():
        figure = drawn(sensitivity_figure(found, looks))
    for axes, one in zip(figure.axes, found.values(), strict=True):
        for m, method in enumerate(one.methods):
            (line,) = [a for a in axes.get_lines() if a.get_color() == looks[method].color and a.get_marker() == "None"]
            expected = [mean_ranks(one.volumes[r].mean(axis=1))[m] for r in one.diagonal]
            assert np.asarray(line.get_ydata()).tolist() == expected
        # Best at the top; its mark is filled everywhere.
        assert axes.yaxis_inverted()
        filled = points_of(axes, color=looks[one.winner].color, markerfacecolor=looks[one.winner].color)
        assert len(filled) >= len(one.diagonal)
    assert sensitivity_figure({}, looks) is None
