"""The detector against pictures drawn in another way, where everything about the things is known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.tasks.shapes.detect import DETECTOR, Found, detect
from benchmarks.tasks.shapes.language import COLORS, SHAPES, Pair, Several
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import all_scenes, pick
from tests.support.drawings import Drawn, draw

GOOD, BAD = 0.9, 0.75


def look(*things: Drawn, background: tuple[float, float, float] = (0.5, 0.5, 0.5)) -> list[Found]:
    return detect(draw(things, background)[None])[0]


def kinds(found: list[Found]) -> list[tuple[str | None, str]]:
    return sorted(((thing.color, thing.shape) for thing in found), key=str)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("color", COLORS)
def test_color_shape_place_and_area_of_every_kind_of_thing(color: str, shape: str) -> None:
    generator = np.random.default_rng(0)
    for area in (30.0, 60.0, 200.0):
        x, y = generator.uniform(11, 21, 2)
        (thing,) = look((color, shape, x, y, area))
        assert (thing.color, thing.shape) == (color, shape)
        assert (thing.x, thing.y, thing.area) == pytest.approx((x, y, area), rel=0.03)
        assert max(thing.fits) > GOOD
        assert sorted(thing.fits)[1] < max(thing.fits) - 0.1


def renderings(n: int) -> tuple[np.ndarray, list[list[tuple[str, str]]]]:
    scenes = [scene for kind in ("several", "pair", "placed") for scene in pick(all_scenes(kind), n, "detect")]
    expected = []
    for scene in scenes:
        assert isinstance(scene, Several | Pair)
        things = [scene.thing] * scene.count if isinstance(scene, Several) else [scene.first, scene.second]
        expected.append(sorted((thing.color, thing.shape) for thing in things))
    return Renderer()(scenes, np.random.default_rng(4)).numpy(), expected


def share_right(pictures: np.ndarray, expected: list[list[tuple[str, str]]]) -> float:
    return float(np.mean([kinds(things) == want for things, want in zip(detect(pictures), expected, strict=True)]))


def test_renderings_are_read_without_a_mistake_on_every_background() -> None:
    pictures, expected = renderings(72)
    assert share_right(pictures, expected) == 1
    fits = [max(thing.fits) for things in detect(pictures) for thing in things]
    assert np.quantile(fits, 0.01) > 0.97


def test_noise_and_blur_are_survived_and_strong_ones_degrade_gently() -> None:
    pictures, expected = renderings(36)
    noise = np.random.default_rng(1).normal(size=pictures.shape)
    assert share_right(np.clip(pictures + 0.05 * noise, 0, 1), expected) > 0.97
    assert share_right(ndimage.gaussian_filter(pictures, (0, 0, 0.8, 0.8)), expected) > 0.97
    assert 0.6 < share_right(np.clip(pictures + 0.12 * noise, 0, 1), expected) < 1


def test_a_blur_lowers_the_fit() -> None:
    picture = draw([("red", "square", 16, 16, 60)])
    fits = [
        max(detect(ndimage.gaussian_filter(picture, (0, width, width))[None])[0][0].fits) for width in (0, 0.8, 1.3)
    ]
    assert fits[0] > fits[1] > fits[2] > 0.6


@pytest.mark.parametrize("background", [*COLORS.values(), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_any_plain_background_is_told_from_the_things_on_it(background: tuple[float, float, float]) -> None:
    for color, value in COLORS.items():
        if np.linalg.norm(np.subtract(value, background)) > 0.1:
            found = look((color, "circle", 10, 12, 70), (color, "square", 22, 20, 70), background=background)
            assert kinds(found) == [(color, "circle"), (color, "square")]


def test_the_background_is_found_behind_large_things_at_the_edge() -> None:
    found = look(("red", "square", 7, 7, 300), ("yellow", "square", 26, 9, 200), ("blue", "circle", 23, 24, 60))
    assert [thing.color for thing in found] == ["red", "yellow", "blue"]
    assert max(found[0].fits) > 0.99
    assert max(found[2].fits) > 0.99


def test_the_background_is_found_around_a_thing_that_fills_half_the_picture() -> None:
    large, small = look(("red", "circle", 16, 16, 500), ("blue", "triangle", 3, 29, 30))
    assert (large.shape, small.shape) == ("circle", "triangle")
    assert large.area == pytest.approx(500, rel=0.01)
    assert max(small.fits) > 0.87


def test_the_largest_comes_first() -> None:
    areas = [thing.area for thing in look(("red", "circle", 8, 8, 40), ("blue", "square", 22, 22, 90))]
    assert areas == pytest.approx([90, 40], rel=0.03)


def test_touching_things_of_two_colors_are_two() -> None:
    found = look(("red", "circle", 10.5, 16, 95), ("blue", "circle", 21.5, 16, 95))
    assert kinds(found) == [("blue", "circle"), ("red", "circle")]
    assert min(max(thing.fits) for thing in found) > GOOD


def test_touching_things_of_one_color_are_one_that_is_no_shape() -> None:
    (thing,) = look(("red", "circle", 11, 16, 80), ("red", "circle", 20.5, 16, 80))
    assert thing.color == "red"
    assert max(thing.fits) < BAD


def test_a_ring_and_a_cut_off_disc_are_no_clean_shapes() -> None:
    (ring,) = look(("red", "circle", 16, 16, 200), ((0.5, 0.5, 0.5), "circle", 16, 16, 60))
    (cut,) = look(("red", "circle", 1.5, 16, 110))
    assert max(ring.fits) < BAD
    assert max(cut.fits) < GOOD - 0.05


def test_a_color_that_is_none_of_the_worlds_has_no_name() -> None:
    for color in ((0.0, 0.0, 0.0), (0.95, 0.5, 0.1), (0.1, 0.8, 0.8)):
        (thing,) = look((color, "circle", 16, 16, 90))
        assert (thing.color, thing.shape) == (None, "circle")


def test_faint_things_and_specks_are_not_found() -> None:
    assert look(((0.56, 0.44, 0.44), "circle", 16, 16, 90)) == []
    assert look(("red", "circle", 16, 16, 90), background=(0.81, 0.13, 0.16)) == []
    assert look(("red", "circle", 8, 8, 9), ("blue", "square", 20, 8, 14), ("white", "square", 9.5, 22.5, 1)) == []


def test_specks_beside_a_thing_change_nothing_of_it() -> None:
    (alone,) = look(("red", "circle", 12, 12, 80))
    (beside,) = look(("red", "circle", 12, 12, 80), ("blue", "square", 25.5, 25.5, 1), ("white", "square", 5, 27, 4))
    assert beside.fits == pytest.approx(alone.fits, abs=0.02)
    assert (beside.x, beside.y) == pytest.approx((alone.x, alone.y), abs=0.05)


def test_pictures_of_nothing_give_nothing() -> None:
    generator = np.random.default_rng(0)
    plain = np.broadcast_to(generator.uniform(size=(20, 3, 1, 1)), (20, 3, 32, 32))
    assert detect(plain) == [[]] * 20
    assert detect(np.zeros((0, 3, 32, 32))) == []


@pytest.mark.parametrize("coarse", [1, 4, 16])
def test_random_pictures_hold_hardly_a_clean_shape(coarse: int) -> None:
    generator = np.random.default_rng(coarse)
    pictures = generator.uniform(size=(60, 3, 32 // coarse, 32 // coarse)).repeat(coarse, 2).repeat(coarse, 3)
    clean = [
        thing for things in detect(pictures) for thing in things if max(thing.fits) > GOOD and thing.shape != "square"
    ]
    assert len(clean) <= 3


def test_mirroring_the_picture_mirrors_the_places() -> None:
    pictures, _ = renderings(10)
    for seen, mirrored in zip(detect(pictures), detect(pictures[..., ::-1]), strict=True):
        assert kinds(seen) == kinds(mirrored)
        assert sorted(32 - thing.x for thing in mirrored) == pytest.approx(sorted(t.x for t in seen), abs=0.1)
        assert sorted(thing.y for thing in mirrored) == pytest.approx(sorted(t.y for t in seen), abs=0.1)


def test_a_picture_is_read_the_same_alone_and_among_others() -> None:
    pictures, _ = renderings(8)
    together = detect(pictures)
    for picture, things in zip(pictures, together, strict=True):
        for alone, among in zip(detect(picture[None])[0], things, strict=True):
            assert replace(alone, fits=among.fits, x=among.x, y=among.y, area=among.area) == among
            assert (*alone.fits, alone.x, alone.area) == pytest.approx((*among.fits, among.x, among.area), rel=1e-4)


def test_the_picture_is_left_as_it_was() -> None:
    picture = draw([("red", "circle", 16, 16, 90)])[None]
    before = picture.copy()
    detect(picture)
    assert np.array_equal(picture, before)


def test_what_defines_the_detector_is_json() -> None:
    assert json.loads(json.dumps(DETECTOR))["version"] == 1
