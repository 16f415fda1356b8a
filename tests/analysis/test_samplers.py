"""The sampler study from records: the table, the findings, what is refused, and the report around it."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.report import write_report
from analysis.report.sampler_page import ERRORS, REWARDS, sampler_section, sampler_table
from analysis.sampler_curves import Curve, Kind, kind_of
from analysis.sampler_findings import FAILS, HOLDS, PARTLY, UNKNOWN, findings
from analysis.samplers import EXACT_FILE, SamplerStudy, read_study
from analysis.statistics import interval
from analysis.summary import summarize
from benchmarks.records import RecordError, read_table, write_table
from benchmarks.studies.samplers import Study, sampler_study
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, change_run, write_tree

QUICK = Study((0.3, 0.7, 1.5), (1.0, 3.0), (6, 10, 20, 30, 1000, 3000), (0.0, 0.01, 1.0), (6, 10))
SHARES = (0.25, 0.5, 0.75, 0.9, 1.0)
TRAINED = {
    "grpo_flow_sde": ("flow_sde", 0.7, 0.5),
    "grpo_cps": ("cps", 0.7, 0.8),
    "grpo_precise": ("precise", 1.5, 0.95),
    "grpo_precise_07": ("precise", 0.7, 0.9),
    "grpo_dance_sde": ("dance_sde", 0.3, 0.3),
}


def settings(sampler: str, eta: float) -> dict[str, Any]:
    """A method's settings as `run.json` has them."""
    part = {"class": f"methods.samplers.{sampler}:Any", "fields": {"eta": eta}}
    return {"class": "methods.grpo:FlowGRPO", "fields": {"sampler": part}}


def set_sampler(sampler: str, eta: float) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        record["method"]["settings"] = settings(sampler, eta)

    return change


def write_suite(out: Path, seeds: tuple[int, ...] = (0, 1, 2)) -> Path:
    recipes = [Recipe(name, quality, SHARES) for name, (_, _, quality) in TRAINED.items()]
    folder = write_tree(out, TASKS[:1], recipes, seeds, suite="sampler-study")
    for name, (sampler, eta, _) in TRAINED.items():
        for seed in seeds:
            change_run(folder / TASKS[0].name / name / f"seed{seed}", set_sampler(sampler, eta))
    return folder


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return read_table(sampler_study(tmp_path_factory.mktemp("exact"), QUICK))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, exact: pd.DataFrame) -> Path:
    made = write_suite(tmp_path_factory.mktemp("suite"))
    store(made, exact)
    return made


@pytest.fixture(scope="module")
def study(folder: Path) -> SamplerStudy:
    found = read_study(folder, summarize(folder))
    assert found is not None
    return found


def store(folder: Path, exact: pd.DataFrame) -> None:
    write_table(folder / EXACT_FILE, {name: exact[name].to_numpy() for name in exact})


def rows_of(study: SamplerStudy) -> dict[str, dict[str, Any]]:
    table = sampler_table(study)
    keys = [column.key for column in table.columns]
    return {str(row[0].value): {key: cell.value for key, cell in zip(keys, row, strict=True)} for row in table.rows}


def verdict_of(study: SamplerStudy, beginning: str) -> str:
    (found,) = (one for one in findings(study) if one.claim.startswith(beginning))
    assert found.numbers in found.sentence()
    return found.verdict


def changed(study: SamplerStudy, change: Callable[[pd.DataFrame], Any]) -> SamplerStudy:
    exact = study.exact.copy()
    change(exact)
    return SamplerStudy(exact, study.curves)


def curve(name: str, *finals: float, steps: tuple[int, ...] = (0, 10, 20)) -> Curve:
    """A training that rises evenly from 0 to the last reward of each seed."""
    rewards = [interval({seed: final * step / steps[-1] for seed, final in enumerate(finals)}) for step in steps]
    return Curve(name, steps, tuple(100.0 * step for step in steps), tuple(rewards))


def test_table_has_a_row_a_sampler_with_published_numbers(study: SamplerStudy) -> None:
    rows = rows_of(study)
    assert list(rows) == [
        "ode", "dpm2", "flow_sde 0.7", "dance_sde 0.3", "cps 0.7", "precise 1.5", "precise 0.7", "dance_precise 0.3"
    ]  # fmt: skip
    assert rows["flow_sde 0.7"]["residual_std"] == pytest.approx(0.2279, abs=5.1e-5)
    assert rows["precise 1.5"]["residual_std"] < 1e-12
    assert rows["precise 1.5"]["variance_ratio_10"] == pytest.approx(0.6351, abs=5.1e-5)
    assert rows["dance_sde 0.3"]["memory"] == pytest.approx(0.850, abs=5.1e-4)
    assert rows["ode"]["mixture_w1"] == pytest.approx(0.0576, abs=5.1e-5)
    assert rows["precise 1.5"]["order"] == "1.00"
    assert rows["cps 0.7"]["order"].startswith("none: 0.72")
    assert rows["flow_sde 0.7"]["order"] in {"0.40", "0.41", "0.42", "0.43"}
    assert rows["ode"]["grpo_reward"] is None
    assert rows["ode"]["steps_to_match"] is None
    assert rows["dance_precise 0.3"]["grpo_reward"] is None, "not trained"
    assert rows["precise 1.5"]["seeds"] == 3


