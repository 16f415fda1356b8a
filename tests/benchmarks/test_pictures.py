"""Sheets hold the samples at their places, and writing them again changes nothing."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.pictures import Gallery, add_sheets, to_bytes
from benchmarks.records import RecordError, UsageError
from tests.support.records import bytes_below, times_below

GALLERY = Gallery(("a red circle", "two $ signs"), 3)
PREFERENCES = ((0.25, 0.75), (1.0, 0.0))


def random_pictures(n_points: int = 2, seed: int = 0) -> torch.Tensor:
    """Return pictures [n_points, 2, 3, 3, 4, 5] whose levels are whole, so that eight bits hold them."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n_points, 2, 3, 3, 4, 5), generator=generator) / 255


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


def test_every_tile_lies_at_its_row_and_column() -> None:
    pictures = random_pictures()[0]
    sheet = pixels(to_bytes(pictures))
    assert sheet.shape == (2 * 4, 3 * 5, 3)
    for p in range(2):
        for s in range(3):
            tile = sheet[4 * p : 4 * p + 4, 5 * s : 5 * s + 5]
            expected = (pictures[p, s].permute(1, 2, 0) * 255).round().numpy()
            np.testing.assert_array_equal(tile, expected)


def test_values_are_rounded_to_the_nearest_level() -> None:
    flat = torch.tensor([0.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.0, 1.0 + 5e-7])
    sheet = pixels(to_bytes(flat.reshape(1, 1, 1, 1, 6).expand(1, 1, 3, 1, 6)))
    assert sheet[0, :, 0].tolist() == [0, 0, 1, 255, 255, 255]


def test_double_precision_and_gradients_are_accepted() -> None:
    pictures = random_pictures()[0]
    assert to_bytes(pictures.double().requires_grad_()) == to_bytes(pictures)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -0.01, 1.01])
def test_what_is_no_picture_is_refused(wrong: float) -> None:
    pictures = random_pictures()[0]
    pictures[1, 2, 0, 3, 4] = wrong
    with pytest.raises(ValueError, match=r"samples must lie in \[0, 1\]"):
        to_bytes(pictures)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 4, 4), (0, 1, 3, 4, 4)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must have shape \[P, S, 3, H, W\]"):
        to_bytes(torch.zeros(shape))


def test_the_index_names_every_sheet(tmp_path: Path) -> None:
    base, trained = random_pictures(1, 1), random_pictures(2, 2)
    add_sheets(tmp_path, GALLERY, 0, 0, [(0.5, 0.5)], base)
    add_sheets(tmp_path, GALLERY, 40, 3, PREFERENCES, trained)
    index = json.loads((tmp_path / "samples/index.json").read_text())
    assert {key: index[key] for key in ("tile", "prompts", "samples")} == {
        "tile": [4, 5],
        "prompts": ["a red circle", "two $ signs"],
        "samples": 3,
    }
    assert index["sheets"] == [
        {"step": 0, "point": 0, "preference": [0.5, 0.5], "file": "step00000-point000.png"},
        {"step": 40, "point": 3, "preference": [0.25, 0.75], "file": "step00040-point003.png"},
        {"step": 40, "point": 4, "preference": [1.0, 0.0], "file": "step00040-point004.png"},
    ]
    for entry, pictures in zip(index["sheets"], [*base, *trained], strict=True):
        assert (tmp_path / "samples" / entry["file"]).read_bytes() == to_bytes(pictures)
    assert set(bytes_below(tmp_path)) == {"samples/index.json", *(f"samples/{s['file']}" for s in index["sheets"])}


def test_the_same_points_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    pictures = random_pictures(2, 3)
    add_sheets(tmp_path / "once", GALLERY, 40, 0, PREFERENCES, pictures)
    for index in (1, 0, 1):
        add_sheets(tmp_path / "again", GALLERY, 40, index, PREFERENCES[index : index + 1], pictures[index : index + 1])
    assert bytes_below(tmp_path / "again") == bytes_below(tmp_path / "once")


def test_a_sheet_of_the_same_point_is_replaced(tmp_path: Path) -> None:
    add_sheets(tmp_path, GALLERY, 40, 0, PREFERENCES[:1], random_pictures(1, 1))
    newer = random_pictures(1, 2)
    add_sheets(tmp_path, GALLERY, 40, 0, PREFERENCES[1:], newer)
    (entry,) = json.loads((tmp_path / "samples/index.json").read_text())["sheets"]
    assert entry["preference"] == [1.0, 0.0]
    assert (tmp_path / "samples" / entry["file"]).read_bytes() == to_bytes(newer[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"sheets": []}', "is damaged"),
        ('{"tile": [4, 5], "prompts": [], "samples": 3, "sheets": [{}]}', "is damaged"),
        ('{"tile": [4, 5], "prompts": [], "samples": 3, "sheets": [{"step": "a", "point": 0}]}', "whole numbers"),
        ('{"tile": [8, 5], "prompts": ["a red circle", "two $ signs"], "samples": 3, "sheets": []}', "expected tile"),
        ('{"tile": [4, 5], "prompts": ["a red circle"], "samples": 3, "sheets": []}', "expected prompts"),
    ],
)
def test_a_damaged_or_foreign_index_is_left_as_it_is(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "samples/index.json"
    path.parent.mkdir()
    path.write_text(content)
    before = times_below(tmp_path)
    with pytest.raises(RecordError, match=message) as error:
        add_sheets(tmp_path, GALLERY, 40, 0, PREFERENCES, random_pictures())
    assert "\n" not in str(error.value)
    assert times_below(tmp_path) == before


def test_pictures_of_another_number_are_refused(tmp_path: Path) -> None:
    for preferences, pictures in (
        (PREFERENCES, random_pictures(1)),
        (PREFERENCES, random_pictures()[:, :1]),
        (PREFERENCES, random_pictures()[:, :, :2]),
        (PREFERENCES, random_pictures()[0]),
    ):
        with pytest.raises(ValueError, match="pictures must have shape"):
            add_sheets(tmp_path, GALLERY, 40, 0, preferences, pictures)
    assert bytes_below(tmp_path) == {}


@pytest.mark.parametrize(("prompts", "samples"), [((), 1), (("a", "a"), 1), (("a",), 0)])
def test_a_gallery_shows_something(prompts: tuple[str, ...], samples: int) -> None:
    with pytest.raises(UsageError, match="gallery: expected"):
        Gallery(prompts, samples)
