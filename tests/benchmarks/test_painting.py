"""Tasks whose samples are pictures: sheets and features beside the rewards, on prompts of their own, after any cut."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from benchmarks.base import Benchmark
from benchmarks.evaluate import evaluate, sweep_samples
from benchmarks.execute import execute
from benchmarks.pictures import Gallery
from benchmarks.records import FEATURES_FILE, REAL_FEATURES_FILE, UsageError, read_table
from benchmarks.run import Run
from tests.support.painting import EVALUATED, MeanColor, Painter, PainterSpec, painting_benchmark
from tests.support.records import bytes_below, measurements
from tests.support.suites import cut_off, tiny_run

NAMES = ("pareto_slider", "fixed_weights")


@pytest.fixture(scope="module")
def benchmark_() -> Benchmark:
    return painting_benchmark(checkpoint_seconds=0.0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, benchmark_: Benchmark) -> dict[str, Run]:
    out = tmp_path_factory.mktemp("whole")
    runs = {name: tiny_run(out, name, benchmark=benchmark_) for name in NAMES}
    for run in runs.values():
        execute(run)
    return runs


def test_results_are_measured_on_the_evaluation_prompts(benchmark_: Benchmark) -> None:
    painter = PainterSpec().build(2, 0)
    samples = sweep_samples(benchmark_, painter, "current", None, 1, 0)
    assert samples.shape == (1, len(EVALUATED), 2, 3, 4, 4)
    other = sweep_samples(
        replace(benchmark_, prompts=("one",), recipe=replace(benchmark_.recipe, prompts_per_step=1)),
        painter,
        "current",
        None,
        1,
        0,
    )
    assert torch.equal(samples, other)
    assert not torch.equal(
        samples,
        sweep_samples(replace(benchmark_, evaluation_prompts=("x", "y"), gallery=None), painter, "current", None, 1, 0),
    )


def test_features_are_those_of_the_evaluated_samples_row_by_row(benchmark_: Benchmark) -> None:
    painter = PainterSpec().build(2, 0)
    wanted = [(0.2, 0.8), (1.0, 0.0)]
    sweep = evaluate(benchmark_, painter, "current", wanted, 3, conditional=True, step=5, first_point=7)
    assert sweep.features is not None
    for name in ("step", "point", "prompt_id", "sample"):
        np.testing.assert_array_equal(sweep.features[name], sweep.columns[name])
    means = np.stack([sweep.columns[name] for name in ("reward_red", "reward_green", "held_out_blue")], 1)
    found = np.stack([sweep.features[f"f_{i}"] for i in range(3)], 1)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, means, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_every_evaluated_point_has_features_and_a_sheet(finished: dict[str, Run], name: str) -> None:
    folder = finished[name].folder
    rows = read_table(folder / "evaluations.parquet")
    features = read_table(folder / FEATURES_FILE)
    keys = ["step", "point", "prompt_id", "sample"]
    pd.testing.assert_frame_equal(features[keys], rows[keys])
    index = json.loads((folder / "samples" / "index.json").read_text())
    points = sorted({(int(s), int(p)) for s, p in zip(rows["step"], rows["point"], strict=True)})
    assert [(sheet["step"], sheet["point"]) for sheet in index["sheets"]] == points
    assert index["prompts"] == [EVALUATED[0]]
    assert points[0] == (0, 0)
    for sheet in index["sheets"]:
        own = rows[(rows["step"] == sheet["step"]) & (rows["point"] == sheet["point"])]
        assert sheet["preference"] == [own["preference_0"].iloc[0], own["preference_1"].iloc[0]]
        picture = np.asarray(Image.open(io.BytesIO((folder / "samples" / sheet["file"]).read_bytes())))
        assert picture.shape == (4, 4, 3)
        shown = own[(own["prompt_id"] == 0) & (own["sample"] == 0)]
        np.testing.assert_allclose(picture.mean((0, 1))[0] / 255, shown["reward_red"].iloc[0], atol=3e-3)


def test_real_data_is_stored_once_for_all_runs_of_a_benchmark(finished: dict[str, Run], benchmark_: Benchmark) -> None:
    folder = finished["pareto_slider"].folder.parents[1]
    found = read_table(folder / REAL_FEATURES_FILE)
    features, numbers = MeanColor().real(EVALUATED)
    np.testing.assert_array_equal(found["prompt_id"], numbers)
    np.testing.assert_allclose(found[["f_0", "f_1", "f_2"]], features, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "at"), [("pareto_slider", 1), ("pareto_slider", 3), ("fixed_weights", 2), ("fixed_weights", 4)]
)
def test_a_cut_off_run_goes_on_to_the_same_files(
    tmp_path: Path, finished: dict[str, Run], benchmark_: Benchmark, name: str, at: int
) -> None:
    run, whole = tiny_run(tmp_path, name, benchmark=benchmark_), finished[name]
    cut_off(run, at)
    execute(run)
    assert measurements(run.folder) == measurements(whole.folder)
    for part in (FEATURES_FILE, "samples"):
        mine, theirs = run.folder / part, whole.folder / part
        if mine.is_dir():
            assert bytes_below(mine) == bytes_below(theirs)
        else:
            assert mine.read_bytes() == theirs.read_bytes()


def test_what_is_measured_enters_the_hash_and_what_is_shown_does_not(benchmark_: Benchmark) -> None:
    assert replace(benchmark_, gallery=None).fingerprint == benchmark_.fingerprint
    assert replace(benchmark_, features=None).fingerprint != benchmark_.fingerprint
    assert replace(benchmark_, evaluation_prompts=(), gallery=None).fingerprint != benchmark_.fingerprint


def test_prompts_that_do_not_fit_are_refused(benchmark_: Benchmark) -> None:
    with pytest.raises(UsageError, match="distinct evaluation_prompts"):
        replace(benchmark_, evaluation_prompts=("night", "night"))
    with pytest.raises(UsageError, match="gallery of evaluated prompts"):
        replace(benchmark_, gallery=Gallery(("dawn",), 1))


def test_the_painter_is_a_backbone_like_the_others() -> None:
    painter = PainterSpec().build(2, 0)
    assert isinstance(painter, Painter)
    x, sigma, condition = torch.randn(2, 3, 4, 4), torch.full((2,), 0.5), painter.encode(["a", "bb"])
    plain = painter.velocity(x, sigma, condition)
    assert torch.equal(plain, painter.velocity(x, sigma, condition, torch.tensor([[1.0, 0.0]] * 2)))