def test_reward_and_steps_come_from_the_curves(study: SamplerStudy) -> None:
    rows, curves = rows_of(study), study.curves
    assert study.best_baseline == Kind("cps", 0.7)
    goal = curves[Kind("cps", 0.7)].final.mean
    assert rows["cps 0.7"]["grpo_reward"].mean == goal
    assert rows["flow_sde 0.7"]["steps_to_match"] is None
    assert 0 < rows["precise 1.5"]["steps_to_match"] < 100
    marked = [row[0].value for row in sampler_table(study).rows if any(cell.best for cell in row)]
    assert marked == [max(curves, key=lambda kind: curves[kind].final.mean).label]
    assert curves[Kind("cps", 0.7)].steps == (0, 25, 50, 75, 90, 100)
    assert "cps 0.7" in " ".join(sampler_table(study).notes)


def test_steps_are_interpolated_and_those_never_reached_are_none() -> None:
    rising = curve("a", 1.0, 0.5)
    assert rising.steps_to(0.375) == 10.0
    assert rising.steps_to(0.9) is None
    assert rising.steps_to(-1.0) == 0.0
    assert rising.steps_by_seed(0.75) == {0: 15.0, 1: 20.0}


def test_findings_on_the_products_samplers(study: SamplerStudy) -> None:
    assert verdict_of(study, "Euler steps") == HOLDS
    assert verdict_of(study, "CPS does not converge") == HOLDS
    assert verdict_of(study, "Precise converges") == HOLDS
    assert verdict_of(study, "Precise is robust") == HOLDS
    assert verdict_of(study, "Precise is the closest") == FAILS
    assert verdict_of(study, "Precise forgets") == HOLDS
    assert len(findings(study)) == 9


def test_findings_follow_the_numbers(study: SamplerStudy) -> None:
    def of(frame: pd.DataFrame, sampler: str) -> "pd.Series[bool]":
        return frame["sampler"] == sampler

    calm = changed(study, lambda x: x.loc.__setitem__((x["case"] == "dirac", "w2"), 0.0))
    assert verdict_of(calm, "Euler steps") == FAILS
    half = changed(study, lambda x: x.loc.__setitem__((of(x, "dance_sde") & (x["case"] == "dirac"), "w2"), 0.0))
    assert verdict_of(half, "Euler steps") == PARTLY
    right = changed(study, lambda x: x.loc.__setitem__((of(x, "cps"), "variance_ratio"), 1 - 1 / x["steps"]))
    assert verdict_of(right, "CPS does not converge") == FAILS
    slow = changed(study, lambda x: x.loc.__setitem__((of(x, "precise"), "variance_ratio"), 1 - x["steps"] ** -0.5))
    assert verdict_of(slow, "Precise converges") == FAILS
    wild = changed(study, lambda x: x.loc.__setitem__((of(x, "precise"), "variance_ratio"), 2.0 + 1 / x["steps"]))
    assert verdict_of(wild, "Precise is robust") == FAILS
    near = changed(study, lambda x: [x.loc.__setitem__((of(x, "precise"), name), -1.0) for name in ("w1", "w2")])
    assert verdict_of(near, "Precise is the closest") == HOLDS
    keeps = changed(study, lambda x: x.loc.__setitem__((of(x, "precise"), "memory"), 0.5))
    assert verdict_of(keeps, "Precise forgets") == FAILS


def test_findings_on_training_follow_the_seeds(study: SamplerStudy) -> None:
    precise, cps, flow, other = Kind("precise", 1.5), Kind("cps", 0.7), Kind("flow_sde", 0.7), Kind("precise", 0.7)

    def trained(curves: dict[Kind, Curve]) -> SamplerStudy:
        return SamplerStudy(study.exact, curves)

    good, bad = curve("p", 1.0, 1.01, 0.99), curve("c", 0.5, 0.52, 0.51)
    wins = trained({precise: good, cps: bad, other: curve("o", 1, 1, 1.1)})
    assert verdict_of(wins, "GRPO reaches") == HOLDS
    assert verdict_of(wins, "Precise needs fewer") == HOLDS
    ties = trained({precise: curve("p", 1.1, 1.0, 0.95), cps: curve("c", 0.9, 1.1, 0.95), flow: bad})
    assert verdict_of(ties, "GRPO reaches") == PARTLY
    assert verdict_of(ties, "Precise needs fewer") == UNKNOWN
    worse = trained({precise: curve("p", 0.1, 0.11, 0.1), cps: curve("c", 0.9, 1.1, 0.95)})
    assert verdict_of(worse, "GRPO reaches") == FAILS
    assert verdict_of(worse, "Precise needs fewer") == FAILS
    single = trained({precise: curve("p", 1.0), cps: curve("c", 0.5)})
    assert verdict_of(single, "GRPO reaches") == UNKNOWN
    assert verdict_of(single, "Precise needs fewer") == UNKNOWN
    pair = trained({other: good, flow: bad})
    assert verdict_of(pair, "At equal noise schedule") == HOLDS
    claims = [one.claim for one in findings(trained({}))]
    assert not any("GRPO" in claim or "trains" in claim for claim in claims)
    assert sampler_section(trained({})).pictures == (ERRORS,)


