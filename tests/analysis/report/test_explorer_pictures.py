"""As many pictures as fit, unchanged where all do, and what was left out is said."""

import base64
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from analysis.pictures import Exhibition
from analysis.report.explorer import explorer_data
from analysis.report.explorer_pictures import LARGEST_SIDE, Cut, cuts, data_uri, galleries_of, size_of
from analysis.report.picture_page import exhibitions_of
from analysis.summary import summarize
from benchmarks.pictures import Gallery
from tests.analysis.synthetic_pictures import GALLERY, pictures_below
from tests.analysis.synthetic_records import RECIPES, TASKS, write_tree

ENOUGH = 10_000_000


@pytest.fixture(scope="module")
def exhibitions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exhibition, ...]:
    """One benchmark, two methods of 3 and 21 points, three prompts with two samples."""
    suite = write_tree(tmp_path_factory.mktemp("shown"), TASKS[:1], (RECIPES[0], RECIPES[2]), (0, 1))
    return exhibitions_of(summarize(pictures_below(suite, Gallery(GALLERY.prompts, 2))))


def pixels(uri: str) -> npt.NDArray[np.uint8]:
    head, content = uri.split(",")
    assert head in {"data:image/png;base64", "data:image/jpeg;base64"}
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_every_picture_is_there_pixel_by_pixel(exhibitions: tuple[Exhibition, ...]) -> None:
    galleries, left_out = galleries_of(exhibitions, ENOUGH)
    (one,) = exhibitions
    gallery = galleries[one.part.record.name]
    assert left_out == ()
    assert (gallery.prompts, gallery.samples, gallery.seed, gallery.tile) == (GALLERY.prompts, 2, 0, (4, 5))
    for name, shown in one.shown.items():
        for sheet, uris in zip(shown.sheets, gallery.methods[name], strict=True):
            assert uris is not None
            found = np.array([[pixels(uri) for uri in row] for row in uris])
            assert (found == shown.tiles(sheet)).all()
    assert gallery.base is not None
    assert one.base is not None
    assert (np.array([[pixels(uri) for uri in row] for row in gallery.base]) == one.base).all()


def test_what_fits_is_what_the_budget_allows(exhibitions: tuple[Exhibition, ...]) -> None:
    galleries, _ = galleries_of(exhibitions, ENOUGH)
    whole = sum(map(size_of, galleries.values()))
    counts = []
    # Far below that nothing fits at all.
    for budget in (ENOUGH, whole // 2, whole // 4, whole // 8, whole // 16, 10):
        found, left_out = galleries_of(exhibitions, budget)
        assert sum(map(size_of, found.values())) <= budget
        assert bool(left_out) == (budget < whole)
        shown = [uris for one in found.values() for row in one.methods.values() for uris in row if uris is not None]
        counts.append(sum(len(row) for uris in shown for row in uris))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 24 * 6
    assert counts[-1] == 0
    assert counts[-2] > 0


def test_samples_go_first_then_prompts_then_points() -> None:
    found = [(cut.samples, cut.prompts, cut.points) for cut in cuts(Cut(3, 2, 4))]
    assert found == [(3, 2, 4), (2, 2, 4), (1, 2, 4), (1, 1, 4), (1, 1, 3), (1, 1, 2), (1, 1, 1)]


def test_the_page_says_what_was_left_out(exhibitions: tuple[Exhibition, ...]) -> None:
    galleries, _ = galleries_of(exhibitions, ENOUGH)
    (sentence,) = galleries_of(exhibitions, sum(map(size_of, galleries.values())) // 3)[1]
    assert "1 of 2 samples of each prompt are shown" in sentence
    assert "JPEG" not in sentence
    (nothing,) = galleries_of(exhibitions, 10)[1]
    assert "do not fit" in nothing


def test_large_pictures_become_jpeg_before_any_is_left_out(tmp_path: Path) -> None:
    suite = write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0,))
    shown = exhibitions_of(summarize(pictures_below(suite, Gallery(("a", "b"), 1), (80, 90))))
    sheets = [sheet.path for method in shown[0].shown.values() for sheet in method.sheets]
    for index, path in enumerate(sheets):
        noise = np.random.default_rng(index).integers(0, 256, (160, 90, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    stored = sum(path.stat().st_size for path in sheets)
    galleries, left_out = galleries_of(shown, stored)
    points = next(iter(galleries.values())).methods["fixed_weights"]
    assert {uri.split(";")[0] for point in points for row in point or () for uri in row} == {"data:image/jpeg"}
    assert f"JPEG of at most {LARGEST_SIDE} pixels" in left_out[0]
    assert "of 2 prompts" not in left_out[0]
    assert galleries_of(shown, ENOUGH)[1] == ()


def test_large_pictures_shrink_and_keep_their_shape() -> None:
    tile = np.zeros((300, 600, 3), dtype=np.uint8)
    assert pixels(data_uri(tile, lossy=True)).shape == (LARGEST_SIDE // 2, LARGEST_SIDE, 3)
    assert pixels(data_uri(tile, lossy=False)).shape == tile.shape


def test_the_explorer_gives_each_point_its_pictures(exhibitions: tuple[Exhibition, ...], tmp_path: Path) -> None:
    suite = pictures_below(write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0,)))
    summary = summarize(suite)
    galleries, _ = galleries_of(exhibitions_of(summary), ENOUGH)
    (one,) = explorer_data(summary, galleries)["benchmarks"]
    assert one["pictures"]["prompts"] == list(GALLERY.prompts)
    assert [len(method["pictures"]) for method in one["methods"]] == [3]
    (without,) = explorer_data(summary, {})["benchmarks"]
    assert without["pictures"] is None
    assert without["methods"][0]["pictures"] is None
    assert galleries_of((), ENOUGH) == ({}, ())
