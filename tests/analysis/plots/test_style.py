"""Looks, settings and files."""

import matplotlib
import pytest
from matplotlib.figure import Figure

from analysis.plots.style import COLORS, MARKERS, assign_looks, axis_label, drawing, render
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
    assert len(set(assign_looks(f"m{index:02d}" for index in range(60)).values())) == 60
    assert len(set(COLORS)) == len(COLORS)
    assert len(set(MARKERS)) == len(MARKERS)


def test_users_settings_come_back() -> None:
    before = matplotlib.rcParams["font.size"]
    with drawing():
        assert matplotlib.rcParams["svg.hashsalt"] == "flowfront"
    assert matplotlib.rcParams["font.size"] == before
    with pytest.raises(ZeroDivisionError), drawing():
        raise ZeroDivisionError
    assert matplotlib.rcParams["svg.hashsalt"] is None


def test_equal_figures_give_equal_files() -> None:
    with drawing():
        first, second = render(small_figure()), render(small_figure())
    assert first == second
    assert first[0].startswith(b"\x89PNG")
    assert b"<svg" in first[1]
    assert b"<dc:date>" not in first[1]


def test_labels_say_which_end_is_better() -> None:
    score = RewardRecord(name="score", unit="", higher_is_better=True, range=(None, None))
    assert axis_label(score) == "score, more is better →"
