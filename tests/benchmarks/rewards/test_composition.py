"""The composition reward: full marks for what was asked, known marks for known mistakes."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.composition import (
    FITS,
    Composition,
    StrictComposition,
    credit,
    pair_score,
    several_score,
)
from benchmarks.scoring import score
from benchmarks.tasks.shapes.detect import Found
from benchmarks.tasks.shapes.language import (
    COLORS,
    RELATIONS,
    SHAPES,
    Pair,
    PromptError,
    Scene,
    Several,
    Sign,
    Thing,
    sentence,
)
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import all_scenes, pick
from tests.support.drawings import Drawn, draw

REWARD, STRICT = Composition(), StrictComposition()
RED_DISC, BLUE_SQUARE = Thing("red", "circle"), Thing("blue", "square")


def scores(pictures: Tensor, scenes: Sequence[Scene]) -> list[float]:
    found: list[float] = REWARD(pictures, [sentence(scene) for scene in scenes]).tolist()
    return found


def marks(prompt: str, *things: Drawn) -> float:
    return float(REWARD(torch.from_numpy(draw(things))[None], [prompt]))


def thing(color: str | None, shape: str, x: float, y: float, fit: float = 0.95) -> Found:
    fits = [fit if shape == name else fit - 0.1 for name in SHAPES]
    return Found(color, (fits[0], fits[1], fits[2]), x, y, 50.0)


def rendered(kind: str, n: int) -> tuple[Tensor, list[Scene]]:
    scenes = pick(all_scenes(kind), n, "composition")
    return Renderer()(scenes, np.random.default_rng(6)), scenes


@pytest.mark.parametrize("kind", ["several", "pair", "placed"])
def test_renderings_get_full_marks(kind: str) -> None:
    pictures, scenes = rendered(kind, 72)
    assert np.mean(scores(pictures, scenes)) >= 0.99
    assert float(STRICT(pictures, [sentence(scene) for scene in scenes]).mean()) >= 0.97


def test_a_wrong_number_costs_its_share() -> None:
    pictures, scenes = rendered("several", 72)
    for asked in range(1, 5):
        wrong = [replace(scene, count=asked) for scene in scenes if isinstance(scene, Several)]
        expected = [max(0, 1 - abs(scene.count - asked) / asked) for scene in scenes if isinstance(scene, Several)]
        assert scores(pictures, wrong) == pytest.approx(expected)


def test_a_wrong_color_or_shape_leaves_a_quarter_and_both_nothing() -> None:
    pictures, scenes = rendered("several", 72)
    for color, shape, expected in ((True, False, 0.25), (False, True, 0.25), (True, True, 0.0)):
        wrong = []
        for scene in scenes:
            assert isinstance(scene, Several)
            names, shapes = list(COLORS), list(SHAPES)
            other = Thing(
                names[(names.index(scene.thing.color) + color) % 6],
                shapes[(shapes.index(scene.thing.shape) + shape) % 3],
            )
            wrong.append(replace(scene, thing=other))
        assert scores(pictures, wrong) == pytest.approx([expected] * len(scenes))


def test_a_swapped_or_turned_relation_costs_half() -> None:
    pictures, scenes = rendered("placed", 60)
    right = np.asarray(scores(pictures, scenes))
    for step in (1, 2, 3):
        wrong = []
        for scene in scenes:
            assert isinstance(scene, Pair)
            assert scene.relation is not None
            wrong.append(replace(scene, relation=RELATIONS[(RELATIONS.index(scene.relation) + step) % 4]))
        assert scores(pictures, wrong) == pytest.approx(right / 2)


def test_colors_swapped_between_two_things_leave_a_quarter() -> None:
    things: list[Drawn] = [("blue", "circle", 9, 16, 80), ("red", "square", 23, 16, 80)]
    assert marks("a red circle and a blue square", *things) == pytest.approx(0.25)
    assert marks("a blue circle and a red square", *things) == 1


def test_the_order_of_an_and_does_not_matter_and_that_of_a_relation_turns_it() -> None:
    things: list[Drawn] = [("blue", "circle", 9, 16, 80), ("red", "square", 23, 19, 80)]
    assert marks("a red square and a blue circle", *things) == 1
    assert marks("a red square right of a blue circle", *things) == 1
    assert marks("a red square left of a blue circle", *things) == 0.5
    assert marks("a red square below a blue circle", *things) == 0.5


def test_a_missing_thing_and_extra_things_cost() -> None:
    disc: Drawn = ("red", "circle", 8, 8, 60)
    square: Drawn = ("blue", "square", 24, 8, 60)
    extra: list[Drawn] = [("green", "square", 8, 24, 60), ("red", "circle", 24, 24, 60)]
    prompt = "a red circle and a blue square"
    found = [marks(prompt, *things) for things in ([disc], [disc, square], [disc, square, extra[0]], [disc, *extra])]
    assert found == pytest.approx([0.5, 1.0, 0.5, (1 + 0.25) / 4])
    assert marks(prompt, disc, square, *extra) == 0
    assert marks("a red circle left of a blue square", disc) == pytest.approx(0.25)


def test_nothing_found_is_worth_nothing() -> None:
    plain = torch.full((4, 3, 32, 32), 0.5)
    asked = ["a red circle", "three red circles", "a red circle and a blue square", "a red circle above a blue square"]
    assert REWARD(plain, asked).tolist() == [0.0] * 4


def test_noise_and_signs_are_worth_hardly_anything() -> None:
    signs, _ = rendered("sign", 60)
    _, scenes = rendered("several", 60)
    noise = torch.rand(60, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert np.mean(scores(signs, scenes)) < 0.1
    assert np.mean(scores(noise, scenes)) < 0.02
    white = [Several(Thing("white", shape), n) for shape in SHAPES for n in range(1, 5)] * 5
    assert max(scores(signs, white)) < 0.7


def test_a_blob_earns_less_than_a_shape_and_more_than_nothing() -> None:
    blob: list[Drawn] = [("red", "circle", 12, 12, 80), ("red", "square", 18, 17, 60)]
    assert 0 < marks("a red circle", *blob) < 0.7
    assert marks("a red triangle", *blob) <= 0.25


def test_signs_have_no_score_and_others_beside_them_keep_theirs() -> None:
    pictures, scenes = rendered("pair", 3)
    mixed = [scenes[0], Sign("A7"), scenes[2]]
    for reward in (REWARD, STRICT):
        found = reward(pictures, [sentence(scene) for scene in mixed])
        assert found.isnan().tolist() == [False, True, False]
        assert found[[0, 2]].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("fit", [0.5, *FITS, 0.78, 0.99])
def test_the_credit_for_a_shape_rises_with_its_fit(fit: float) -> None:
    low, high = FITS
    share = min(1, max(0, (fit - low) / (high - low)))
    assert credit(thing("red", "circle", 9, 9, fit), RED_DISC) == pytest.approx(0.25 + 0.75 * share)
    assert credit(thing("blue", "circle", 9, 9, fit), RED_DISC) == pytest.approx(0.25 * share)
    assert credit(thing("red", "square", 9, 9, fit), RED_DISC) == 0.25
    assert credit(thing(None, "square", 9, 9, fit), RED_DISC) == 0


def test_full_marks_if_and_only_if_everything_is_right() -> None:
    looks = [("red", "circle", 0.95), ("blue", "square", 0.95), ("red", "circle", 0.8), (None, "square", 0.95)]
    places = [(9.0, 9.0), (22.0, 12.0), (12.0, 24.0)]
    for n in range(4):
        for chosen in itertools.product(looks, repeat=n):
            found = [thing(c, s, *place, fit) for (c, s, fit), place in zip(chosen, places, strict=False)]
            plain = [(c, s) for c, s, fit in chosen if fit > FITS[1]]
            ideal = sorted(plain, key=str) == [("blue", "square"), ("red", "circle")] and n == 2
            disc_first = bool(chosen) and chosen[0][0] == "red"
            assert (pair_score(found, Pair(RED_DISC, BLUE_SQUARE, None)) == 1) == ideal
            relation = "left of" if disc_first else "right of"
            assert (pair_score(found, Pair(RED_DISC, BLUE_SQUARE, relation)) == 1) == ideal
            assert pair_score(found, Pair(RED_DISC, BLUE_SQUARE, "below")) < 1
            for count in range(1, 5):
                alike = n == count and plain == [("red", "circle")] * count
                assert (several_score(found, Several(RED_DISC, count)) == 1) == alike


def test_a_place_counts_only_if_both_things_are_there() -> None:
    asked = Pair(RED_DISC, BLUE_SQUARE, "left of")
    disc, square = thing("red", "circle", 8, 16), thing("blue", "square", 24, 16)
    assert pair_score([disc, square], asked) == 1
    assert pair_score([disc], asked) == 0.25
    # The right place of a thing in a wrong color, or of a wrong shape, earns nothing for the place.
    for wrong in (thing("green", "square", 24, 16), thing("blue", "circle", 24, 16)):
        assert pair_score([disc, wrong], asked) == pytest.approx((1 + 0.25) / 4)


@pytest.mark.parametrize(
    ("place", "expected"), [((24, 12), "left of"), ((2, 12), "right of"), ((13, 24), "above"), ((9, 2), "below")]
)
def test_the_larger_offset_names_the_place(place: tuple[float, float], expected: str) -> None:
    found = [thing("red", "circle", 12, 12), thing("blue", "square", *place)]
    right = [r for r in RELATIONS if pair_score(found, Pair(RED_DISC, BLUE_SQUARE, r)) == 1]
    assert right == [expected]


def test_scores_stay_in_their_range_and_do_not_depend_on_the_order_of_what_was_found() -> None:
    generator = np.random.default_rng(0)
    for _ in range(300):
        found = [
            Found(
                generator.choice(["red", "blue", "green"]),
                tuple(generator.uniform(0.4, 1, 3)),
                *generator.uniform(4, 28, 2),
                50,
            )
            for _ in range(generator.integers(5))
        ]
        for asked in (Pair(RED_DISC, BLUE_SQUARE, None), Pair(RED_DISC, BLUE_SQUARE, "above")):
            value = pair_score(found, asked)
            assert 0 <= value <= 1
            assert pair_score(found[::-1], asked) == pytest.approx(value)
        value = several_score(found, Several(RED_DISC, 2))
        assert 0 <= value <= 1
        assert several_score(found[::-1], Several(RED_DISC, 2)) == pytest.approx(value)


def test_the_strict_score_is_one_where_the_graded_one_is() -> None:
    pictures, scenes = rendered("placed", 40)
    prompts = [sentence(scene) for scene in [*scenes[:20], *reversed(scenes[20:])]]
    noisy = (pictures + 0.08 * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    graded, strict = REWARD(noisy, prompts), STRICT(noisy, prompts)
    assert strict.tolist() == [float(value == 1) for value in graded.tolist()]
    assert 0 < float(strict.mean()) < 1
    assert len(set(graded.tolist())) > 5


def test_what_cannot_be_scored_is_refused() -> None:
    picture = torch.zeros(1, 3, 32, 32)
    with pytest.raises(RewardError, match="reward composition: expected pictures"):
        REWARD(torch.zeros(1, 3, 16, 16), ["a red circle"])
    with pytest.raises(RewardError, match="reward composition_strict: expected pictures"):
        STRICT(picture + 2, ["a red circle"])
    with pytest.raises(PromptError, match="'a red dog'"):
        REWARD(picture, ["a red dog"])
    with pytest.raises(ValueError, match="zip"):
        REWARD(picture, ["a red circle", "a red circle"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_the_dtype_is_that_of_the_samples(dtype: torch.dtype) -> None:
    for reward in (REWARD, STRICT):
        assert reward(torch.zeros(1, 3, 32, 32, dtype=dtype), ["a red circle"]).dtype == dtype


def test_they_are_rewards_whose_definitions_differ() -> None:
    pictures, scenes = rendered("pair", 4)
    prompts = [sentence(scene) for scene in scenes]
    assert score([REWARD, STRICT], pictures, prompts).shape == (4, 2)
    assert (REWARD.name, STRICT.name) == ("composition", "composition_strict")
    assert json.dumps(REWARD.describe()) != json.dumps(STRICT.describe())
