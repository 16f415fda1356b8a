"""A page of a report with everything on it, made from synthetic records and hostile words."""

import io
from dataclasses import replace
from pathlib import Path

from PIL import Image

from analysis.report.commands import Command
from analysis.report.pages import html_page
from analysis.report.picture_page import exhibitions_of
from analysis.report.section import Section
from analysis.report.words import Words
from analysis.summary import Summary, summarize
from analysis.tables import Cell, Column, Table
from benchmarks.pictures import Gallery
from benchmarks.records import EVALUATIONS_FILE, read_table, write_table
from tests.analysis.synthetic_pictures import add_pictures
from tests.analysis.synthetic_records import Recipe, Task, write_tree

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script>"
FOREIGN = "ein rötlicher Kreis, 赤い円 и тень"
PROMPTS = (HOSTILE, FOREIGN, "a red circle")
PLANE = Task("two-costs", 2, minimized=(1,), unit=HOSTILE)
ALONE = Task("one-target", 1)
TASKS = (Task("four-targets", 4), ALONE, PLANE, Task("three-targets", 3))
SLIDER = Recipe("pareto_slider", 0.95)
MOVING = (Recipe("fixed_weights", 0.9, models=3, divisions=2), SLIDER)
SINGLE = Recipe("marble", 0.4)
ROWS = 120


def small_png(color: str = "#3366cc", size: tuple[int, int] = (12, 8)) -> bytes:
    """Return a PNG of one color."""
    stream = io.BytesIO()
    Image.new("RGB", size, color).save(stream, format="PNG")
    return stream.getvalue()


def keep_one_point(folder: Path) -> None:
    """Leave a run only the base model and one point, which others dominate, as a method without a slider has."""
    frame = read_table(folder / EVALUATIONS_FILE)
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    last = max(0, columns["point"].max() - 1)
    kept = (columns["step"] == 0) | (columns["point"] == last)
    columns = {name: values[kept] for name, values in columns.items()}
    columns["point"] = columns["point"] * 0
    # On the simplex no point dominates another; away from it this one is beaten.
    columns["reward_r0"] = columns["reward_r0"] - 0.3 * (columns["step"] > 0)
    write_table(folder / EVALUATIONS_FILE, columns)


def full_summary(out: Path) -> Summary:
    """Return benchmarks with one to four rewards; the one with two has pictures, the one with one no base model."""
    suite = write_tree(out, TASKS, (*MOVING, SINGLE), (0, 1, 2))
    for folder in sorted(suite.glob(f"*/{SINGLE.name}/seed*")):
        keep_one_point(folder)
    for folder in sorted(suite.glob(f"{PLANE.name}/*/seed0")):
        add_pictures(folder, Gallery(PROMPTS, 2))
    summary = summarize(suite)
    parts = (replace(part, base=None) if part.record.name == ALONE.name else part for part in summary.benchmarks)
    return replace(summary, benchmarks=tuple(parts))


def long_section() -> Section:
    """Return a section whose table is folded."""
    columns = (Column("name", "name", text=True), Column("value", "value", decimals=1))
    rows = tuple(
        (Cell(f"row {index}"), Cell(None if index == 7 else float((7 * index) % ROWS))) for index in range(ROWS)
    )
    return Section("Long table", (HOSTILE,), (("", Table(columns, rows, (HOSTILE,))),), (), ("fronts-two-costs",))


def full_page(summary: Summary) -> str:
    """Return the page with every part it can have."""
    return html_page(
        summary,
        {"overview": small_png(), "fronts-two-costs": small_png("#cc3333")},
        [HOSTILE],
        (long_section(),),
        exhibitions=exhibitions_of(summary),
        words=(
            Words(HOSTILE, (HOSTILE, "`code` and " + FOREIGN)),
            Words("more", tuple(f"Sentence {i}." for i in range(9))),
        ),
        ledger=Section("Ledger", (), (("", Table((Column("claim", "claim", text=True),), ((Cell(HOSTILE),),))),)),
        commands=(Command("Run it", f"flowfront run '{HOSTILE}'\nflowfront report"),),
    )
