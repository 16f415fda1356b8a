"""The file of the exact study: its columns, that it is made once, and that nothing wrong is kept."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis import samplers as analysis_samplers
from benchmarks.records import RecordError, read_table, write_table
from benchmarks.studies import samplers as study_module
from benchmarks.studies.samplers import EXACT_FILE, NUMBERS, Study, entries, sampler_study, settings_hash
from methods import SAMPLERS
from methods.samplers.cps import CPS

SMALL = Study((0.7, 1.5), (1.0,), (4, 8), (0.0, 1.0), (4,))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sampler_study(tmp_path_factory.mktemp("study"), SMALL)


def test_columns_are_complete_and_of_the_kind_they_say(made: Path) -> None:
    found = read_table(made)
    texts = ["case", "sampler", "settings_hash"]
    assert list(found) == [
        "case",
        "data_variance",
        "sampler",
        "eta",
        "default",
        "steps",
        "shift",
        *NUMBERS,
        "settings_hash",
    ]
    assert all(pd.api.types.is_string_dtype(found[name]) for name in texts)
    assert found["default"].dtype == np.bool_
    assert found["steps"].dtype == np.int64
    assert all(found[name].dtype == np.float64 for name in ("data_variance", "eta", "shift", *NUMBERS))
    assert set(found["settings_hash"]) == {settings_hash(SMALL)}
    assert made.name == EXACT_FILE == analysis_samplers.EXACT_FILE
    known = set(analysis_samplers.NUMBERS) | set(analysis_samplers.TEXTS) | {"default"}
    assert known == set(found)
    assert all(f"`{name}`" in str(study_module.__doc__) for name in found)


def test_every_case_has_the_numbers_that_apply(made: Path) -> None:
    found = read_table(made)
    applies = {
        "gaussian": {"variance", "variance_ratio", "w2", "memory"},
        "dirac": {"variance", "w2", "excess"},
        "mixture": {"variance", "variance_ratio", "w1", "total_variation", "mode_weight", "mode_std"},
    }
    assert set(found["case"]) == set(applies)
    for case, rows in found.groupby("case"):
        for name in NUMBERS:
            assert rows[name].notna().all() == (name in applies[str(case)]), (case, name)
            assert rows[name].notna().any() == (name in applies[str(case)]), (case, name)


def test_every_sampler_of_the_project_is_in_it_with_its_own_eta(made: Path) -> None:
    found = read_table(made)
    own = found[found["default"]].groupby("sampler")["eta"].unique()
    assert set(own.index) == set(SAMPLERS)
    assert {name: values.tolist() for name, values in own.items()} == {
        "ode": [0.0], "dpm2": [0.0], "flow_sde": [0.7], "dance_sde": [0.3], "cps": [0.7], "precise": [1.5],
        "dance_precise": [0.3],
    }  # fmt: skip
    assert {entry.eta for entry in entries(SMALL) if entry.name == "cps"} == {0.7}, "beyond its range"
    assert {entry.eta for entry in entries(SMALL) if entry.name == "flow_sde"} == {0.7, 1.5}
    assert len(found) == len(entries(SMALL)) * (2 * 2 + 1)


def test_it_is_made_once_and_again_for_other_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sampler_study(tmp_path, SMALL)
    first = (path.stat().st_mtime_ns, path.read_bytes())
    sampler_study(tmp_path, SMALL)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == first
    other = Study((0.7,), (1.0,), (4,), (1.0,), (4,))
    sampler_study(tmp_path, other)
    assert set(read_table(path)["settings_hash"]) == {settings_hash(other)}
    sampler_study(tmp_path, SMALL)
    assert path.read_bytes() == first[1], "the same settings give the same bytes"
    assert not [found for found in tmp_path.iterdir() if found != path]


def test_another_sampler_is_another_study(monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings_hash(SMALL)
    monkeypatch.setattr(CPS, "coefficients", lambda self, s, n: (0 * s, 0.5 * n))
    assert settings_hash(SMALL) != before


@pytest.mark.parametrize("damage", ["text", "other table"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, made: Path, damage: str) -> None:
    path = tmp_path / EXACT_FILE
    if damage == "text":
        path.write_text("no parquet")
    else:
        write_table(path, {"case": np.array(["gaussian"])})
    assert sampler_study(tmp_path, SMALL).read_bytes() == made.read_bytes()


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"cannot write .*exact\.parquet: expected a writable folder") as caught:
        sampler_study(tmp_path / "file", SMALL)
    assert "\n" not in str(caught.value)


def test_the_number_of_threads_is_given_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    sampler_study(tmp_path, SMALL)
    assert torch.get_num_threads() == before
