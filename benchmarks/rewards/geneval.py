"""GenEval as a reward: objects are detected, their colors classified, and compared with the prompt by rules."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.base import RewardError
from benchmarks.hub import identity
from benchmarks.records import UsageError
from benchmarks.rewards.clip_model import CLIP_L14, Clip
from benchmarks.rewards.geneval_rules import GENEVAL_RULES, Detection, Rules, correct, credit
from benchmarks.rewards.images import check_pictures
from benchmarks.rewards.mask2former import Mask2Former, Seen
from benchmarks.tasks.geneval_prompts import COLORS, Expectation, PromptError, parse

DETECTOR = "facebook/mask2former-swin-small-coco-instance"
BACKGROUND = 0.6
"""Gray level in [0, 1] around an object whose color is judged (153 of 255)."""


def cut_out(picture: Tensor, seen: Seen) -> Tensor:
    """Return an object [3, h, w] cut out of its picture [3, H, W] by its box, gray where its mask is not."""
    left, top, right, bottom = map(int, seen.detection.box)
    return picture.where(seen.mask, BACKGROUND)[:, top:bottom, left:right]


@dataclass(frozen=True)
class ColorClassifier:
    """The color of objects, by the nearest of the colors' captions in a CLIP model.

    A color's embedding is the mean over three captions that name it with the object, without it, and as "-colored".
    """

    clip: Clip

    def __call__(self, picture: Tensor, seen: Seen) -> str:
        """Return the name of the color, one of `COLORS`, of an object in a picture [3, H, W] in [0, 1]."""
        label = seen.detection.label
        captions = [
            f"a photo of a {words}"
            for color in COLORS
            for words in (f"{color} {label}", f"{color}-colored {label}", f"{color} object")
        ]
        colors = self.clip.texts(captions, picture.device).reshape(len(COLORS), 3, -1).mean(1)
        looks = self.clip.pictures(cut_out(picture, seen)[None])[0]
        return COLORS[int((normalize(colors, dim=1) @ looks).argmax())]


@dataclass(frozen=True)
class GenEval:
    """1 if a picture shows what a prompt of GenEval asks for, else 0; NaN for other prompts.

    The prompt is all that is needed: `benchmarks.tasks.geneval_prompts` reads it.

    Attributes:
        detector: Folder or repository of a Mask2Former for the instances of COCO; it is loaded at the first score.
        detector_revision: Commit, tag or branch of the repository.
        clip: Folder or repository of the `CLIPModel` that names colors.
        clip_revision: Its revision.
        graded: Give `credit` in [0, 1] instead, which is 1 for the same pictures: a slope for training.
        rules: Thresholds.
        shortest: Shorter side of the detector's input in pixels.
        longest: Largest longer side of it.
        name: Name of the reward.

    Source:
        Ghosh et al. 2023, "GenEval" (arXiv 2310.11513), and the settings of its published evaluation. Deviations: the
        detector is transformers' port and not the one of MMDetection, and pictures are filtered against aliasing, so
        scores near a threshold can differ. The mean over prompts is not the source's overall score, which is the mean
        of the six tasks' means.
    """

    detector: str | Path = DETECTOR
    detector_revision: str | None = None
    clip: str | Path = CLIP_L14
    clip_revision: str | None = None
    graded: bool = False
    rules: Rules = GENEVAL_RULES
    shortest: int = 800
    longest: int = 1333
    name: str = "geneval"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    @property
    def unit(self) -> str:
        """What 1 means."""
        return "share of what was asked for" if self.graded else "share correct"

    @cached_property
    def eyes(self) -> Mask2Former:
        """The detector."""
        return Mask2Former(self.detector, self.detector_revision, self.shortest, self.longest)

    @cached_property
    def colors(self) -> ColorClassifier:
        """What names colors."""
        return ColorClassifier(Clip(self.clip, self.clip_revision))

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures, or a model cannot be loaded.
        """
        check_pictures(samples, self.name, size=None)
        scores = torch.full((len(prompts),), torch.nan)
        for i, prompt in enumerate(prompts):
            try:
                expectation = parse(prompt)
            except PromptError:
                continue
            scores[i] = self._score(samples[i].detach().to(torch.float32), expectation)
        return scores.to(device=samples.device, dtype=torch.promote_types(samples.dtype, torch.float32))

    def _score(self, picture: Tensor, expectation: Expectation) -> float:
        judge = credit if self.graded else correct
        try:
            least = min(self.rules.score, self.rules.counting_score)
            seen = {found.detection: found for found in self.eyes(picture, least)}

            def color_of(detection: Detection) -> str:
                return self.colors(picture, seen[detection])

            return float(judge(expectation, list(seen), color_of, self.rules))
        except UsageError as error:
            raise RewardError(f"reward {self.name}: {error}") from error

    def describe(self) -> Mapping[str, Any]:
        """Return the identity of both models, the rules and the size of the detector's input."""
        return {
            "detector": identity(self.detector, self.detector_revision),
            **self.colors.clip.describe(),
            "graded": self.graded,
            "rules": asdict(self.rules),
            "input": [self.shortest, self.longest],
            "background": BACKGROUND,
        }
