"""Whether a picture shows the text its prompt asks for, read by rapidocr."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.images import check_pictures
from benchmarks.rewards.text import text_score

CONFIDENCE = 0.5
"""Lines that the engine is less sure of are not read."""
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”")
_READS = re.compile(r"\b(?:that|which) reads:?\s+(.+?)[\s.]*$")


def asked_text(prompt: str) -> str | None:
    """Return the text a prompt asks for, None if it asks for none.

    It is the first text in double quotes, straight or curved; else what follows "that reads" or "which reads" up to the
    end. "reads" alone is not enough: "a girl reads a book" asks for no text.

    Example:
        >>> asked_text('a red banner that says "GRAND OPENING", at night'), asked_text("a sign that reads A7.")
        ('GRAND OPENING', 'A7')
        >>> asked_text("a girl reads a book") is None
        True
    """
    quoted = _QUOTED.search(prompt)
    if quoted is not None:
        return (quoted[1] or quoted[2]).strip() or None
    found = _READS.search(prompt)
    return found[1] if found is not None else None


def loosened(text: str) -> str:
    """Return a text without case and without white space.

    Example:
        >>> loosened("Grand  OPENING")
        'grandopening'
    """
    return "".join(text.split()).casefold()


def best_score(lines: Sequence[str], asked: str, *, loose: bool = True) -> float:
    """Return the best score in [0, 1] of any run of neighboring lines against a text that is not blank.

    A run is read as one line, so that a text may be broken over lines, and other text beside it costs nothing.

    Args:
        lines: What was read, line by line.
        asked: The text.
        loose: Case and white space do not count.

    Example:
        >>> best_score(["cafe", "Grand", "opening"], "GRAND OPENING"), best_score(["GRAND"], "GRANT")
        (1.0, 0.8)
    """
    target = loosened(asked) if loose else asked
    runs = (loosened(run) if loose else run for run in _runs(lines))
    # Longer ones score 0, and their distance would take long to find.
    return max((text_score(run, target) for run in runs if len(run) < 2 * len(target)), default=0.0)


def _runs(lines: Sequence[str]) -> Iterator[str]:
    for start in range(len(lines)):
        for end in range(start + 1, len(lines) + 1):
            yield " ".join(lines[start:end])


class Engine(Protocol):
    """What reads the lines of a picture."""

    def __call__(self, picture: np.ndarray) -> list[str]:
        """Return the lines of a picture [H, W, 3] in 8 bits, from top to bottom."""
        ...


@dataclass(frozen=True)
class RapidOCREngine:
    """rapidocr on onnxruntime with the models in its wheel (PP-OCRv6 small), on the CPU; pictures are read one by one.

    Attributes:
        detect: Find lines first. Without it a picture is read as a single line, which is many times as fast and right
            for pictures that are cropped to their text.
        threads: Threads of one forward pass.
    """

    detect: bool = True
    threads: int = 1

    @cached_property
    def _reader(self) -> Any:
        try:
            package = import_module("rapidocr")
            import_module("onnxruntime")
        except ImportError as error:
            raise UsageError(
                f"expected the packages rapidocr and onnxruntime, found: {error}; install the extra: "
                "pip install 'flowfront[ocr]'"
            ) from error
        engine = "EngineConfig.onnxruntime"
        return package.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": CONFIDENCE,
                f"{engine}.intra_op_num_threads": self.threads,
                f"{engine}.inter_op_num_threads": 1,
            }
        )

    def __call__(self, picture: np.ndarray) -> list[str]:
        """Return the lines of an RGB picture [H, W, 3] in 8 bits; see `Engine`.

        Raises:
            UsageError: If a package is missing.
        """
        # The engine takes arrays as blue, green, red.
        found = self._reader(np.ascontiguousarray(picture[..., ::-1]), use_det=self.detect, use_cls=self.detect)
        if not found.txts:
            return []
        return [text for text, sure in zip(found.txts, found.scores, strict=True) if text and sure >= CONFIDENCE]


@dataclass(frozen=True)
class OCR:
    """1 - edit distance / length of the asked text, at least 0, for the best reading; NaN where no text is asked for.

    Of everything read, the run of neighboring lines that fits best counts.

    Attributes:
        loose: Case and white space do not count, as in the source.
        detect: Lines are found first; see `RapidOCREngine`.
        threads: Threads of the engine.
        name: Name of the reward.

    Source:
        Flow-GRPO (Liu et al. 2025): 1 - edit distance / length between the quoted text and everything read, case and
        spaces removed, and 1 where the text is contained. Deviations: another engine (PaddleOCR there), and the best
        run of lines instead of all of them, so that a nearly right text is not spoiled by other text beside it.
    """

    loose: bool = True
    detect: bool = True
    threads: int = 1
    name: str = "ocr"
    unit: str = "1 - edit distance / length"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    @cached_property
    def engine(self) -> Engine:
        """The reader; its models are loaded when the first picture is read."""
        return RapidOCREngine(self.detect, self.threads)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures, or a package is missing.
        """
        check_pictures(samples, self.name, size=None)
        scores = torch.full((len(prompts),), torch.nan)
        for i, prompt in enumerate(prompts):
            asked = asked_text(prompt)
            if asked is not None:
                scores[i] = best_score(self._lines(samples[i]), asked, loose=self.loose)
        return scores.to(device=samples.device, dtype=torch.promote_types(samples.dtype, torch.float32))

    def _lines(self, picture: Tensor) -> list[str]:
        levels = (255 * picture.detach().float()).round().clamp(0, 255).to(device="cpu", dtype=torch.uint8)
        try:
            return self.engine(levels.permute(1, 2, 0).numpy())
        except UsageError as error:
            raise RewardError(f"reward {self.name}: {error}") from error

    def describe(self) -> Mapping[str, Any]:
        """Return engine and rules; the engine's version is in the record of a run."""
        return {
            "engine": "rapidocr, PP-OCRv6 small",
            "confidence": CONFIDENCE,
            "detect": self.detect,
            "loose": self.loose,
            "reading": "best run of lines",
        }
