"""The folder for a paper: complete, named safely, marked as the headline, and a document that compiles."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.plots.paper_style import NEURIPS
from analysis.report.depth_page import depth_of
from analysis.report.headline import headline_table as report_headline
from analysis.report.paper import file_names, paper_files
from analysis.report.paper_captions import figure_caption, seeds_of
from analysis.report.paper_tables import gains_table, headline_table, suite_table
from analysis.report.picture_page import exhibitions_of
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_pictures import add_held_out, pictures_below
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, Task, write_tree
from tests.support.print_figures import page_size

HOSTILE = r"50 %_{a}&b~#1^2$y$<z>|"


def files_of(summary: Summary) -> dict[str, bytes]:
    return paper_files(summary, depth_of(summary), exhibitions_of(summary))


def test_one_benchmark_gives_figures_tables_and_a_document(small_folder: Path) -> None:
    summary = summarize(pictures_below(small_folder))
    files = files_of(summary)
    kinds = ("front", "hypervolume", "anytime", "attainment", "control", "strip")
    names = [f"{kind}-two-targets" + ("--pareto_slider" if kind == "strip" else "") for kind in kinds]
    expected = {f"{name}.{ending}" for name in names for ending in ("pdf", "svg")}
    assert set(files) == expected | {"headline-two-targets.tex", "gains-two-targets.tex", "main.tex"}
    document = files["main.tex"].decode()
    for name in names:
        assert f"\\includegraphics{{{name}.pdf}}" in document
        assert f"\\label{{fig:{name}}}" in document
    assert "\\input{headline-two-targets}" in document
    assert files == files_of(summary)


def test_widths_are_those_of_the_page(small_folder: Path) -> None:
    summary = summarize(small_folder)
    files = paper_files(summary, depth_of(summary), (), NEURIPS)
    assert page_size(files["front-two-targets.pdf"])[0] == pytest.approx(NEURIPS.column)
    assert "textwidth=5.5in" in files["main.tex"].decode()


def test_a_suite_has_its_own_table_and_figure(tmp_path: Path) -> None:
    summary = summarize(write_tree(tmp_path, (TASKS[0], TASKS[2]), RECIPES[:2], (0, 1)))
    files = files_of(summary)
    assert {"across.tex", "overview.pdf", "overview.svg"} <= set(files)
    assert page_size(files["overview.pdf"])[0] == pytest.approx(6.75)
    assert page_size(files["front-three-targets.pdf"])[0] == pytest.approx(6.75)


def test_marks_agree_with_the_headline(suite_summary: Summary) -> None:
    headline = report_headline(suite_summary)
    best, tied = set(), set()
    for row in headline.rows:
        cells = dict(zip([column.key for column in headline.columns], row, strict=True))
        if cells["hypervolume"].best:
            best.add((cells["benchmark"].value, cells["label"].value))
        if cells["hypervolume"].tied:
            tied.add((cells["benchmark"].value, cells["label"].value))
    assert len(best) == len(suite_summary.benchmarks)
    found_best, found_tied = set(), set()
    for part in suite_summary.benchmarks:
        for line in headline_table(part, {}).to_latex().splitlines():
            method = line.split(" & ")[0].replace("\\_", "_")
            if "\\textbf" in line:
                found_best.add((part.record.name, method))
            if "{=}" in line:
                found_tied.add((part.record.name, method))
    assert (found_best, found_tied) == (best, tied - best)


def test_the_headline_has_one_row_a_method_and_no_empty_column(suite_summary: Summary) -> None:
    part = {part.record.name: part for part in suite_summary.benchmarks}["two-targets"]
    table = headline_table(part, {})
    keys = [column.key for column in table.columns]
    assert keys == ["method", "hypervolume", "share", "models", "million_velocity_evaluations"]
    assert [row[0].value for row in table.rows] == ["base", "fixed_weights", "nft_preference", "pareto_slider"]
    volume = {row.method: row.quantities["hypervolume"] for row in part.last_rows}["pareto_slider"]
    assert table.rows[3][1].value == volume
    assert table.columns[1].decimals == 3
    assert [row[3].value for row in table.rows] == [None, 3, 1, 1]


def test_clean_hypervolume_is_shown_where_something_was_held_out(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (Recipe("pareto_slider", 0.95, divisions=4),), (0, 1))
    for run in sorted(folder.glob("*/*/seed*")):
        add_held_out(run, "clean", [5.0, 5.1, 4.0, 5.0, 3.0, 5.2])
    summary = summarize(folder)
    depth = depth_of(summary)
    (verdict,) = depth.verdicts["two-targets"]
    assert verdict.clean_volume is not None
    text = paper_files(summary, depth, ())["headline-two-targets.tex"].decode()
    assert "& clean \\\\" in text
    assert f"& {verdict.clean_volume.mean:.3f} \\\\" in text
    assert "Clean: hypervolume without" in text


def test_uneven_seeds_are_told(tmp_path: Path) -> None:
    write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0, 1, 2))
    part = summarize(write_tree(tmp_path, TASKS[:1], RECIPES[2:], (0, 1))).benchmarks[0]
    assert seeds_of(part) == "2 to 3 seeds"
    table = headline_table(part, {})
    assert [row[-1].value for row in table.rows] == [3, 3, 2]
    assert "2 to 3 seeds" in figure_caption("front", part, "", None)


def test_other_tables_leave_out_what_a_text_says(suite_summary: Summary) -> None:
    part = suite_summary.benchmarks[0]
    keys = [column.key for column in gains_table(part).columns]
    assert not {"preference", "improved", "worsened", "seeds"} & set(keys)
    assert keys[:2] == ["method", "composite"]
    assert suite_table(suite_summary).notes == ()


def test_names_of_files_differ_on_every_file_system() -> None:
    names = ["a b", "a/b", "A-b", "ü", "..", "a-b-2", "a--b"]
    found = file_names(names)
    assert list(found) == names
    assert len({name.lower() for name in found.values()}) == len(names)
    # One dash at a time and none at an end, so that two of them keep two names apart.
    assert all(re.fullmatch(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*", name) for name in found.values())


@pytest.fixture(scope="module")
def hostile_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    recipes = (Recipe(HOSTILE, 0.9, shares=(0.2, 1.0), gradients="plain_sum"), Recipe("other", 0.5))
    tasks = (Task("two %&_targets", 2, unit="$_%"), Task("one", 1))
    return files_of(summarize(write_tree(tmp_path_factory.mktemp("hostile"), tasks, recipes, (0, 1))))


def test_special_characters_are_escaped(hostile_files: dict[str, bytes]) -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in hostile_files)
    table = hostile_files["headline-two-_targets.tex"].decode()
    escaped = (
        r"50 \%\_\{a\}\&b\textasciitilde{}\#1\textasciicircum{}2\$y\$"
        r"\textless{}z\textgreater{}\textbar{}"
    )
    assert any(line.startswith(escaped + " & ") for line in table.splitlines())


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_the_document_compiles(hostile_files: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in hostile_files.items():
        (tmp_path / name).write_bytes(content)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull \\hbox" not in log
