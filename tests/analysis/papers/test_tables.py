"""The papers' numbers: complete, well formed, and consistent where two tables print the same."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from analysis.papers.tables import (
    COLUMNS,
    DATA,
    NOT_FOUND,
    PAPERS,
    STATUSES,
    PaperNumber,
    frame,
    nearest,
    numbers,
    pivot,
    read_data,
    table,
    table_by_name,
    tables,
)
from benchmarks.records import UsageError

COUNTS = {
    "marble": {"printed": 255, "not found": 2},
    "nft": {"printed": 168, "second-hand": 9, "derived": 1, "not found": 6},
    "pareto_slider": {"printed": 4, "code": 31, "derived": 1, "not found": 25},
    "crd": {"second-hand": 9, "code": 39, "not found": 32},
    "precise": {"printed": 11, "second-hand": 3, "derived": 36, "not found": 6},
    "cps": {"second-hand": 15, "code": 13, "not found": 1},
    "flow_grpo": {"second-hand": 5},
    "flow_opd": {"second-hand": 4},
}
NUMBER = PaperNumber("crd", "2603.14128", "main", "CRD", "OCR", 0.9, "0.9", "share", True, "printed", "")


@pytest.mark.parametrize("paper", PAPERS)
def test_no_number_is_lost(paper: str) -> None:
    found = numbers(paper)
    assert dict(Counter(number.status for number in found)) == COUNTS[paper]
    assert {number.paper for number in found} == {paper}
    assert len({number.arxiv for number in found}) == 1, "one paper has one number on arXiv"
    places = [(number.table, number.row, number.metric) for number in found]
    assert len(set(places)) == len(places)
    assert {number for one in tables(paper) for number in one.numbers} == set(found)
    assert all(one.title and one.setting for one in tables(paper))


def test_every_file_of_numbers_belongs_to_a_paper() -> None:
    assert {path.stem for path in DATA.glob("*.csv")} == {*PAPERS, "tables", "sources"}


@pytest.mark.parametrize("paper", PAPERS)
def test_texts_are_one_clean_line(paper: str) -> None:
    for number in numbers(paper):
        for text in (number.table, number.row, number.metric, number.unit, number.note, number.text or "x"):
            assert text == text.strip()
            assert text.isprintable()
            assert text.isascii()


def test_known_numbers_are_read() -> None:
    values = pivot(table("marble", "1"))
    assert values.shape == (11, 9)
    assert values.loc["MARBLE", "Composite"] == 1.116
    assert values.loc["SD3.5-M w/o CFG", "ImageReward"] == -0.58
    cells = table("nft", "1").cells
    more = cells["FlowGRPO (GenEval)", "iterations"]
    assert (more.value, more.text, more.higher_is_better) == (5000.0, ">5k", False)
    missing = cells["DiffusionNFT (multi-reward)", "seeds"]
    assert (missing.found, missing.value, missing.text) == (False, None, None)


def test_a_cell_without_a_number_is_nan() -> None:
    failed = table("marble", "3")
    assert failed.cells["w/o gradient normalization", "OCR"].text == "FAIL"
    values = pivot(failed)
    assert values.loc["w/o gradient normalization"].isna().all()
    assert values.drop(index="w/o gradient normalization").notna().all(axis=None)


def shared(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    rows, columns = one.index.intersection(other.index), one.columns.intersection(other.columns)
    left, right = one.loc[rows, columns], other.loc[rows, columns]
    pd.testing.assert_frame_equal(left, right)
    return left


def test_marble_repeats_the_rows_of_diffusion_nft() -> None:
    marble, nft = pivot(table("marble", "1")), pivot(table("nft", "1"))
    assert shared(marble, nft).shape == (8, 8)
    assert shared(marble, pivot(table("nft", "2")).loc[["SD3.5-M w/o CFG", "SD3.5-M + CFG"]]).shape == (2, 8)
    sequential = marble.loc["DiffusionNFT sequential"].drop("Composite")
    assert (nft.loc["DiffusionNFT (multi-reward)", sequential.index] == sequential).all()


def test_the_default_settings_of_marble_have_one_row_in_all_but_the_third_table() -> None:
    main = pivot(table("marble", "1")).loc["MARBLE"].drop("Composite")
    for key, row in (("S2", "N = 10"), ("S3", "rho = 0.7"), ("S4", "MARBLE")):
        assert (pivot(table("marble", key)).loc[row] == main).all()
    differs = table("marble", "3")
    assert (pivot(differs).loc["MARBLE rho = 0.7"] != main).sum() == 5
    assert all("other values" in number.note for number in differs.numbers if number.row == "MARBLE rho = 0.7")


def test_the_memory_of_marble_is_what_its_ratio_says() -> None:
    values = pivot(table("marble", "2"))
    ratio = values["GPU memory"] / values.loc["Weighted sum K = 5", "GPU memory"]
    assert ratio.round(2).tolist() == values["relative memory"].tolist()


def test_the_stages_of_diffusion_nft_add_up() -> None:
    values = pivot(table("nft", "text"))["iterations"]
    assert values[[f"multi-reward stage {k}" for k in range(1, 6)]].sum() == values["multi-reward, all stages"]


def test_numbers_become_a_frame() -> None:
    found = frame(numbers("crd"))
    assert tuple(found.columns) == COLUMNS
    assert (found["status"] == NOT_FOUND).sum() == COUNTS["crd"]["not found"]
    assert found.loc[found["status"] == NOT_FOUND, "value"].isna().all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "guess"}, "known paper and status, found 'guess'"),
        ({"paper": "marbel"}, "known paper"),
        ({"status": NOT_FOUND}, "a text where it was found and only there"),
        ({"text": None}, "a text where it was found and only there"),
        ({"status": NOT_FOUND, "text": None}, "a text where it was found and only there"),
        ({"value": float("inf")}, "a finite value, found inf"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PaperNumber(**(vars(NUMBER) | changes))  # type: ignore[arg-type]
    assert STATUSES[NUMBER.status]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("marbel:1", "no paper 'marbel': expected one of marble, "),
        ("marble:s1", "no table 's1' of marble: expected one of "),
        ("marble", "expected PAPER:TABLE such as marble:1, found 'marble': expected one of marble:1, marble:2, "),
        ("presice", "expected PAPER:TABLE such as marble:1, found 'presice': expected one of precise, "),
    ],
)
def test_an_unknown_name_is_one_line_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        table_by_name(name)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_nearest_names_come_first() -> None:
    assert nearest("main10", ["toy", "main-30", "main-10"]).startswith("expected one of main-10, main-30")


def test_a_file_with_other_columns_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.papers.tables.DATA", tmp_path)
    (tmp_path / "crd.csv").write_text("paper,value\ncrd,1\n")
    with pytest.raises(ValueError, match=r"crd.csv: expected columns paper, arxiv, .* found \['paper', 'value'\]"):
        read_data("crd.csv", COLUMNS)
