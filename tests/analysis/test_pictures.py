"""Sheets are read back as they were written, and nothing else passes for one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from analysis.pictures import Exhibition, exhibition_of, read_pictures
from analysis.summary import summarize
from benchmarks.pictures import Gallery, add_sheets, to_bytes
from benchmarks.records import RecordError
from tests.analysis.synthetic_pictures import GALLERY, add_pictures, pictures_below, tile_color
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, write_tree

INDEX = "samples/index.json"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One benchmark, fixed weights (three models) and a slider with two checkpoints, two seeds, with pictures."""
    return pictures_below(write_tree(tmp_path_factory.mktemp("suite"), TASKS[:1], (RECIPES[0], RECIPES[2]), (0, 1)))


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may damage."""
    return Path(shutil.copytree(original, tmp_path / "toy"))


def shown_in(folder: Path) -> Exhibition:
    summary = summarize(folder)
    found = exhibition_of(summary.benchmarks[0], summary.runs)
    assert found is not None
    return found


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    pictures = torch.randint(0, 256, (2, 3, 2, 3, 4, 5), generator=torch.Generator().manual_seed(0)) / 255
    add_sheets(tmp_path, GALLERY, 40, 1, [(0.25, 0.75), (1.0, 0.0)], pictures)
    add_sheets(tmp_path, GALLERY, 0, 0, [(0.5, 0.5)], pictures[:1])
    found = read_pictures(tmp_path)
    assert found is not None
    assert (found.tile, found.prompts, found.samples) == ((4, 5), GALLERY.prompts, 2)
    assert [(sheet.step, sheet.point, sheet.preference) for sheet in found.sheets] == [
        (0, 0, (0.5, 0.5)),
        (40, 1, (0.25, 0.75)),
        (40, 2, (1.0, 0.0)),
    ]
    for sheet, written in zip(found.at(40), pictures, strict=True):
        expected = (written * 255).round().to(torch.uint8).movedim(2, -1).numpy()
        tiles = found.tiles(sheet)
        assert tiles.dtype == np.uint8
        np.testing.assert_array_equal(tiles, expected)


def test_a_run_without_pictures_has_none(tmp_path: Path) -> None:
    assert read_pictures(tmp_path) is None
    summary = summarize(write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0,)))
    assert exhibition_of(summary.benchmarks[0], summary.runs) is None


INDEXES = [
    (lambda c: c.pop("tile"), "field tile"),
    (lambda c: c.update(tile=[4]), "field tile"),
    (lambda c: c.update(tile=[4, 0]), "field tile"),
    (lambda c: c.update(tile=["4", 5]), "field tile.0"),
    (lambda c: c.update(prompts=[]), "field prompts"),
    (lambda c: c.update(prompts=["a", 1, "b"]), "field prompts.1"),
    (lambda c: c.update(samples=0), "field samples"),
    (lambda c: c.update(more=1), "field more"),
    (lambda c: c["sheets"][0].update(step=-1), "field sheets.0.step"),
    (lambda c: c["sheets"][0].update(step=1.5), "field sheets.0.step"),
    (lambda c: c["sheets"][1].update(preference=[]), "field sheets.1.preference"),
    (lambda c: c["sheets"][1].update(preference=[float("nan"), 0.5]), "field sheets.1.preference.0"),
    (lambda c: c["sheets"][0].update(file="../../../secret.png"), "field sheets.0.file"),
    (lambda c: c["sheets"][0].update(file="a.png\n"), "field sheets.0.file"),
    (lambda c: c["sheets"].append(c["sheets"][0]), "one sheet a step and point"),
]


@pytest.mark.parametrize(("change", "message"), INDEXES)
def test_a_damaged_index_is_named_in_one_line(
    folder: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    run = folder / "two-targets/pareto_slider/seed0"
    edit(run / INDEX, change)
    with pytest.raises(RecordError, match=message) as error:
        read_pictures(run)
    assert str(run / INDEX) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_an_index_that_is_none_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / INDEX).write_bytes(content)
    with pytest.raises(RecordError, match=r"index\.json") as error:
        read_pictures(tmp_path)
    assert "\n" not in str(error.value)


def test_every_damage_of_a_sheet_is_named_or_harmless(tmp_path: Path) -> None:
    pictures = torch.rand(1, 3, 2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    add_sheets(tmp_path, Gallery(("a", "b", "c"), 2), 0, 0, [(1.0,)], pictures)
    found = read_pictures(tmp_path)
    assert found is not None
    (sheet,) = found.sheets
    whole, refused = sheet.path.read_bytes(), list[str]()
    generator = np.random.default_rng(0)
    broken = [whole[:length] for length in range(0, len(whole) - 12, 37)]
    for place in generator.integers(0, len(whole), 200):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(generator.integers(8))
        broken.append(bytes(damaged))
    for content in broken:
        sheet.path.write_bytes(content)
        try:
            assert found.tiles(sheet).shape == (3, 2, 8, 8, 3)
        except RecordError as error:
            refused.append(str(error))
    assert all(str(sheet.path) in message and "\n" not in message for message in refused)
    # A checksum guards all but the last bytes.
    assert len(refused) > 0.9 * len(broken)


@pytest.mark.parametrize("shape", [(3, 2, 3, 4, 6), (2, 2, 3, 4, 5)])
def test_a_sheet_of_another_size_is_refused(folder: Path, shape: tuple[int, ...]) -> None:
    found = read_pictures(folder / "two-targets/pareto_slider/seed0")
    assert found is not None
    found.sheets[0].path.write_bytes(to_bytes(torch.zeros(shape)))
    with pytest.raises(RecordError, match="expected a picture of 10 x 12 pixels of mode RGB, found"):
        found.tiles(found.sheets[0])
    found.sheets[0].path.unlink()
    with pytest.raises(RecordError, match="no such file"):
        found.tiles(found.sheets[0])


def test_the_last_checkpoint_of_the_first_seed_is_shown(folder: Path) -> None:
    shown = shown_in(folder)
    assert (shown.seed, list(shown.shown)) == (0, ["fixed_weights", "pareto_slider"])
    assert (shown.prompts, shown.samples) == (GALLERY.prompts, 2)
    slider, fixed = shown.shown["pareto_slider"], shown.shown["fixed_weights"]
    assert (slider.models, fixed.models) == (1, 3)
    assert {sheet.step for sheet in slider.sheets} == {100}
    assert [sheet.point for sheet in slider.sheets] == list(range(21))
    assert slider.balanced is not None
    assert slider.balanced.preference == (0.5, 0.5)
    assert fixed.balanced is not None
    assert fixed.balanced.point == 1
    assert shown.base is not None
    for tiles, step, point in ((shown.base, 0, 0), (slider.tiles(slider.sheets[7]), 100, 7)):
        for p in range(3):
            for s in range(2):
                assert np.unique(tiles[p, s].reshape(-1, 3), axis=0).tolist() == [tile_color(step, point, p, s)]


def test_the_first_seed_with_pictures_is_shown(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (RECIPES[0], RECIPES[2]), (0, 1, 2))
    add_pictures(folder / "two-targets/pareto_slider/seed1")
    for seed in (1, 2):
        add_pictures(folder / f"two-targets/fixed_weights/seed{seed}")
    assert (shown_in(folder).seed, list(shown_in(folder).shown)) == (1, ["fixed_weights", "pareto_slider"])


def test_a_base_model_without_pictures_is_unknown(folder: Path) -> None:
    for run in folder.glob("*/*/seed0"):
        edit(run / INDEX, lambda content: content.update(sheets=content["sheets"][1:]))
    assert shown_in(folder).base is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(prompts=["a", "b", "c"]), "expected the prompts of"),
        (lambda c: c.update(samples=1), "expected the samples of"),
        (lambda c: c.update(tile=[5, 4]), "expected the tile of"),
        (lambda c: c["sheets"].pop(), "expected a sheet for each of 21 points, found 20"),
        (lambda c: c["sheets"][-1].update(preference=[0.3, 0.7]), "as in the evaluations"),
        (lambda c: c["sheets"][-1].update(preference=[0.3, 0.3, 0.4]), "expected a preference of 2"),
    ],
)
def test_sheets_that_do_not_fit_are_refused(
    folder: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    edit(folder / "two-targets/pareto_slider/seed0" / INDEX, change)
    with pytest.raises(RecordError, match=message) as error:
        shown_in(folder)
    assert "pareto_slider/seed0/samples/index.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_without_preferences_is_matched_by_its_points(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (Recipe("marble", 0.5, divisions=1),), (0,))
    add_pictures(folder / "two-targets/marble/seed0")
    assert len(shown_in(folder).shown["marble"].sheets) == 2
