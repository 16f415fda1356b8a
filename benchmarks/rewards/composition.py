"""Whether a picture of the image world shows the things its prompt asks for: their number, colors, shapes and places.

A verifiable reward and a black box: a rule-based detector finds things, and rules compare them with the prompt.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from torch import Tensor

from benchmarks.rewards.images import check_pictures
from benchmarks.tasks.shapes.detect import DETECTOR, Found, detect
from benchmarks.tasks.shapes.language import Pair, Several, Sign, Thing, parse

FITS = (0.7, 0.85)
"""Intersection over union with its shape at which a thing earns nothing and everything for the shape."""
ONE_OF_TWO = 0.25
"""Credit of a thing whose color alone, or whose shape alone, is right."""


def credit(found: Found, asked: Thing) -> float:
    """Return how far a thing is what was asked for, in [0, 1].

    Color counts 0 or 1; shape counts 0 if another shape fits better, else from 0 to 1 between the `FITS`. Either alone
    earns a quarter, the other half is for both in one thing: 1/4 color + 1/4 shape + 1/2 color * shape.

    Example:
        >>> disc = Found("red", fits=(0.95, 0.83, 0.7), x=9.0, y=9.0, area=50.0)
        >>> [credit(disc, Thing(*asked)) for asked in (("red", "circle"), ("blue", "circle"), ("red", "square"))]
        [1.0, 0.25, 0.25]
    """
    color = float(found.color == asked.color)
    low, high = FITS
    shape = min(1.0, max(0.0, (max(found.fits) - low) / (high - low))) if found.shape == asked.shape else 0.0
    return ONE_OF_TWO * (color + shape) + (1 - 2 * ONE_OF_TWO) * color * shape


def several_score(found: Sequence[Found], asked: Several) -> float:
    """Return the score in [0, 1] of things found where some things alike were asked for.

    max(0, 1 - |number found - number asked| / number asked) times the mean credit of what was found.

    Example:
        >>> disc = Found("red", fits=(0.95, 0.83, 0.7), x=9.0, y=9.0, area=50.0)
        >>> two = Several(Thing("red", "circle"), 2)
        >>> [several_score([disc] * n, two) for n in range(5)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    counting = max(0.0, 1 - abs(len(found) - asked.count) / asked.count)
    return counting * sum(credit(thing, asked.thing) for thing in found) / max(1, len(found))


def pair_score(found: Sequence[Found], asked: Pair) -> float:
    """Return the score in [0, 1] of things found where two different things were asked for.

    Mean credit of the two, each matched with a thing of its own or with none, times max(0, 1 - extra things / 2). With
    a relation half of that is for the place: it is earned if both have their color and shape and the larger one of the
    two offsets between their centers is in the direction asked for. Of all matches the best counts.

    Example:
        >>> left = Found("red", fits=(0.95, 0.83, 0.7), x=9.0, y=9.0, area=50.0)
        >>> right = Found("blue", fits=(0.83, 0.95, 0.7), x=22.0, y=12.0, area=50.0)
        >>> things = Thing("red", "circle"), Thing("blue", "square")
        >>> [pair_score([left, right], Pair(*things, relation)) for relation in (None, "left of", "right of", "above")]
        [1.0, 1.0, 0.5, 0.5]
        >>> pair_score([left], Pair(*things, None)), pair_score([left, right, right], Pair(*things, None))
        (0.5, 0.5)
    """
    extra = max(0, len(found) - 2)
    if extra >= 2:
        return 0.0
    return (1 - extra / 2) * max(_matches(found, asked))


def _matches(found: Sequence[Found], asked: Pair) -> Iterator[float]:
    for first, second in permutations((*found, None, None), 2):
        earned = [
            0.0 if thing is None else credit(thing, wanted)
            for thing, wanted in ((first, asked.first), (second, asked.second))
        ]
        presence = sum(earned) / 2
        if asked.relation is None:
            yield presence
        elif first is None or second is None or min(earned) <= ONE_OF_TWO:
            yield presence / 2
        else:
            yield presence * (1 + (_place(first, second) == asked.relation)) / 2


def _place(first: Found, second: Found) -> str:
    dx, dy = first.x - second.x, first.y - second.y
    if abs(dx) > abs(dy):
        return "left of" if dx < 0 else "right of"
    return "above" if dy < 0 else "below"


def _scores(reward: str, samples: Tensor, prompts: Sequence[str]) -> list[float]:
    check_pictures(samples, reward)
    scenes = {prompt: parse(prompt) for prompt in prompts}
    scores = []
    for prompt, things in zip(prompts, detect(samples.detach().float().cpu().numpy()), strict=True):
        match scenes[prompt]:
            case Several() as asked:
                scores.append(several_score(things, asked))
            case Pair() as asked:
                scores.append(pair_score(things, asked))
            case Sign():
                scores.append(float("nan"))
    return scores


@dataclass(frozen=True)
class Composition:
    """How far a picture shows what its prompt asks for, in [0, 1]; NaN for signs.

    1 if and only if everything is right: the number of things, every color and shape, and the place. Below it is
    graded, so that a picture that is nearer to the prompt scores more: `several_score`, `pair_score`, `credit`.

    Source:
        GenEval (Ghosh et al. 2023): objects are detected, and counts, colors and positions compared with the prompt by
        rules. Flow-GRPO (Liu et al. 2025) grades it for training: 1 - |found - asked| / asked for counts, and part of
        the reward where the objects are there and color or position is wrong. Deviations: rules instead of a network
        detect; shapes take the place of object classes; there is nothing else in this world, so everything found
        counts; color and shape earn more in one thing than in two; position is the dominant axis, without margin.
    """

    name: str = "composition"
    unit: str = "share of what was asked for"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, 32, 32].

        Raises:
            RewardError: If the samples are no pictures.
            PromptError: If a prompt is not in the world's language.
        """
        return samples.new_tensor(_scores(self.name, samples, prompts))

    def describe(self) -> Mapping[str, Any]:
        """Return the constants of the rules and of the detector."""
        return {"rules": 1, "fits": list(FITS), "one_of_two": ONE_OF_TWO, "detector": dict(DETECTOR)}


@dataclass(frozen=True)
class StrictComposition:
    """1 where everything the prompt asks for is right (`Composition` is 1), else 0; NaN for signs.

    Its mean is the share of pictures that are fully right, as GenEval reports it.
    """

    name: str = "composition_strict"
    unit: str = "share fully right"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return 0 or 1 [B] for pictures [B, 3, 32, 32].

        Raises:
            RewardError: If the samples are no pictures.
            PromptError: If a prompt is not in the world's language.
        """
        scores = samples.new_tensor(_scores(self.name, samples, prompts))
        return (scores == 1).to(scores.dtype).where(scores.isfinite(), scores)

    def describe(self) -> Mapping[str, Any]:
        """Return what `Composition` is defined by, and that only a full score counts."""
        return {"full": dict(Composition().describe())}
