"""Whether a picture's sign says what the prompt asks: the small world's counterpart of an OCR reward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from benchmarks.rewards.images import check_pictures
from benchmarks.tasks.shapes.glyphs import ADVANCE, FONT_SIZE
from benchmarks.tasks.shapes.language import CHARACTERS, Sign, parse
from benchmarks.tasks.shapes.reading import FLOOR, Reader


def edit_distance(first: str, second: str) -> int:
    """Return the least number of characters to insert, delete or replace to turn one text into the other.

    Example:
        >>> edit_distance("A7", "7"), edit_distance("A7", "7A"), edit_distance("", "A7")
        (1, 2, 2)
    """
    row = list(range(len(second) + 1))
    for i, left in enumerate(first, 1):
        above, row = row, [i]
        for j, right in enumerate(second, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (left != right)))
    return row[-1]


def text_score(read: str, asked: str) -> float:
    """Return 1 - edit distance / length of the asked text, at least 0; 1 for an exact reading only.

    Source:
        The OCR reward of Flow-GRPO (Liu et al. 2025), which besides gives 1 to a reading that contains the asked text.

    Example:
        >>> text_score("A7", "A7"), text_score("A1", "A7"), text_score("A7C", "A7"), text_score("", "A7")
        (1.0, 0.5, 0.5, 0.0)
    """
    return max(0.0, 1 - edit_distance(read, asked) / len(asked))


@dataclass(frozen=True)
class SignText:
    """Agreement of the text read from a picture with the text asked for; NaN for prompts that ask for no sign.

    The reader does not know the prompt. The score of a sample is that of its reading alone, not graded by the reader's
    confidence, so that a mean of 1 says every sign is exact; the partly right readings of longer texts give policy
    gradients their slope.

    Attributes:
        name: Name of the reward.
        exact: Only exact readings count: the score is then 0 or 1, and its mean the share of exact signs.
    """

    name: str = "text"
    exact: bool = False
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    @property
    def unit(self) -> str:
        """What 1 means."""
        return "share of exact signs" if self.exact else "1 - edit distance / length"

    @cached_property
    def reader(self) -> Reader:
        """The reader; the font is read when the first picture is."""
        return Reader()

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, 32, 32] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures.
            PromptError: If a prompt is none of the image world.
            UsageError: If the font of the signs is missing.
        """
        check_pictures(samples, self.name)
        asked_for = {prompt: parse(prompt) for prompt in dict.fromkeys(prompts)}
        signs = [(i, scene.text) for i, prompt in enumerate(prompts) if isinstance(scene := asked_for[prompt], Sign)]
        scores = torch.full((len(prompts),), torch.nan)
        if signs:
            readings = self.reader(samples[[i for i, _ in signs]])
            for (i, asked), reading in zip(signs, readings, strict=True):
                scores[i] = float(reading.text == asked) if self.exact else text_score(reading.text, asked)
        return scores.to(samples.device)

    def describe(self) -> Mapping[str, Any]:
        """Return the font, the characters and the reader's constants."""
        return {
            "exact": self.exact,
            "characters": CHARACTERS,
            "font": "DejaVu Sans Mono Bold",
            "font_size": FONT_SIZE,
            "advance": ADVANCE,
            "floor": FLOOR,
        }
