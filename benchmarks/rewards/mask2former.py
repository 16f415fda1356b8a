"""Objects in pictures, found by a Mask2Former of transformers that was trained on the instances of COCO."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from benchmarks.records import UsageError
from benchmarks.rewards.clip_images import normalized, resized
from benchmarks.rewards.geneval_rules import Detection
from benchmarks.rewards.loading import load_model
from benchmarks.tasks.geneval_prompts import CLASSES

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
DIVISOR = 32
"""Sides of the network's input are multiples of it."""


@dataclass(frozen=True)
class Seen:
    """A detection and its mask [H, W], true where the object is."""

    detection: Detection
    mask: Tensor


def input_size(height: int, width: int, shortest: int, longest: int) -> tuple[int, int]:
    """Return the size a picture is given to the network in.

    The shorter side goes to `shortest` unless the longer one would pass `longest`; then both are rounded up to
    multiples of 32.

    Example:
        >>> input_size(512, 512, 800, 1333), input_size(480, 640, 800, 1333), input_size(100, 400, 800, 1333)
        ((800, 800), (800, 1088), (352, 1344))
    """
    scale = min(shortest / min(height, width), longest / max(height, width))
    rows, columns = (ceil(round(side * scale) / DIVISOR) * DIVISOR for side in (height, width))
    return rows, columns


@dataclass(frozen=True)
class Mask2Former:
    """A detector of the 80 classes of COCO.

    Attributes:
        model: Folder or repository of a `Mask2FormerForUniversalSegmentation` with the 80 classes in COCO's order.
        revision: Commit, tag or branch of the repository.
        shortest: Shorter side of its input in pixels.
        longest: Largest longer side of its input in pixels, before rounding up.
    """

    model: str | Path
    revision: str | None = None
    shortest: int = 800
    longest: int = 1333

    @cached_property
    def network(self) -> Any:
        """The network.

        Raises:
            UsageError: If it cannot be loaded or its classes are not COCO's.
        """
        from transformers import Mask2FormerForUniversalSegmentation

        network = load_model(Mask2FormerForUniversalSegmentation, self.model, self.revision)
        labels = network.config.id2label
        # Releases spell some classes differently, so the order decides; these two ends are spelled alike in all.
        ends = [labels.get(0), labels.get(len(CLASSES) - 1)]
        if len(labels) != len(CLASSES) or ends != [CLASSES[0], CLASSES[-1]]:
            raise UsageError(
                f"{self.model}: expected a detector of the {len(CLASSES)} classes of COCO, from {CLASSES[0]} to "
                f"{CLASSES[-1]}, found {len(labels)} classes, the first of them {labels.get(0)}"
            )
        return network

    @torch.no_grad()
    def __call__(self, picture: Tensor, least: float = 0.0) -> list[Seen]:
        """Return what is seen in a picture [3, H, W] in [0, 1] with a score above `least`, in no order.

        Each of the network's queries gives a mask and the probabilities of the classes. Of all pairs of query and class
        the most probable are taken, as many as there are queries, so a mask may have two classes. The score is the
        probability times the mean of the mask's own probabilities, where they are above 1/2.

        Source:
            Cheng et al. 2022, "Masked-attention Mask Transformer" (Mask2Former), instance segmentation. Deviation from
            transformers' own post-processing: masks go from the network's resolution to the picture's directly, not
            over 384 x 384.
        """
        network = self.network.to(picture.device)
        size = input_size(picture.shape[1], picture.shape[2], self.shortest, self.longest)
        pixels = resized(picture[None].to(torch.float32), size, "bilinear")
        found = network(pixel_values=normalized(pixels, IMAGENET_MEAN, IMAGENET_STD))
        probabilities = found.class_queries_logits[0].softmax(1)[:, :-1]
        logits = interpolate(found.masks_queries_logits, size=picture.shape[1:], mode="bilinear", align_corners=False)[
            0
        ]
        return [seen for seen in _seen(probabilities, logits, least) if seen.detection.score > least]


def _seen(probabilities: Tensor, logits: Tensor, least: float) -> Iterator[Seen]:
    # Probabilities [Q, C] of classes and logits [Q, H, W] of masks.
    best = probabilities.flatten().topk(len(probabilities))
    for probability, index in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        # A score is at most its probability; most queries see nothing and need no mask.
        query, label = divmod(index, probabilities.shape[1])
        if probability > least and bool((mask := logits[query] > 0).any()):
            score = probability * float(logits[query][mask].sigmoid().mean())
            yield Seen(Detection(CLASSES[label], score, _box(mask)), mask)


def _box(mask: Tensor) -> tuple[float, float, float, float]:
    rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
