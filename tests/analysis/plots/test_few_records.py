"""Every picture can be drawn of the least there is to see, and says nothing that is not there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from analysis.hacking import point_features, verdicts_of
from analysis.plots import (
    anytime_figure,
    assign_looks,
    attainment_figure,
    control_figure,
    cosine_figure,
    drawing,
    front_figure,
    hacking_figure,
    overview_figure,
    pairwise_figure,
    part_figure,
    sensitivity_figure,
)
from analysis.plots.hacking import Judged
from analysis.sensitivity import sensitivity_of
from analysis.summary import Summary, summarize
from benchmarks.records import RUN_FILE
from tests.analysis.synthetic_pictures import add_held_out
from tests.analysis.synthetic_records import RECIPES, Recipe, Task, write_tree
from tests.support.figures import overlapping_words, sheet_of


def figures_of(summary: Summary) -> dict[str, Figure | None]:
    looks, part = assign_looks(summary.methods), summary.benchmarks[0]
    verdicts, ranks = verdicts_of(part), sensitivity_of(part)
    judged = Judged(part, verdicts, {one.method: point_features(part, one) for one in verdicts})
    named = {part.record.name: part}
    with drawing():
        return {
            "overview": overview_figure(summary, looks),
            "fronts": front_figure(part, looks),
            "pairwise": pairwise_figure(part, looks),
            "attainment": attainment_figure(part, looks),
            "anytime": anytime_figure(named, looks),
            "sensitivity": sensitivity_figure({} if ranks is None else {part.record.name: ranks}, looks),
            "hacking": hacking_figure([judged], looks),
            "control": control_figure(named, looks),
            "gradients": cosine_figure(part),
            "gradient-parts": part_figure(part),
        }


def drawn_of(summary: Summary) -> set[str]:
    """Return which pictures there are; each can be drawn, and no word covers another."""
    figures = {name: figure for name, figure in figures_of(summary).items() if figure is not None}
    for name, figure in figures.items():
        assert overlapping_words(sheet_of(figure)) == [], name
    return set(figures)


def change(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    for path in sorted(folder.glob(f"*/*/seed*/{RUN_FILE}")):
        content = json.loads(path.read_text())
        edit(content)
        path.write_text(json.dumps(content))


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 4])
def test_one_point_of_one_method_and_one_seed(tmp_path: Path, n_objectives: int) -> None:
    task = Task("only", n_objectives, known_front=False)
    folder = write_tree(tmp_path, (task,), (Recipe("one", 0.5, divisions=1),), (0,), prompts=1, samples=1)
    assert drawn_of(summarize(folder)) == {"overview", "fronts"} | ({"pairwise"} if n_objectives == 4 else set())


def test_costs_of_nothing_have_a_place(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("free", 2),), (RECIPES[2],), (0, 1))

    def edit(content: dict[str, Any]) -> None:
        for checkpoint in content["checkpoints"]:
            checkpoint["reward_calls"] = 0

    change(folder, edit)
    sheet = sheet_of(figures_of(summarize(folder))["anytime"])
    assert [panel.x.log for panel in sheet.panels] == [True, True, False, True]


@pytest.mark.parametrize("n_objectives", [2, 3])
def test_seeds_that_reach_the_same_place(tmp_path: Path, n_objectives: int) -> None:
    task = Task("same", n_objectives)
    folder = write_tree(tmp_path, (task,), (Recipe("one", 0.0, divisions=1), Recipe("two", 0.0, divisions=1)), (0, 1))
    assert {"attainment", "fronts", "sensitivity"} <= drawn_of(summarize(folder))


def test_long_and_strange_names_keep_to_their_places(tmp_path: Path) -> None:
    name = "a_method_with_a_name_that_goes_on_$5_to_$7_and_on"
    recipes = (Recipe(name, 0.9, shares=(0.2, 1.0)), Recipe("b", 0.5), Recipe("c", 0.7, divisions=3))
    folder = write_tree(tmp_path, (Task("two-targets", 2, unit="very long units"),), recipes, (0, 1))
    for run in sorted(folder.glob("*/*/seed*")):
        add_held_out(run, "clean", [5.0] * 22 if run.parent.name != "c" else [5.0] * 5)
    assert {"overview", "fronts", "attainment", "anytime", "sensitivity"} <= drawn_of(summarize(folder))
