"""The picture of ranks above moved reference points."""

import numpy as np

from analysis.plots import assign_looks, drawing, sensitivity_figure
from analysis.plots.sensitivity import mean_ranks
from analysis.sensitivity import relations, sensitivity_of
from analysis.summary import Summary
from tests.support.figures import overlapping_words, points_in, sheet_of


def test_ranks_are_those_of_the_volumes(suite_summary: Summary) -> None:
    found = {part.record.name: one for part in suite_summary.benchmarks if (one := sensitivity_of(part)) is not None}
    looks = assign_looks(suite_summary.methods)
    with drawing():
        sheet = sheet_of(sensitivity_figure(found, looks))
    for panel, (name, one) in zip(sheet.panels, found.items(), strict=True):
        assert panel.title == name
        for m, method in enumerate(one.methods):
            drawn = points_in(panel, color=looks[method].color, marker="None")
            expected = [mean_ranks(one.volumes[r].mean(axis=1))[m] for r in one.diagonal]
            np.testing.assert_allclose(drawn[:, 1], expected)
            hollow = points_in(panel, color=looks[method].color, markerfacecolor="white")[:, 0]
            below = []
            for place, r in enumerate(one.diagonal):
                best = one.volumes[r].mean(axis=1).argmax()
                below += [place] if relations(one.volumes[r])[best, m] == 1.0 else []
            np.testing.assert_allclose(hollow, below, atol=1e-9)
        # Best at the top.
        assert panel.y.low > panel.y.high
    assert overlapping_words(sheet) == []
    assert sensitivity_figure({}, looks) is None
