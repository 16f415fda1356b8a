"""The second detector: color maps, least-squares fits, drawn scenes, wrong prompts and malformed things."""

import ast
import colorsys
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.tasks.shapes import second_look
from benchmarks.tasks.shapes.language import COLORS, SHAPES, Pair, Several, Sign, Thing
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import all_scenes, pick
from benchmarks.tasks.shapes.second_look import (
    MOST_REST,
    OFFSETS,
    RADII,
    REACH,
    SecondLook,
    Templates,
    agrees,
    color_maps,
)

LOOK = SecondLook()
SCENES = [
    scene
    for kind, n in (("several", 72), ("pair", 60), ("placed", 60))
    for scene in pick(all_scenes(kind), n, "look")
    if not isinstance(scene, Sign)
]
PICTURES = Renderer()(SCENES, np.random.default_rng(0))
SIGHTS = LOOK(PICTURES)
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
ACROSS = {"left of": "above", "right of": "below", "above": "left of", "below": "right of"}


def drawn(inside: np.ndarray, color: str = "blue", ground: float = 0.5) -> Tensor:
    """A picture [1, 3, 32, 32] with a color at the points [256, 256], eight a pixel, on gray ground."""
    share = torch.from_numpy(inside.reshape(32, 8, 32, 8).mean((1, 3))).float()
    return (ground + share * (torch.tensor(COLORS[color])[:, None, None] - ground))[None]


