"""Figures for print: at their true size, readable, within the page, and the same bytes for the same records."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis.pictures import exhibition_of
from analysis.plots.paper import paper_figures
from analysis.plots.paper_attainment import attainment_figure
from analysis.plots.paper_curves import anytime_figure, control_figure
from analysis.plots.paper_fronts import front_figure
from analysis.plots.paper_grids import cosine_figure, mean_cosines, sliders_of, strip_figure
from analysis.plots.paper_style import ICML, NEURIPS, Page, lay_out, legend_beneath, mark, new_figure, pdf_of, printing
from analysis.plots.paper_style import render_for_print as render
from analysis.plots.paper_text import SMALL, folded, spread, text_width
from analysis.plots.paper_volumes import suite_figures, volume_figure
from analysis.plots.style import COLORS, MARKERS, SURE_COLORS, Look, assign_looks
from analysis.report.headline import best_and_tied
from analysis.summary import BASE, BenchmarkSummary, Summary, summarize
from benchmarks.pictures import Gallery
from tests.analysis.synthetic_pictures import pictures_below
from tests.analysis.synthetic_records import GRADIENT_RECIPES, RECIPES, Recipe, Task, write_tree
from tests.support.color_blindness import VISION, lab, least_distance
from tests.support.print_figures import beyond, overlap, page_size, visible_texts

LEAST = 6.0
"""Size of type that print can bear [points]."""
LEAST_DISTANCE = 16.0
"""In CIELAB, between the nearest two of all colors, however somebody sees."""
SLIDER = Recipe("pareto_slider", 0.95, divisions=10)
SPECIALISTS = Recipe("specialists", 0.8, models=3, divisions=1)


def part_of(summary: Summary, name: str) -> BenchmarkSummary:
    return {part.record.name: part for part in summary.benchmarks}[name]


def figures_of(part: BenchmarkSummary, page: Page = ICML) -> Iterator[tuple[str, Figure]]:
    looks = assign_looks(part.fronts)
    yield from ((kind, figure) for kind, _, figure in paper_figures(part, looks, page, best_and_tied(part), None))


def require_printable(figure: Figure, width: float) -> None:
    """Check a figure as it is rendered: size, fonts, type size, nothing outside, no legend over a panel."""
    lay_out(figure)
    pdf = pdf_of(figure)
    across, up = page_size(pdf)
    assert across == pytest.approx(width, abs=1e-6)
    assert up == pytest.approx(figure.get_figheight(), abs=1e-6)
    assert b"/CIDFontType2" in pdf or b"/TrueType" in pdf
    assert b"/Type3" not in pdf
    assert b"Date" not in pdf
    assert beyond(figure) <= 0.01
    assert min(float(text.get_fontsize()) for text in visible_texts(figure)) >= LEAST
    for legend, axes in itertools.product(figure.legends, figure.axes):
        drawn = axes.get_tightbbox()
        assert drawn is not None
        assert overlap(legend.get_window_extent(), drawn) == 0.0


def test_two_rewards_fit_a_column(suite_summary: Summary) -> None:
    with printing():
        found = dict(figures_of(part_of(suite_summary, "two-targets")))
        assert list(found) == ["front", "hypervolume", "anytime", "attainment", "control"]
        for figure in found.values():
            require_printable(figure, ICML.column)


@pytest.mark.parametrize("name", ["three-targets", "four-targets"])
def test_more_rewards_take_the_page(suite_summary: Summary, name: str) -> None:
    part = part_of(suite_summary, name)
    with printing():
        front = front_figure(part, assign_looks(part.fronts), ICML)
        assert front is not None
        assert len(front.axes) == (3 if name == "three-targets" else 1)
        require_printable(front, ICML.full)


def test_many_rewards_and_long_names_are_printable(tmp_path: Path) -> None:
    recipes = [Recipe(f"a_method_of_long_name_{index:02d}", 0.5 + 0.03 * index, divisions=1) for index in range(13)]
    part = summarize(write_tree(tmp_path, (Task("seven", 7),), recipes, (0, 1))).benchmarks[0]
    with printing():
        for kind, figure in figures_of(part, NEURIPS):
            require_printable(figure, NEURIPS.full if kind == "front" else NEURIPS.column)


def test_names_without_end_are_cut(tmp_path: Path) -> None:
    recipes = [Recipe("w" * 90, 0.9, shares=(0.2, 1.0)), Recipe("v" * 90, 0.8, gradients="plain_sum")]
    part = summarize(write_tree(tmp_path, (Task("two", 2, unit="m" * 99),), recipes, (0, 1))).benchmarks[0]
    with printing():
        found = dict(figures_of(part, NEURIPS))
        assert list(found) == ["front", "hypervolume", "anytime", "attainment", "control", "cosines"]
        for figure in found.values():
            require_printable(figure, NEURIPS.column)


def test_one_method_one_seed_and_no_base_model_can_be_drawn(tmp_path: Path) -> None:
    part = summarize(write_tree(tmp_path, (Task("open", 2, known_front=False),), RECIPES[2:], (0,))).benchmarks[0]
    bare = replace(part, base=None, rows=tuple(row for row in part.rows if row.method != BASE))
    with printing():
        found = dict(figures_of(bare))
        assert list(found) == ["front", "hypervolume", "anytime", "control"]
        for figure in found.values():
            require_printable(figure, ICML.column)


def test_one_reward_has_no_front(tmp_path: Path) -> None:
    part = summarize(write_tree(tmp_path, (Task("one", 1),), RECIPES[:2], (0, 1))).benchmarks[0]
    with printing():
        assert [kind for kind, _ in figures_of(part)] == ["hypervolume"]


def test_equal_records_give_equal_bytes(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-costs")
    with printing():
        first, second = ([render(figure) for _, figure in itertools.islice(figures_of(part), 2)] for _ in range(2))
    assert first == second
    for _, svg in first:
        assert b'width="234pt"' in svg
        assert b"<dc:date>" not in svg
        assert b"<text" not in svg


def test_users_settings_come_back() -> None:
    before = matplotlib.rcParams["pdf.fonttype"]
    with printing():
        assert matplotlib.rcParams["pdf.fonttype"] == 42
    assert matplotlib.rcParams["pdf.fonttype"] == before


def test_costs_run_backwards_and_say_so(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-costs")
    with printing():
        for draw in (front_figure, attainment_figure):
            figure = draw(part, assign_looks(part.fronts), ICML)
            assert figure is not None
            (axes,) = figure.axes
            assert axes.yaxis_inverted()
            assert not axes.xaxis_inverted()
            assert (axes.get_xlabel(), axes.get_ylabel()) == ("r0 [s] ↑", "r1 [s] ↓")


def test_a_far_base_model_is_named_with_its_place(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-targets")
    looks = assign_looks(part.fronts)
    with printing():
        near, far = (front_figure(replace(part, base=np.full(2, at)), looks, ICML) for at in (0.7, -5.125))
        assert near is not None
        assert far is not None
        names = [[text.get_text() for text in figure.legends[0].get_texts()] for figure in (near, far)]
    methods = ["fixed_weights", "nft_preference", "pareto_slider"]
    assert names[0] == [*methods, "true front", "base model"]
    assert names[1] == [*methods, "true front", "base model at (\N{MINUS SIGN}5.12, \N{MINUS SIGN}5.12)"]
    assert near.axes[0].get_xlim() == far.axes[0].get_xlim()


def test_hypervolumes_are_sorted_and_marked(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-targets")
    rows = {row.method: row.quantities["share_of_true_hypervolume"].mean for row in part.rows if row.last}
    order = sorted(rows, key=lambda method: -rows[method])
    assert order[-1] == BASE
    with printing():
        figure = volume_figure(part, assign_looks(part.fronts), ICML, (order[0], frozenset({order[1]})))
        assert figure is not None
        labels = figure.axes[0].get_yticklabels()
        assert [label.get_text() for label in labels] == [order[0], f"= {order[1]}", *order[2:]]
        assert [label.get_fontweight() for label in labels] == ["bold", "normal", "normal", "normal"]
        marks = [line for line in figure.axes[0].get_lines() if line.get_marker() in (*MARKERS, "*")]
        means = [float(np.asarray(line.get_xdata())[0]) for line in marks]
    assert means == pytest.approx([rows[method] for method in order])


def test_a_suite_is_one_figure_with_the_best_filled(suite_summary: Summary) -> None:
    looks = assign_looks(suite_summary.methods)
    marks = {part.record.name: ("pareto_slider", frozenset[str]()) for part in suite_summary.benchmarks}
    with printing():
        (figure,) = suite_figures(suite_summary.benchmarks, looks, ICML, marks)
        require_printable(figure, ICML.full)
        assert suite_figures(suite_summary.benchmarks[:1], looks, ICML, marks) == []
        assert len(suite_figures(suite_summary.benchmarks * 2, looks, ICML, marks)) == 2
    for axes in figure.axes:
        filled = {
            str(line.get_marker()): line.get_markerfacecolor()
            for line in axes.get_lines()
            if line.get_marker() in MARKERS
        }
        best = looks["pareto_slider"]
        assert to_hex(filled[best.marker]) == best.color.lower()
        assert {color for marker, color in filled.items() if marker != best.marker} == {"white"}


def test_names_beside_curves_stand_apart_and_in_order(tmp_path: Path) -> None:
    recipes = [Recipe(f"method_{index:02d}", 0.9 + 0.001 * index, shares=(0.2, 1.0)) for index in range(12)]
    part = summarize(write_tree(tmp_path, (Task("close", 2),), recipes, (0, 1))).benchmarks[0]
    with printing():
        figure = anytime_figure(part, assign_looks(part.fronts), ICML)
        assert figure is not None
        require_printable(figure, ICML.column)
        names = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts if text.get_text()}
    assert len(names) == 12
    assert all(overlap(one, other) == 0.0 for one, other in itertools.combinations(names.values(), 2))
    ends = {row.method: row.quantities["hypervolume"].mean for row in part.last_rows}
    assert sorted(names, key=lambda name: names[name].y0) == sorted(ends, key=lambda name: ends[name])


def test_without_checkpoints_or_sliders_there_is_no_curve(suite_summary: Summary) -> None:
    part = part_of(suite_summary, "two-targets")
    fixed = replace(
        part,
        rows=tuple(row for row in part.rows if row.method == "fixed_weights"),
        fronts={"fixed_weights": part.fronts["fixed_weights"]},
    )
    with printing():
        assert anytime_figure(fixed, assign_looks(fixed.fronts), ICML) is None
        assert control_figure(fixed, assign_looks(fixed.fronts), ICML) is None


def test_cosines_are_written_as_they_were_measured(gradient_summary: Summary) -> None:
    part = part_of(gradient_summary, "three-targets")
    with printing():
        figure = cosine_figure(part, ICML)
        assert figure is not None
        require_printable(figure, ICML.column)
        axes = figure.axes[0]
        cells = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
        assert cosine_figure(replace(part, gradients={}), ICML) is None
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert shown == sorted(recipe.name for recipe in GRADIENT_RECIPES if recipe.gradients)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["r0", "r1", "r2", "conflicts"]
    for row, method in enumerate(shown):
        found = mean_cosines(part.gradients[method])
        assert found is not None
        for column, value in enumerate(found):
            assert float(cells[row, column].replace("\N{MINUS SIGN}", "-")) == pytest.approx(value, abs=0.005)


def test_a_strip_crosses_the_page(tmp_path: Path) -> None:
    prompts = tuple(f"prompt {index} that says rather a lot about what to paint, twice or more" for index in range(6))
    suite = pictures_below(
        write_tree(tmp_path, (Task("two", 2), Task("three", 3)), (SLIDER, SPECIALISTS), (0,)), Gallery(prompts, 1)
    )
    summary = summarize(suite)
    for part in summary.benchmarks:
        shown = exhibition_of(part, summary.runs)
        assert shown is not None
        assert sliders_of(shown) == ["pareto_slider"]
        with printing():
            figure = strip_figure(shown, "pareto_slider", ICML)
            require_printable(figure, ICML.full)
            texts = [(text.get_text(), text.get_window_extent()) for text in figure.axes[0].texts]
        names = [name for name, _ in texts]
        columns = 1 + (11 if len(part.yardstick.rewards) == 2 else 4)
        assert len(figure.axes[0].get_images()) == 4 * columns
        assert names[:2] == (["base", "100:0"] if columns == 12 else ["base", "r0"])
        assert ("← weight on r0" in names) == (columns == 12)
        assert all(overlap(one, other) == 0.0 for (_, one), (_, other) in itertools.combinations(texts, 2))


def test_legends_take_as_many_columns_as_fit() -> None:
    with printing():
        for count, rows in ((2, 1), (13, 5)):
            figure = new_figure(ICML.column, 1.0)
            figure.subplots()
            legend_beneath(
                figure, {f"a_method_name_{index:02d}": mark(Look("#000000", "o"), "-") for index in range(count)}
            )
            (legend,) = figure.legends
            assert -(-count // legend._ncols) == rows  # type: ignore[attr-defined]
            assert figure.get_figheight() > 1.0
            require_printable(figure, ICML.column)


def test_names_are_no_formulas() -> None:
    look = mark(Look("#000000", "o"), "-")
    with printing():
        figure = new_figure(ICML.column, 1.0)
        figure.subplots().set_xlabel(r"a $\frac{ of 5 $")
        legend_beneath(figure, {"costs $5^2$ 漢": look})
        require_printable(figure, ICML.column)


def test_places_are_spread_as_little_as_can_be() -> None:
    assert spread([0.0, 5.0], 1.0) == [0.0, 5.0]
    assert spread([2.0, 2.0, 2.0], 1.0) == [1.0, 2.0, 3.0]
    places = np.random.default_rng(0).random(20).tolist()
    found = spread(places, 0.1)
    assert np.argsort(found).tolist() == np.argsort(places).tolist()
    assert np.diff(np.sort(found)).min() >= 0.1 - 1e-12
    # Nothing is gained by moving all of them together.
    assert np.mean(found) == pytest.approx(np.mean(places))


@pytest.mark.parametrize("text", ["short", "Wavy ↑ 漢 5", "a much longer line of words"])
def test_widths_are_those_of_drawn_text(text: str) -> None:
    with printing():
        figure = new_figure(ICML.full, 1.0)
        drawn = figure.text(0.0, 0.5, text, fontsize=SMALL)
        assert text_width(text, SMALL) == pytest.approx(drawn.get_window_extent().width / figure.dpi, rel=0.05)


@pytest.mark.parametrize(
    "text", ["short", "a sentence that has to be folded twice " * 3, "w" * 200, "漢 \x00 \u202e x"]
)
def test_folded_text_fits(text: str) -> None:
    with printing():
        lines = folded(text, 0.8, 3).split("\n")
        assert len(lines) <= 3
        assert all(text_width(line, SMALL) <= 0.8 for line in lines)


def test_colors_are_told_apart_with_color_blindness() -> None:
    assert lab(["#ffffff"], "normal")[0] == pytest.approx([100.0, 0.0, 0.0], abs=1e-3)
    # A protanope sees little between a dark red and a brown-green of equal lightness, which others tell at once.
    pair = ["#a03030", "#5c5a2e"]
    assert least_distance(pair, "protanopia") < 0.5 * least_distance(pair, "normal")
    for vision in VISION:
        assert least_distance(COLORS, vision) >= LEAST_DISTANCE, vision
    assert len(set(MARKERS[:SURE_COLORS])) == SURE_COLORS
