"""Pictures show what the scene says: checked against the geometry that was drawn, not through a detector."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from benchmarks.records import UsageError
from benchmarks.tasks.shapes import render
from benchmarks.tasks.shapes.glyphs import glyphs
from benchmarks.tasks.shapes.language import CHARACTERS, COLORS, Pair, Scene, Several, Sign, Thing
from benchmarks.tasks.shapes.render import GAP, SIZE, Renderer
from benchmarks.tasks.shapes.scenes import KINDS, all_scenes, pick


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def drawn(renderer: Renderer, scenes: list[Scene], seed: int = 0) -> torch.Tensor:
    return renderer(scenes, np.random.default_rng(seed))


def test_pictures_have_the_stated_size_range_and_type(renderer: Renderer) -> None:
    pictures = drawn(renderer, [scene for kind in KINDS for scene in pick(all_scenes(kind), 10, "test")])
    assert pictures.shape == (40, 3, SIZE, SIZE)
    assert pictures.dtype == torch.float32
    assert float(pictures.min()) >= 0
    assert float(pictures.max()) <= 1


def test_the_generator_alone_decides_the_rest(renderer: Renderer) -> None:
    scenes: list[Scene] = [Several(Thing("red", "circle"), 3), Sign("A7")]
    assert torch.equal(drawn(renderer, scenes), drawn(Renderer(), scenes))
    assert not torch.equal(drawn(renderer, scenes), drawn(renderer, scenes, seed=1))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_things_lie_apart_and_inside(count: int) -> None:
    generator = np.random.default_rng(count)
    for _ in range(200):
        places = render._scattered(count, generator)
        assert len(places) == count
        for i, (x, y, radius) in enumerate(places):
            reach = 1.1 * radius
            assert min(x, y) - reach >= GAP - 1e-9
            assert max(x, y) + reach <= SIZE - GAP + 1e-9
            assert all(max(abs(x - u), abs(y - v)) >= reach + 1.1 * r + GAP - 1e-9 for u, v, r in places[:i])


@pytest.mark.parametrize(
    ("relation", "axis", "sign"), [("left of", 0, -1), ("right of", 0, 1), ("above", 1, -1), ("below", 1, 1)]
)
def test_a_relation_holds_clearly(relation: str, axis: int, sign: int) -> None:
    generator = np.random.default_rng(3)
    for _ in range(100):
        first, second = render._placed(relation, generator)
        offset = (first[0] - second[0], first[1] - second[1])
        assert sign * offset[axis] > 0
        assert abs(offset[1 - axis]) <= abs(offset[axis]) * 2 / 3


@pytest.mark.parametrize("color", sorted(COLORS))
@pytest.mark.parametrize("shape", ["circle", "square", "triangle"])
def test_a_thing_has_its_color_and_area(renderer: Renderer, color: str, shape: str) -> None:
    place = (16.0, 16.0, 7.0)
    area = float(renderer._coverage(Thing(color, shape), place).sum())
    exact = {"circle": np.pi * 49, "square": 4 * 6.3**2, "triangle": 1.1 * 7 * 1.9 * 7}[shape]
    assert area == pytest.approx(exact, rel=0.02)
    picture = drawn(renderer, [Several(Thing(color, shape), 1)])[0].permute(1, 2, 0).numpy()
    near = np.abs(picture - np.asarray(COLORS[color])).max(axis=2) < 0.06
    assert near.sum() >= 20


def test_the_text_of_a_sign_is_darker_than_its_plate_and_signs_differ(renderer: Renderer) -> None:
    one, other = drawn(renderer, [Sign("111")]), drawn(renderer, [Sign("888")])
    assert float((one - other).abs().max()) > 0.5
    inked = [int((drawn(renderer, [Sign(c * 3)])[0].mean(0) < 0.4).sum()) for c in ("1", "8")]
    assert inked[0] < inked[1]


def test_every_character_has_a_glyph_of_its_own_that_fits() -> None:
    masks = glyphs()
    assert sorted(masks) == sorted(CHARACTERS)
    flat = np.stack([masks[c].ravel() for c in CHARACTERS])
    distances = np.abs(flat[:, None] - flat[None]).mean(2) + np.eye(len(flat))
    assert distances.min() > 0.03
    for mask in masks.values():
        assert mask[[0, -1]].max() == 0
        assert mask.max() == 1


def test_a_missing_font_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"font of the signs: expected DejaVu Sans Mono Bold at .*nowhere\.ttf"
    ) as caught:
        glyphs(tmp_path / "nowhere.ttf")
    assert "\n" not in str(caught.value)


def test_pairs_show_both_things(renderer: Renderer) -> None:
    pair = Pair(Thing("red", "square"), Thing("white", "circle"), "left of")
    for seed in range(20):
        picture = drawn(renderer, [pair], seed)[0].permute(1, 2, 0).numpy()
        columns = []
        for thing in (pair.first, pair.second):
            near = np.abs(picture - np.asarray(COLORS[thing.color])).max(axis=2) < 0.08
            columns.append(float(np.nonzero(near)[1].mean()))
        assert columns[0] < columns[1]
    assert cast(str, pair.relation) == "left of"
