"""The report as a user gets it: files, table, notes."""

import base64
import json
import shutil
from pathlib import Path

import pytest

from analysis.report import write_report
from benchmarks.records import RecordError
from tests.analysis.synthetic_records import GRADIENT_RECIPES, RECIPES, TASKS, change_run, write_tree

PAGES = {"README.md", "index.html", "summary.csv", "summary.json", "summary.md", "summary.tex"}
SINGLE = {f"single-models-two-targets.{ending}" for ending in ("csv", "md", "tex")}
PICTURES = {f"{name}.{ending}" for name in ("overview", "fronts-two-targets") for ending in ("png",)}
FURTHER = ("attainment-two-targets", "sensitivity")
"""Tables and pictures of every suite of several methods and seeds on two rewards."""
MORE_TABLES = {f"{name}.{ending}" for name in (*FURTHER, "rivals-two-targets") for ending in ("csv", "md", "tex")}
MORE_PICTURES = {f"{name}.{ending}" for name in (*FURTHER, "control", "anytime") for ending in ("png",)}
CURVES = {f"anytime-two-targets.{ending}" for ending in ("csv", "md", "tex")}
ATTAINED = {f"attainment-two-targets.{ending}" for ending in ("csv", "md", "tex", "png")}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_writes_all_files_beside_the_records(small_folder: Path) -> None:
    report = write_report(small_folder)
    assert report.folder == small_folder / "report"
    assert set(contents(report.folder)) == PAGES | SINGLE | PICTURES | MORE_TABLES | MORE_PICTURES | CURVES
    assert json.loads((report.folder / "summary.json").read_text()) == list(report.rows)
    assert [row["label"] for row in report.rows] == ["base", "fixed_weights", "pareto_slider @ 20 %", "pareto_slider"]
    assert report.notes == ()


def test_measured_gradients_add_tables_and_pictures(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], GRADIENT_RECIPES[:1], (0, 1))
    first = contents(write_report(folder).folder)
    tables = {f"{name}.{ending}" for name in ("gradients", "gradient-parts") for ending in ("csv", "md", "tex")}
    names = ("gradients-two-targets", "gradient-parts-two-targets", "coefficients-two-targets")
    pictures = {f"{name}.{ending}" for name in names for ending in ("png",)}
    assert set(first) == PAGES | SINGLE | PICTURES | ATTAINED | tables | pictures
    assert contents(write_report(folder).folder) == first
    for name in names:
        assert f"![{name}]({name}.png)".encode() in first["README.md"]
        assert first["index.html"].count(base64.b64encode(first[f"{name}.png"])) == 1
    assert b"no conflict at 8 measured solve steps" in first["README.md"]
    assert b"no conflict at 8 measured solve steps" in first["index.html"]


def test_the_same_records_give_the_same_bytes(small_folder: Path) -> None:
    first = contents(write_report(small_folder).folder)
    shutil.rmtree(small_folder / "report")
    assert contents(write_report(small_folder).folder) == first


def test_a_part_of_a_suite_is_reported_with_the_whole(small_folder: Path) -> None:
    for folder in (small_folder.parent, small_folder / "two-targets", small_folder / "two-targets/pareto_slider/seed0"):
        report = write_report(folder)
        assert report.folders == (small_folder / "report",)
        assert len(report.rows) == 4


def test_several_suites_get_a_report_each(tmp_path: Path) -> None:
    write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0,))
    write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0,), suite="shapes")
    report = write_report(tmp_path)
    assert report.folder == tmp_path
    assert report.folders == (tmp_path / "shapes/report", tmp_path / "toy/report")
    assert [row[0].value for row in report.table.rows] == ["shapes/two-targets"] * 2 + ["toy/two-targets"] * 2
    assert report.notes[0].startswith("shapes: one seed")
    assert all((folder / "index.html").exists() for folder in report.folders)


def test_notes_reach_the_pages(small_folder: Path) -> None:
    change_run(small_folder / "two-targets/pareto_slider/seed1", lambda content: content.update(status="running"))
    report = write_report(small_folder)
    note = "not finished: two-targets/pareto_slider/seed1 (running)"
    assert note in report.notes
    assert note in (report.folder / "README.md").read_text()
    assert note in (report.folder / "index.html").read_text()


def test_mixed_benchmarks_write_nothing(small_folder: Path) -> None:
    change_run(
        small_folder / "two-targets/pareto_slider/seed1", lambda content: content["benchmark"].update(hash="other")
    )
    with pytest.raises(RecordError, match="found other"):
        write_report(small_folder)
    assert not (small_folder / "report").exists()


def test_records_are_not_touched(small_folder: Path) -> None:
    def records() -> dict[str, bytes]:
        return {path.as_posix(): path.read_bytes() for path in small_folder.glob("two-targets/**/*") if path.is_file()}

    before = records()
    write_report(small_folder)
    assert records() == before
