"""Further views of fronts in the pages: what is known is shown, what is not is said."""

from pathlib import Path

from analysis.report.attainment_table import attainment_table
from analysis.report.depth_page import depth_of
from analysis.report.pages import markdown_page, sections_of
from analysis.statistics import paired_difference
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_pictures import add_held_out
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, write_tree

HEADINGS = ["Attainment", "Hypervolume for what was spent", "Reference point"]


def test_all_views_have_sections_with_their_pictures(suite_summary: Summary) -> None:
    depth = depth_of(suite_summary)
    pictures = ["overview", "attainment-two-targets", "anytime", "sensitivity", "control", "fronts-two-targets",
                "pairwise-four-targets"]  # fmt: skip
    sections = {section.heading: section for section in sections_of(suite_summary, pictures, (), depth)}
    assert [name for name in sections if name in HEADINGS] == HEADINGS
    assert sections["Results"].pictures == ("overview", "fronts-two-targets", "pairwise-four-targets")
    assert sections["Control"].pictures == ("control",)
    assert sections["Attainment"].pictures == ("attainment-two-targets",)
    assert [title for title, _ in sections["Attainment"].tables] == ["three-targets", "two-costs", "two-targets"]
    assert [title for title, _ in sections["Reference point"].tables] == [""]
    page = markdown_page(suite_summary, pictures, [], (), depth)
    assert page.index("## Control") < page.index("## Attainment") < page.index("## Distances and gains")
    assert "Reward hacking" not in page


def test_what_is_missing_is_said_and_not_drawn(tmp_path: Path) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0,)))
    depth = depth_of(summary)
    assert dict(depth.tables) == {}
    sections = {section.heading: section for section in sections_of(summary, [], (), depth)}
    assert sections["Attainment"].lead == ("One seed, so no surfaces: two-targets (fixed_weights).",)
    assert sections["Hypervolume for what was spent"].lead == ("Evaluated at the end alone, so no curve: two-targets.",)
    assert sections["Reference point"].lead == ("One method, or no base model in the records: two-targets.",)


def test_hacking_has_a_section_where_something_was_held_out(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (Recipe("pareto_slider", 0.95, divisions=4),), (0, 1))
    for run in sorted(folder.glob("*/*/seed*")):
        add_held_out(run, "clean", [5.0, 5.1, 4.0, 5.0, 3.0, 5.2])
    summary = summarize(folder)
    depth = depth_of(summary)
    page = markdown_page(summary, ["hacking"], [], (), depth)
    section = page[page.index("## Reward hacking") :]
    assert "| pareto_slider | 5 | 2 |" in section
    assert "clean (2)" in section
    assert "![hacking](hacking.png)" in section


def test_attainment_compares_every_method_with_the_best(suite_summary: Summary) -> None:
    part = {part.record.name: part for part in suite_summary.benchmarks}["three-targets"]
    table = attainment_table(part)
    assert table.rows[0][0].value == "pareto_slider"
    assert [cell.value for cell in table.rows[0][4:6]] == [None, None]
    volumes = {row.method: row.quantities["hypervolume"] for row in part.last_rows}
    for row in table.rows[1:]:
        found = paired_difference(volumes["pareto_slider"].values, volumes[str(row[0].value)].values)
        assert found is not None
        assert isinstance(row[4].value, float)
        assert isinstance(row[5].value, float)
        assert abs(row[4].value - row[5].value - found.difference.mean) < 1e-12
    assert table.notes == ("of 3 seeds at least: 25 % is 1, 50 % is 2, 75 % is 3; volumes above the reference point",)


def test_methods_of_one_seed_have_marked_cells(tmp_path: Path) -> None:
    write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0, 1))
    part = summarize(write_tree(tmp_path, TASKS[:1], RECIPES[1:2], (0,))).benchmarks[0]
    rows = {row[0].value: row for row in attainment_table(part).rows}
    assert [cell.value for cell in rows["nft_preference"][1:]] == [None, None, None, None, None, 1]
    assert rows["fixed_weights"][1].value is not None
