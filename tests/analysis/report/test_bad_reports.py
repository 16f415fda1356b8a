"""Reports on records as they should not be: what is missing is said, texts stay texts, nothing is half written."""

import errno
import json
import os
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.report import Report, write_report
from analysis.report.headline import headline_table
from analysis.report.notes import notes_of
from analysis.summary import summarize
from benchmarks.pictures import Gallery
from benchmarks.records import EVALUATIONS_FILE, RUN_FILE, RecordError, read_table, write_table
from tests.analysis.damages import record, run_of, trained
from tests.analysis.synthetic_pictures import pictures_below
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, Task, change_run, write_synthetic_run, write_tree
from tests.support.records import bytes_below

PAIR = (RECIPES[1], RECIPES[2])


def test_one_reward_has_a_report_in_closed_form(tmp_path: Path) -> None:
    report = write_report(write_tree(tmp_path, (Task("one", 1),), PAIR, (0, 1)))
    assert report.notes == ()
    for row in report.rows:
        # Its only place is the base model's, so nothing can be gained: 1 above the reference point -1/2.
        assert row["hypervolume"]["mean"] == pytest.approx(1.5, abs=0.01)
        assert row["hypervolume_exact"]
    assert not list(report.folder.glob("attainment-*"))
    assert "![fronts-one](fronts-one.png)" in (report.folder / "README.md").read_text()


def test_seven_rewards_are_marked_where_the_volume_is_approximate(tmp_path: Path) -> None:
    recipes = (Recipe("many", 0.5, divisions=3), Recipe("few", 0.5, divisions=1))
    summary = summarize(write_tree(tmp_path, (Task("seven", 7),), recipes, (0, 1)))
    assert any("approximate hypervolume" in note and "seven" in note for note in notes_of(summary))
    lines = {line.split(" | ")[1]: line for line in headline_table(summary).to_markdown().splitlines()[2:5]}
    assert "≈" in lines["many"]
    assert "≈" not in lines["few"]


def test_nothing_trained_is_a_report_without_methods_that_says_so(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], PAIR, (0, 1))
    record(lambda content: content.update(checkpoints=content["checkpoints"][:1]), every=True)(folder)
    report = write_report(folder)
    assert [row["method"] for row in report.rows] == ["base"]
    assert len([note for note in report.notes if note.startswith("no trained checkpoint: ")]) == 4
    assert "no trained checkpoint: two-targets/nft_preference/seed0" in (report.folder / "index.html").read_text()


class Page(HTMLParser):
    """What of a page could run: handlers among its attributes, where its pictures come from, its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.last = ""
        self.sources: list[str | None] = []
        self.handlers: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.last = tag
        self.sources += [value for name, value in attrs if name == "src"]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.handlers += [str(value) for _, value in attrs if str(value).startswith("javascript:")]

    def handle_data(self, data: str) -> None:
        if self.last == "script":
            self.scripts.append(data)


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> ünï 二 \u2028 \"'\\ $\\frac$ &amp;"


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report on records whose every text tries to be something else."""
    folder = write_tree(tmp_path_factory.mktemp("evil"), TASKS[:1], PAIR, (0, 1))
    pictures_below(folder, Gallery(("a red circle", EVIL, "a sign"), 2))
    record(lambda content: content["benchmark"]["rewards"][0].update(unit=EVIL), every=True)(folder)
    change_run(run_of(folder).with_name("seed0"), lambda content: content.update(status="failed", error=EVIL))
    return write_report(folder)


def test_prompts_units_and_errors_are_texts_no_markup_and_no_formulas(evil: Report) -> None:
    assert any("alert" in note for note in evil.notes)
    page = Page((evil.folder / "index.html").read_text())
    assert page.handlers == []
    assert "x" not in page.sources
    # What a script holds of a prompt is data in it.
    assert page.scripts
    assert not any(text.strip().startswith("alert") for text in page.scripts)
    assert not any("<script" in path.read_text() for path in evil.folder.glob("*-*.md"))
    assert len(list(evil.folder.glob("*.png"))) > 3


def test_a_report_of_fronts_below_the_reference_point_says_so(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], PAIR, (0, 1))
    for path in folder.glob("*/*/seed*/" + EVALUATIONS_FILE):
        frame = read_table(path)
        values = {name: frame[name].to_numpy() for name in frame.columns}
        write_table(path, trained(values, reward_r0=-9.0, reward_r1=-9.0))
    report = write_report(folder)
    assert {row["hypervolume"]["mean"] for row in report.rows if row["method"] != "base"} == {0.0}
    assert any("reference point" in note for note in report.notes)


def test_a_run_that_lies_elsewhere_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    # Three folders above this run lies what is none of the suite's business.
    write_tree(tmp_path, TASKS[:1], PAIR, (0,))
    moved = tmp_path / "downloads/run"
    shutil.copytree(write_synthetic_run(tmp_path / "source", TASKS[0], RECIPES[0], 0), moved)
    before = bytes_below(tmp_path)
    with pytest.raises(RecordError, match=r"downloads/run.*two-targets/fixed_weights/seed0") as caught:
        write_report(moved)
    assert "\n" not in str(caught.value)
    assert bytes_below(tmp_path) == before


def test_a_full_disk_leaves_the_old_report(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = write_report(small_folder)
    before = bytes_below(small_folder)
    change_run(run_of(small_folder), lambda content: content.update(status="failed", error="gone"))
    before[f"two-targets/pareto_slider/seed1/{RUN_FILE}"] = (run_of(small_folder) / RUN_FILE).read_bytes()
    room, flush = [8], os.fsync

    def fsync(handle: int) -> None:
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(RecordError, match=f"cannot write {report.folder}.*No space left on device"):
        write_report(small_folder)
    assert room[0] < 0
    assert bytes_below(small_folder) == before


def test_errors_with_half_a_letter_do_not_end_a_report(small_folder: Path) -> None:
    # JSON can say half of a pair of UTF-16; no file can hold it as text.
    change_run(run_of(small_folder), lambda content: content.update(status="failed", error="lost \ud800 letter"))
    report = write_report(small_folder)
    assert any("lost" in note and "letter" in note for note in report.notes)
    assert json.loads((report.folder / "summary.json").read_text())


def test_errors_are_no_markup_in_markdown_either(evil: Report) -> None:
    assert "<script" not in (evil.folder / "README.md").read_text()