def test_too_little_of_the_exact_part_leaves_out_findings_not_the_report(study: SamplerStudy) -> None:
    few = SamplerStudy(study.exact[study.exact["sampler"] == "ode"], {})
    assert findings(few) == ()
    assert list(rows_of(few)) == ["ode"]


def test_samplers_are_read_from_settings() -> None:
    assert kind_of(settings("cps", 1)) == Kind("cps", 1.0)
    for other in ({}, {"fields": 3}, {"fields": {"sampler": {"class": 3}}}, settings("dpm", 0.1) | {"fields": {}}):
        assert kind_of(other) is None
    assert kind_of({"fields": {"sampler": {"class": "methods.samplers.dpm:DPM2", "fields": {}}}}) is None


def test_a_report_has_the_table_the_findings_and_both_pictures(folder: Path) -> None:
    report = write_report(folder)
    assert report.table.columns[0].key == "sampler"
    files = {path.name for path in report.folder.iterdir()}
    assert {f"{name}.{kind}" for name in (ERRORS, REWARDS) for kind in ("png",)} <= files
    assert {"samplers.md", "samplers.csv", "samplers.tex"} <= files
    page = (report.folder / "README.md").read_text()
    assert page.index("## Samplers") < page.index("## Results")
    assert page.count(f"![{ERRORS}]") == page.count(f"![{REWARDS}]") == 1
    assert "CPS does not converge to the data: holds." in page
    html = (report.folder / "index.html").read_text()
    assert html.count(base64.b64encode((report.folder / f"{ERRORS}.png").read_bytes()).decode()) == 1
    assert "Euler steps of the SDE" in html
    before = {path.name: path.read_bytes() for path in report.folder.iterdir()}
    assert {path.name: path.read_bytes() for path in write_report(folder).folder.iterdir()} == before


def test_many_checkpoints_are_a_curve_and_not_rows_of_the_headline(tmp_path: Path, folder: Path) -> None:
    many = (folder / "report/summary.md").read_text() if (folder / "report").exists() else ""
    many = many or (write_report(folder).folder / "summary.md").read_text()
    assert "@" in many, "four checkpoints before the last are still shown"
    recipes = [Recipe("pareto_slider", 0.9, tuple(k / 10 for k in range(1, 11)))]
    plain = write_report(write_tree(tmp_path, TASKS[:1], recipes, (0,)))
    assert "@" not in (plain.folder / "summary.md").read_text()
    assert (plain.folder / "summary.csv").read_text().count("@") == 9


def test_one_seed_gives_a_report_without_intervals(tmp_path: Path, exact: pd.DataFrame) -> None:
    folder = write_suite(tmp_path, (0,))
    store(folder, exact)
    report = write_report(folder)
    assert "not decided" in (report.folder / "README.md").read_text()
    assert (report.folder / f"{REWARDS}.png").exists()


def test_a_suite_without_a_study_has_no_section(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0,))
    assert read_study(folder, summarize(folder)) is None
    report = write_report(folder)
    assert report.table.columns[0].key == "benchmark"
    assert not [path for path in report.folder.iterdir() if path.name.startswith("samplers")]


BAD: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "column": (lambda x: x.drop(columns="memory"), "expected a column memory, found none"),
    "text": (lambda x: x.assign(w1="far"), "expected numbers in column w1, found "),
    "flag": (lambda x: x.assign(default=1), "expected true or false in column default, found int64"),
    "empty": (lambda x: x[:0], "expected at least one row, found none"),
    "mixed": (lambda x: x.assign(settings_hash=["a"] + ["b"] * (len(x) - 1)), "expected one settings_hash, found 2"),
    "nan": (lambda x: x.assign(variance=np.nan), "expected variances that are finite and >= 0, found others"),
    "twice": (lambda x: pd.concat([x, x[:1]]), "expected each case once, found row "),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_files_are_told_in_one_line(tmp_path: Path, exact: pd.DataFrame, name: str) -> None:
    change, message = BAD[name]
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[1:2], (0,))
    store(folder, change(exact.copy()))
    with pytest.raises(RecordError) as caught:
        write_report(folder)
    assert message in str(caught.value)
    assert str(folder / EXACT_FILE) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[1:2], (0,))
    (folder / EXACT_FILE).write_text("no parquet")
    with pytest.raises(RecordError, match=r"exact\.parquet is damaged: expected a parquet file") as caught:
        write_report(folder)
    assert "\n" not in str(caught.value)