def plane(x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    """How far right of and below a point the points of `drawn` are, in pixels."""
    axis = (np.arange(256) + 0.5) / 8
    return axis[None, :] - x + np.zeros((256, 1)), axis[:, None] - y + np.zeros((1, 256))


def disc(x: float, y: float, radius: float) -> np.ndarray:
    return np.hypot(*plane(x, y)) <= radius


def test_backgrounds_have_no_color_and_colors_only_their_own() -> None:
    hsv = itertools.product(np.linspace(0, 1, 13), (0.0, 0.2, 0.35), (0.3, 0.5, 0.72))
    pale = torch.tensor([colorsys.hsv_to_rgb(*point) for point in hsv], dtype=torch.float32)
    assert float(color_maps(pale[:, :, None, None]).max()) < 1e-5
    jitter = torch.tensor(list(itertools.product((-0.04, 0.0, 0.04), repeat=3)))
    for i, color in enumerate(COLORS.values()):
        maps = color_maps((torch.tensor(color) + jitter).clamp(0, 1)[:, :, None, None])[:, :, 0, 0]
        assert torch.equal(maps, torch.eye(len(COLORS))[i].expand_as(maps))


def test_coverage_grows_with_the_share_of_the_color() -> None:
    share = torch.linspace(0, 1, 21)[:, None]
    for i, color in enumerate(COLORS.values()):
        mixed = 0.6 + share * (torch.tensor(color) - 0.6)
        own = color_maps(mixed[:, :, None, None])[:, i].flatten()
        assert bool((own.diff() >= 0).all())
        assert own[0] == 0
        assert own[-1] == 1


def test_a_template_is_its_own_best_fit() -> None:
    templates = Templates.draw(RADII[::4], OFFSETS[::3], REACH)
    flat = templates.masks.flatten(1)
    gains = 2 * flat @ flat.T - templates.energies
    assert gains.argmax(1).tolist() == list(range(len(flat)))
    torch.testing.assert_close(gains.diagonal(), templates.energies)


def test_templates_have_the_shapes_areas() -> None:
    area = {"circle": np.pi, "square": 1.8**2, "triangle": 1.9 * 1.1}
    templates = Templates.draw((5.0, 8.0), (0.0, 0.5), REACH)
    for mask, (shape, radius, right, down) in zip(templates.masks, templates.kinds, strict=True):
        assert float(mask.sum()) == pytest.approx(area[shape] * radius**2, rel=0.02)
        columns = torch.arange(2 * REACH + 1) - REACH
        assert float((mask.sum(0) * columns).sum() / mask.sum()) == pytest.approx(right, abs=0.1)
        if shape != "triangle":
            assert float((mask.sum(1) * columns).sum() / mask.sum()) == pytest.approx(down, abs=0.1)


@pytest.mark.parametrize(("x", "y", "radius"), [(16.0, 16.0, 5.0), (9.3, 20.6, 4.1), (20.9, 12.2, 7.6)])
@pytest.mark.parametrize("color", COLORS)
def test_a_thing_is_found_where_it_is(x: float, y: float, radius: float, color: str) -> None:
    (sight,) = LOOK(drawn(disc(x, y, radius), color))
    (found,) = sight.things
    assert found.thing == Thing(color, "circle")
    assert np.hypot(found.x - x, found.y - y) <= 0.5
    assert found.radius == pytest.approx(radius, abs=0.5)
    assert sight.rest < MOST_REST


def test_drawn_scenes_agree_with_their_sentences() -> None:
    assert np.mean([agrees(sight, scene) for sight, scene in zip(SIGHTS, SCENES, strict=True)]) >= 0.99


def test_noise_is_borne() -> None:
    noise = torch.randn(PICTURES.shape, generator=torch.Generator().manual_seed(0))
    sights = LOOK((PICTURES + 0.05 * noise).clamp(0, 1))
    assert np.mean([agrees(sight, scene) for sight, scene in zip(sights, SCENES, strict=True)]) >= 0.95


def others(scene: Several | Pair) -> Iterator[tuple[str, Several | Pair]]:
    """Scenes that differ from one in a single respect."""
    thing = scene.thing if isinstance(scene, Several) else scene.first
    recolored = [replace(thing, color=color) for color in COLORS if color != thing.color]
    reshaped = [replace(thing, shape=shape) for shape in SHAPES if shape != thing.shape]
    if isinstance(scene, Several):
        yield from (("count", replace(scene, count=count)) for count in range(1, 5) if count != scene.count)
        yield from (("color", replace(scene, thing=other)) for other in recolored)
        yield from (("shape", replace(scene, thing=other)) for other in reshaped)
        return
    yield from (("color", replace(scene, first=other)) for other in recolored)
    yield from (("shape", replace(scene, first=other)) for other in reshaped)
    yield from (("count", Several(scene.first, count)) for count in (1, 2))
    if scene.relation is not None:
        yield "relation", replace(scene, relation=OPPOSITE[scene.relation])
        yield "relation", replace(scene, relation=ACROSS[scene.relation])
        yield "swap", replace(scene, first=scene.second, second=scene.first)


def test_scenes_that_differ_in_one_respect_do_not_agree() -> None:
    found: dict[str, list[bool]] = {"count": [], "color": [], "shape": [], "relation": [], "swap": []}
    for sight, scene in zip(SIGHTS, SCENES, strict=True):
        for respect, other in others(scene):
            found[respect].append(agrees(sight, other))
    assert {respect: np.mean(wrong) <= 0.05 for respect, wrong in found.items()} == dict.fromkeys(found, True)


@pytest.mark.parametrize(
    "inside",
    [
        disc(16, 16, 6) & ~disc(16, 16, 3.5),
        disc(16, 16, 2.4),
        disc(12, 16, 6) | disc(17, 16, 6),
        np.hypot(plane(16, 16)[0] / 1.6, plane(16, 16)[1] / 0.7) <= 5,
        (abs(plane(16, 16)[0]) <= 8) & (abs(plane(16, 16)[1]) <= 2.5),
        np.ones((256, 256), dtype=bool),
        np.zeros((256, 256), dtype=bool),
    ],
    ids=["ring", "dot", "merged circles", "ellipse", "stripe", "all over", "nothing"],
)
def test_malformed_things_are_none_of_the_shapes(inside: np.ndarray) -> None:
    (sight,) = LOOK(drawn(inside))
    assert not any(agrees(sight, Several(Thing("blue", shape), count)) for shape in SHAPES for count in range(1, 5))


def test_anything_besides_spoils_a_scene() -> None:
    scene = Several(Thing("blue", "circle"), 1)
    picture = drawn(disc(10, 10, 5))
    spot = drawn(disc(24, 24, 2.5), "red")
    assert agrees(LOOK(picture)[0], scene)
    assert not agrees(LOOK(torch.where(spot == 0.5, picture, spot))[0], scene)


def test_black_things_and_signs_are_no_scene() -> None:
    things = [Several(Thing(color, shape), count) for color in COLORS for shape in SHAPES for count in range(1, 5)]
    black = torch.where(drawn(disc(16, 16, 5)) == 0.5, 0.5, 0.0)
    both = torch.cat([black, Renderer()([Sign("A7C")], np.random.default_rng(0))])
    assert not any(agrees(sight, scene) for sight in LOOK(both) for scene in things)


def test_a_rest_does_not_agree() -> None:
    (sight,) = LOOK(drawn(disc(16, 16, 5)))
    scene = Several(Thing("blue", "circle"), 1)
    assert agrees(sight._replace(rest=MOST_REST), scene)
    assert not agrees(sight._replace(rest=MOST_REST + 0.01), scene)


def test_pictures_are_judged_alike_in_any_company_and_left_as_they_were() -> None:
    before = PICTURES[:4].clone()
    alone = [LOOK(picture[None])[0] for picture in PICTURES[:4]]
    assert [sight.things for sight in alone] == [sight.things for sight in SIGHTS[:4]]
    assert [s.rest for s in alone] == pytest.approx([s.rest for s in SIGHTS[:4]], abs=1e-5)
    assert torch.equal(PICTURES[:4], before)
    assert LOOK(PICTURES[:0]) == []


def test_it_is_independent_of_the_first_detector() -> None:
    for module in (second_look.__file__, Path(second_look.__file__).parents[2] / "rewards" / "second_detector.py"):
        for node in ast.walk(ast.parse(Path(module).read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module is not None
                assert not node.module.endswith(("shapes.detect", "rewards.composition", "shapes.render"))
