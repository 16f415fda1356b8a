"""Sheets for people: what stands where, what is written, and files that play."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.records import UsageError
from benchmarks.strips import GAP, MARGIN, PAPER, SMALLEST, Sheet, draw, sheet_of, to_file

NAMES = ("plain", "colorful")


def flat(*shape: int) -> torch.Tensor:
    """Return samples [*shape, 3, 4, 4], each of one gray of its own."""
    number = torch.arange(1, 1 + int(np.prod(shape))).reshape(*shape, 1, 1, 1) / 20
    return number.expand(*shape, 3, 4, 4)


def grays(page: Image.Image, top: int) -> list[int]:
    """Return the grays of the middles of the tiles in the row that starts at `top`."""
    half, step = SMALLEST // 2, SMALLEST + GAP
    columns = (page.width - 2 * MARGIN + GAP) // step
    pixels = np.asarray(page)
    return [int(pixels[top + half, MARGIN + column * step + half, 0]) for column in range(columns)]


def test_one_sample_stays_as_it_is() -> None:
    sample = torch.rand(1, 1, 1, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    (page,) = draw(sheet_of(sample, ["a"], [(0.5, 0.5)], NAMES))
    assert page.size == (7, 5)
    expected = (255 * sample[0, 0, 0]).round().byte().permute(1, 2, 0)
    assert torch.equal(torch.from_numpy(np.array(page)), expected)


def test_columns_are_preferences_with_words_below() -> None:
    sheet = sheet_of(flat(3, 1, 1), ["a"], [(1.0, 0.0), (0.5, 0.5), (0.0, 1.0)], NAMES)
    assert sheet.labels[1] == ("0.50 plain", "0.50 colorful")
    (page,) = draw(sheet)
    assert grays(page, MARGIN) == [13, 26, 38]
    below = np.asarray(page)[MARGIN + SMALLEST + GAP :]
    assert {tuple(pixel) for pixel in below.reshape(-1, 3)} > {PAPER}
    assert below.min() < 128


def test_rows_are_prompts_and_their_samples() -> None:
    samples = flat(2, 2, 2)
    sheet = sheet_of(samples, ["a", "b"], [(1.0, 0.0), (0.0, 1.0)], NAMES)
    assert sheet.titles == ("a", "", "b", "")
    for row, (prompt, sample) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        assert torch.equal(sheet.samples[row], samples[:, prompt, sample])


def test_without_a_choice_of_preferences_columns_are_samples() -> None:
    samples = flat(1, 2, 3)
    sheet = sheet_of(samples, ["a", "b"], [], NAMES)
    assert torch.equal(sheet.samples, samples[0])
    assert sheet.titles == ("a", "b")
    assert sheet.labels == ()


def test_long_words_stay_within_their_column() -> None:
    long = ("w" * 80, "x")
    (page,) = draw(Sheet(flat(1, 2), ("",), (long, ("", ""))))
    right = np.asarray(page)[MARGIN + SMALLEST + GAP :, MARGIN + SMALLEST + 1 :]
    assert right.min() == 255


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_videos_play(suffix: str) -> None:
    videos = flat(1, 1, 1, 5)[:, :, :]
    sheet = sheet_of(videos, ["a"], [(0.5, 0.5)], NAMES, frame_rate=10.0)
    assert sheet.moving
    with Image.open(io.BytesIO(to_file(sheet, suffix))) as found:
        assert found.n_frames == 5  # type: ignore[attr-defined]
        found.seek(2)
        assert found.info["duration"] == 100
        assert found.convert("RGB").getpixel((0, 0)) == (38, 38, 38)


@pytest.mark.parametrize(("moving", "suffix"), [(False, ".gif"), (False, ".jpg"), (True, ".mp4"), (False, "")])
def test_other_files_are_refused(moving: bool, suffix: str) -> None:
    samples = flat(1, 1, 1, 2) if moving else flat(1, 1, 1)
    with pytest.raises(UsageError, match=f"--out: expected a name that ends in .png.*found {suffix or 'none'}"):
        to_file(sheet_of(samples, ["a"], [], NAMES), suffix)
