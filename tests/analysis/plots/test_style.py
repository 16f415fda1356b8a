"""Looks, settings and files."""

import matplotlib
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots.style import COLORS, MARKERS, assign_looks, axis_label, drawing, legend_below, render
from benchmarks.records import RewardRecord


def small_figure() -> Figure:
    figure = Figure(figsize=(2, 2), layout="constrained")
    figure.subplots().plot([0, 1], [1, 0], label="x")
    return figure


def test_looks_depend_on_the_names_alone() -> None:
    names = [f"method_{index}" for index in range(6)]
    looks = assign_looks(names)
    assert looks == assign_looks(reversed(names))
    assert len(set(looks.values())) == 6
    assert len({look.color for look in assign_looks(f"m{index:02d}" for index in range(12)).values()}) == 12
    assert len(set(assign_looks(f"m{index:02d}" for index in range(60)).values())) == 60
    assert len(set(COLORS)) == len(COLORS)
    assert len(set(MARKERS)) == len(MARKERS)


def test_users_settings_come_back() -> None:
    before = matplotlib.rcParams["font.size"]
    assert matplotlib.rcParams["axes.spines.top"]
    with drawing():
        assert matplotlib.rcParams["font.size"] != before
        assert not matplotlib.rcParams["axes.spines.top"]
    assert matplotlib.rcParams["font.size"] == before
    with pytest.raises(ZeroDivisionError), drawing():
        raise ZeroDivisionError
    assert matplotlib.rcParams["axes.spines.top"]


def test_equal_figures_give_equal_files() -> None:
    with drawing():
        first, second = render(small_figure()), render(small_figure())
    assert first == second
    assert first.startswith(b"\x89PNG")
    assert b"Software" not in first


def test_legends_get_as_many_columns_as_fit() -> None:
    entries = {f"a_rather_long_method_{index:02d}": Line2D([], []) for index in range(12)}
    for width, columns in ((20.0, 6), (5.0, 2), (1.0, 1)):
        figure = Figure(figsize=(width, 3.0), layout="constrained")
        legend_below(figure, entries, 6)
        figure.draw_without_rendering()
        (legend,) = figure.legends
        assert legend._ncols == columns  # type: ignore[attr-defined]
        assert width < 2.0 or legend.get_window_extent().width <= figure.bbox.width
    legend_below(figure, {"one": entries["a_rather_long_method_00"]}, 6)


def test_a_legend_whose_last_columns_are_short_stays_within_its_figure() -> None:
    names = ("composition", "text", "alignment", "colourfulness", "compressibility")
    figure = Figure(figsize=(4.64, 3.0), layout="constrained")
    legend_below(figure, {name: Line2D([], []) for name in names}, 5)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert legend.get_window_extent().width <= figure.bbox.width


def test_labels_say_which_end_is_better() -> None:
    score = RewardRecord(name="score", unit="", higher_is_better=True, range=(None, None))
    assert axis_label(score) == "score, more is better →"
