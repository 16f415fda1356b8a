"""A report shows the pictures that runs kept, and is what it was where they kept none."""

import base64
import shutil
from pathlib import Path

import pytest

from analysis.report import Report, write_report
from analysis.report.picture_page import exhibitions_of
from analysis.summary import summarize
from benchmarks.records import RecordError
from tests.analysis.synthetic_pictures import add_features, add_held_out, add_real_features, pictures_below
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, write_tree

SLIDER = Recipe("pareto_slider", 0.95, divisions=4)
KINDS = ("strip", "grid", "thumbnails")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two benchmarks with pictures, one of them with held-out rewards and features."""
    folder = write_tree(tmp_path_factory.mktemp("suite"), TASKS[1:3], (SLIDER, RECIPES[0]), (0, 1))
    for run in sorted(folder.glob("two-costs/pareto_slider/seed*")):
        add_held_out(run, "clean", [1.0, 1.0, 1.0, 0.5, 1.0, 1.0])
        add_features(run, shift=(2.0, 1.0), spread=(1.0, 0.5))
    for run in sorted(folder.glob("two-costs/fixed_weights/seed*")):
        add_held_out(run, "clean", [1.0, 1.0, 0.5, 1.0])
    add_real_features(folder / "two-costs")
    return pictures_below(folder)


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may damage."""
    return Path(shutil.copytree(original, tmp_path / "toy"))


@pytest.fixture(scope="module")
def reported(original: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, dict[str, bytes]]:
    """The report on it, with the content of its files."""
    report = write_report(Path(shutil.copytree(original, tmp_path_factory.mktemp("reported") / "toy")))
    return report, contents(report.folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_pictures_and_held_out_changes_reach_the_report(reported: tuple[Report, dict[str, bytes]]) -> None:
    report, found = reported
    names = [f"{kind}-two-costs" for kind in KINDS] + ["strip-three-targets", "grid-three-targets"]
    assert {name for name in found if name.startswith(KINDS)} == {f"{n}.{e}" for n in names for e in ("png",)}
    assert {name for name in found if name.startswith("held-out")} == {
        f"held-out-two-costs.{ending}" for ending in ("csv", "md", "tex")
    }
    page, html = found["README.md"].decode(), found["index.html"].decode()
    for name in names:
        assert page.count(f"![{name}]({name}.png)") == 1
        assert html.count(base64.b64encode(found[f"{name}.png"]).decode()) == 1
    part = page[page.index("## Pictures") : page.index("## Distances and gains")]
    assert all(f"`{kind}`:" in part for kind in KINDS)
    first = html.index(base64.b64encode(found[f"{names[0]}.png"]).decode())
    assert html.index("<h2>Control</h2>") < html.index("<h2>Pictures</h2>") < first
    rows = {(row["benchmark"], row["method"]): row for row in report.rows}
    row = rows["two-costs", "pareto_slider"]
    for key in ("held_out_clean", "held_out_change_clean", "frechet", "frechet_change", "diversity", "spearman_r1"):
        assert set(row[key]) == {"mean", "low", "high", "seeds", "values"}, key
    assert row["held_out_change_clean"]["mean"] == -0.5


def test_the_same_records_give_the_same_bytes(reported: tuple[Report, dict[str, bytes]], folder: Path) -> None:
    assert contents(write_report(folder).folder) == reported[1]


def test_pictures_change_nothing_else(reported: tuple[Report, dict[str, bytes]], folder: Path) -> None:
    for samples in folder.glob("*/*/seed*/samples"):
        shutil.rmtree(samples)
    assert exhibitions_of(summarize(folder)) == ()
    without = contents(write_report(folder).folder)
    assert {name for name in reported[1] if not name.startswith(KINDS)} == set(without)
    for name, content in without.items():
        assert name in ("README.md", "index.html") or reported[1][name] == content, name
    assert b"## Pictures" not in without["README.md"]


@pytest.mark.parametrize("damage", ["sheet", "index"])
def test_damaged_pictures_write_nothing(folder: Path, damage: str) -> None:
    samples = folder / "two-costs/pareto_slider/seed0/samples"
    path = samples / ("index.json" if damage == "index" else "step00100-point002.png")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(RecordError, match="is damaged") as error:
        write_report(folder)
    assert str(path) in str(error.value)
    assert not (folder / "report").exists()


def test_benchmarks_are_shown_in_order(original: Path) -> None:
    assert [one.part.record.name for one in exhibitions_of(summarize(original))] == ["three-targets", "two-costs"]
