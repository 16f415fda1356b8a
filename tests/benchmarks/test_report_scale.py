"""The records that the report's growth is measured on are records."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from analysis.summary import summarize
from benchmarks import report_scale
from benchmarks.records import EVALUATIONS_FILE, find_runs, read_columns


def test_synthetic_runs_have_the_stated_rows_and_can_be_summarized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_scale, "METHODS", 2)
    report_scale.write_runs(tmp_path, [3])
    runs = find_runs(tmp_path)
    assert len(runs) == 2 * len(report_scale.OBJECTIVES)
    for run in runs:
        columns = read_columns(run.folder / EVALUATIONS_FILE)
        assert {len(values) for values in columns.values()} == {report_scale.ROWS}
    summary = summarize(tmp_path)
    assert [part.record.name for part in summary.benchmarks] == ["rewards-2", "rewards-3"]
    volumes = {row.method: row.quantities["hypervolume"].mean for row in summary.benchmarks[0].last_rows}
    assert volumes["method_1"] > volumes["method_0"]


def test_a_report_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"the report failed: .*no such folder"):
        report_scale.measure(tmp_path / "nowhere", 1)


def test_rows_differ_between_seeds() -> None:
    first, second = (report_scale._rows(2, 0, seed)["reward_r0"] for seed in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("text", ["", "0", "1,x", "-1", "1,,2"])
def test_sizes_must_be_counts(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"^expected whole numbers above 0, .*, found '{text}'$"):
        report_scale._sizes(text)
    assert report_scale._sizes("10,2") == [2, 10]
