"""Sheets, features and held-out rewards beside synthetic runs, as runs on images write them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.pictures import Gallery, add_sheets
from benchmarks.records import (
    EVALUATIONS_FILE,
    FEATURES_FILE,
    REAL_FEATURES_FILE,
    read_table,
    write_table,
)
from tests.analysis.synthetic_records import change_run

GALLERY = Gallery(("a red circle", "two blue squares", "a sign that reads A7"), 2)
BASE_LEVEL = 255


def level(step: int, point: int) -> int:
    """Return the blue level that marks a point, so that a test can tell whose picture it sees."""
    return BASE_LEVEL if step == 0 else 10 + 3 * point


def tile_color(step: int, point: int, prompt: int, sample: int) -> list[int]:
    """Return the RGB color of every pixel of a picture."""
    return [30 * prompt, 100 * sample, level(step, point)]


def points_of(folder: Path) -> list[tuple[int, int, list[float]]]:
    """Return step, point and preference of every point of a run."""
    frame = read_table(folder / EVALUATIONS_FILE)
    names = sorted(name for name in frame.columns if name.startswith("preference_"))
    first = frame.groupby(["step", "point"])[names].first()
    keys = [(int(step), int(point)) for step, point in first.index]
    return [(*key, [float(weight) for weight in row]) for key, row in zip(keys, first.to_numpy(), strict=True)]


def add_pictures(folder: Path, gallery: Gallery = GALLERY, tile: tuple[int, int] = (4, 5)) -> None:
    """Write a sheet of one-colored tiles for every point of a run."""
    points = points_of(folder)
    for step in sorted({step for step, _, _ in points}):
        here = [(point, preference) for at, point, preference in points if at == step]
        colors = [
            [[tile_color(step, point, p, s) for s in range(gallery.samples)] for p in range(len(gallery.prompts))]
            for point, _ in here
        ]
        flat = torch.tensor(colors, dtype=torch.float32) / 255
        pictures = flat[..., None, None].expand(-1, -1, -1, -1, *tile)
        add_sheets(folder, gallery, step, here[0][0], [preference for _, preference in here], pictures)


def pictures_below(suite: Path, gallery: Gallery = GALLERY, tile: tuple[int, int] = (4, 5)) -> Path:
    """Write sheets for every run of a suite and return its folder."""
    for folder in sorted(suite.glob("*/*/seed*")):
        add_pictures(folder, gallery, tile)
    return suite


def add_held_out(folder: Path, name: str, values: Sequence[float], higher_is_better: bool = True) -> None:
    """Add a held-out reward to a run, constant at each point: the base model's value, then one for each point."""
    path = folder / EVALUATIONS_FILE
    frame = read_table(path)
    columns: dict[str, npt.NDArray[Any]] = {column: frame[column].to_numpy() for column in frame.columns}
    by_point = np.asarray(values, dtype=np.float64)
    columns[f"held_out_{name}"] = np.where(columns["step"] == 0, by_point[0], by_point[1:][columns["point"]])
    write_table(path, columns)
    reward = {"name": name, "unit": "", "higher_is_better": higher_is_better, "range": [None, None]}
    change_run(folder, lambda content: content["benchmark"]["held_out"].append(reward))


def add_features(folder: Path, shift: Sequence[float], spread: Sequence[float], size: int = 3) -> None:
    """Write features of a run: standard normal, times a spread and moved by a shift: the base model's, then trained."""
    frame = read_table(folder / EVALUATIONS_FILE)
    keys = {name: frame[name].to_numpy() for name in ("step", "point", "prompt_id", "sample")}
    # The same noise for every point, as in a real evaluation.
    noise = np.random.default_rng(0).standard_normal((64, 64, size))[keys["prompt_id"], keys["sample"]]
    trained = (keys["step"] > 0).astype(int)
    values = noise * np.asarray(spread)[trained][:, None] + np.asarray(shift)[trained][:, None]
    write_features(folder / FEATURES_FILE, keys, values)


def write_features(path: Path, keys: dict[str, npt.NDArray[Any]], values: npt.NDArray[np.float64]) -> None:
    """Write a features table."""
    halves = values.astype(np.float16)
    write_table(path, keys | {f"f_{i}": halves[:, i] for i in range(halves.shape[1])})


def add_real_features(benchmark: Path, prompts: int = 2, each: int = 50, size: int = 3) -> None:
    """Write standard normal features of real data for a benchmark."""
    values = np.random.default_rng(1).standard_normal((prompts * each, size))
    write_features(benchmark / REAL_FEATURES_FILE, {"prompt_id": np.repeat(np.arange(prompts), each)}, values)
