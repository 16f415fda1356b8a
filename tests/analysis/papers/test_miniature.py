"""Records beside a paper's table: what stands in for what, and that no column has numbers of both."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.papers.miniature import VIEWS, Miniature, joined, miniatures
from analysis.papers.sources import Route, Source, sources_of
from analysis.papers.tables import PaperTable, table
from analysis.summary import Summary, summarize
from benchmarks.records import RecordError
from tests.analysis.synthetic_records import GRADIENT_RECIPES, TASKS, write_tree

NONE = Route((), (), (), "", "nothing")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of a suite, in a folder of suites."""
    return write_tree(tmp_path_factory.mktemp("records"), TASKS[:1], GRADIENT_RECIPES).parent


def suite_in(results: Path) -> tuple[str, Summary]:
    folder = next(path for path in results.iterdir() if path.is_dir())
    return folder.name, summarize(folder / TASKS[0].name)


def paper(results: Path, view: str) -> tuple[PaperTable, tuple[Source, ...], Summary]:
    suite, summary = suite_in(results)
    stands = Route((suite,), (TASKS[0].name,), ("marble",), "flowfront run x", "")
    sources = (Source("", NONE, replace(stands, methods=())), Source("MARBLE", NONE, stands))
    return replace(table("marble", "S1"), view=view), sources, summary


def read(content: str) -> list[Mapping[str, str]]:
    return list(csv.DictReader(io.StringIO(content)))


@pytest.mark.parametrize("view", ["single-models", "gradients", "headline"])
def test_records_stand_beside_a_table(results: Path, view: str) -> None:
    one, sources, summary = paper(results, view)
    (found,) = miniatures(one, sources, results)
    assert isinstance(found, Miniature)
    assert (found.suite, found.benchmark, found.rewards) == (summary.suite, TASKS[0].name, ("r0", "r1"))
    assert len(found.keys) == len(found.table.rows)
    assert "marble" in found.keys
    assert {row["method"] for row in found.rows} == {"base", *summary.methods}
    assert found.label == f"miniature ({summary.suite}, benchmark two-targets, rewards of its own, seeds 0, 1, 2)"


def test_a_single_model_is_shown_with_its_gains(results: Path) -> None:
    one, sources, summary = paper(results, "single-models")
    (found,) = miniatures(one, sources, results)
    line = found.table.rows[found.keys.index("marble")]
    cells = dict(zip((column.key for column in found.table.columns), line, strict=True))
    row = next(row for row in summary.benchmarks[0].last_rows if row.method == "marble")
    for name in ("balanced_gain_r0", "balanced_gain_r1", "composite"):
        assert cells[name].value == row.quantities[name]


def test_paper_and_miniature_share_no_column(results: Path) -> None:
    one, sources, _ = paper(results, "single-models")
    found = miniatures(one, sources, results)
    lines = read(joined(one, sources, found).to_csv())
    assert all(name.startswith(("paper_", "miniature_")) for name in lines[0])
    ours = next(line for line in lines if line["paper_row"] == "MARBLE")
    assert (ours["paper_min cos"], ours["paper_status"]) == ("0.3721", "printed")
    assert ours["miniature_method"] == "marble"
    assert float(ours["miniature_composite"])
    alone = next(line for line in lines if line["paper_row"] == "Weighted sum")
    assert alone["paper_conflict rate"] == "0.8"
    assert not any(value for name, value in alone.items() if name.startswith("miniature_"))
    rest = [line for line in lines if not line["paper_row"]]
    assert {line["miniature_method"] for line in rest} == {*found[0].keys} - {"marble"}
    assert not any(value for line in rest for name, value in line.items() if name.startswith("paper_"))


def test_a_row_has_all_lines_of_its_method(results: Path) -> None:
    one, sources, _ = paper(results, "gradients")
    found = miniatures(one, sources, results)
    lines = read(joined(one, sources, found).to_csv())
    assert sum(line["paper_row"] == "MARBLE" for line in lines) == found[0].keys.count("marble")
    assert len(lines) == len(found[0].keys) + 1, "all lines of the miniature, and the row that nothing stands in for"


def test_without_records_the_paper_stands_alone(tmp_path: Path) -> None:
    one = table("crd", "main")
    sources = sources_of(one)
    assert miniatures(one, sources, tmp_path) == []
    lines = read(joined(one, sources, []).to_csv())
    assert [line["paper_row"] for line in lines] == list(one.rows)
    assert all(name.startswith("paper_") for name in lines[0])


def test_a_table_without_a_view_reads_no_records(results: Path) -> None:
    one, sources, _ = paper(results, "")
    assert miniatures(one, sources, results) == []


def test_samplers_need_the_exact_part(results: Path) -> None:
    one, sources, _ = paper(results, "samplers")
    with pytest.raises(RecordError, match=r"expected exact\.parquet of the sampler study, found none"):
        miniatures(one, sources, results)
    assert "samplers" in VIEWS
