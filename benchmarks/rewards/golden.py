"""The golden set: pictures whose scores are known, so that a reward that drifts is found out.

    python -m benchmarks.rewards.golden            remakes the pictures and their list
    python -m benchmarks.rewards.golden --scores   scores them with the rewards that ship, and keeps that as expected

`flowfront doctor --rewards` compares. Scores are kept by the hash of the reward's definition: another definition has
none of them.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from benchmarks import environment
from benchmarks.base import Reward
from benchmarks.records import UsageError, write_json
from benchmarks.rewards.alignment import Alignment
from benchmarks.rewards.colorfulness import Colorfulness
from benchmarks.rewards.composition import Composition, StrictComposition
from benchmarks.rewards.compressibility import Compressibility
from benchmarks.rewards.ocr import OCR
from benchmarks.rewards.png import UNREADABLE
from benchmarks.rewards.preservation import Preservation
from benchmarks.rewards.second_detector import SecondDetector
from benchmarks.rewards.serve import definition_version
from benchmarks.rewards.sharpness import Sharpness
from benchmarks.rewards.text import SignText
from benchmarks.rewards.video import FrameWise, MotionAmount
from benchmarks.rewards.wire import unit
from benchmarks.scoring import score

FOLDER = Path(__file__).parent / "golden"
LIST, SCORES = FOLDER / "pictures.json", FOLDER / "scores.json"

Kind = Literal["world", "pictures", "edits", "videos"]
"""Which samples a reward takes: 32 x 32 scenes of the image world, 256 x 256 pictures, edits of them, videos."""


class Golden(BaseModel):
    """A golden sample.

    Attributes:
        name: Its name within its set.
        files: Its file, or the files of a video's frames.
        prompt: What it was made for.
        wrong: A prompt that it does not fit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    files: tuple[str, ...]
    prompt: str
    wrong: str


class KnownScores(BaseModel):
    """What a reward gives to the samples of a set.

    A score may differ from what is written here by `absolute + relative * |score|`.

    Attributes:
        reward: Name of the reward.
        definition: Hash of its definition, as `benchmarks.rewards.serve.definition_version` has it.
        kind: The set.
        absolute: Allowed difference in the reward's unit.
        relative: Allowed difference as a share of the score.
        versions: Versions of the packages they were found with.
        scores: By sample; null where the reward does not apply.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    reward: str
    definition: str
    kind: Kind
    absolute: float
    relative: float
    versions: dict[str, str]
    scores: dict[str, float | None]


class ScoreFile(BaseModel):
    """A file of known scores."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: Literal[1]
    rewards: list[KnownScores]


def samples_of(kind: Kind) -> list[Golden]:
    """Return the samples of a set, as `pictures.json` lists them.

    Raises:
        UsageError: If the list is missing or damaged.
    """
    try:
        return [Golden.model_validate(entry) for entry in json.loads(LIST.read_text())[kind]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"cannot read {LIST}: expected the list of golden pictures, found: {error!s:.80}") from error


def pixels_of(samples: Sequence[Golden]) -> Tensor:
    """Return golden samples as pictures [B, 3, H, W] or videos [B, F, 3, H, W], float32 in [0, 1].

    Raises:
        UsageError: If a file is missing or damaged.
    """
    found = []
    for sample in samples:
        frames = [_pixels(FOLDER / file) for file in sample.files]
        found.append(np.stack(frames) if len(frames) > 1 else frames[0])
    return torch.from_numpy(np.stack(found))


def _pixels(path: Path) -> np.ndarray:
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            return unit(np.asarray(picture.convert("RGB")).transpose(2, 0, 1))
    except UNREADABLE as error:
        raise UsageError(f"golden picture {path}: expected a PNG, found: {error!s:.80}") from error


def built_in() -> list[tuple[Reward, Kind, float, float]]:
    """Return the rewards whose scores ship, the set each scores, and the absolute and relative tolerance.

    Only what may differ between machines is allowed for: sums of 32-bit numbers in another order (1e-4 of a cosine, of
    a grade, of a variance), and the JPEG library's choices (2 % of a file). Readings and counts are all or nothing, so
    their tolerance is less than the smallest step.
    """
    return [
        (Composition(), "world", 1e-3, 0.0),
        (StrictComposition(), "world", 1e-6, 0.0),
        (SecondDetector(), "world", 1e-6, 0.0),
        (SignText(), "world", 1e-6, 0.0),
        (Alignment(), "world", 1e-4, 0.0),
        (OCR(), "pictures", 1e-6, 0.0),
        (Colorfulness(), "pictures", 1e-3, 1e-4),
        (Compressibility(), "pictures", 0.0, 0.02),
        (Sharpness(), "pictures", 1e-3, 1e-4),
        (Preservation(FOLDER), "edits", 1e-5, 0.0),
        (MotionAmount(), "videos", 1e-6, 0.0),
        (FrameWise(Sharpness()), "videos", 1e-3, 1e-4),
    ]


def known_scores(
    reward: Reward, kind: Kind, found: Sequence[float], absolute: float, relative: float = 0.0
) -> KnownScores:
    """Return scores of a set as they are kept; NaN becomes null."""
    scores = {
        sample.name: None if np.isnan(value) else float(f"{value:.7g}")
        for sample, value in zip(samples_of(kind), found, strict=True)
    }
    return KnownScores(
        reward=reward.name,
        definition=definition_version(reward),
        kind=kind,
        absolute=absolute,
        relative=relative,
        versions=environment.versions(),
        scores=scores,
    )


def read_scores(path: Path) -> dict[str, KnownScores]:
    """Return the known scores of a file by the hash of the reward's definition; none if there is no file.

    Raises:
        UsageError: If the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        content = ScoreFile.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        where = error.errors()[0] if isinstance(error, ValidationError) else None
        found = str(error) if where is None else f"{'.'.join(map(str, where['loc'])) or 'the file'}: {where['msg']}"
        raise UsageError(
            f"{path} is damaged: expected golden scores, found: {found:.160}; mend it, or remove it and record again"
        ) from error
    return {entry.definition: entry for entry in content.rewards}


def write_scores(path: Path, known: Sequence[KnownScores]) -> None:
    """Write known scores to a file.

    Raises:
        RecordError: If it cannot be written.
    """
    write_json(path, ScoreFile(schema_version=1, rewards=list(known)).model_dump(mode="json"))


def main(words: Sequence[str] | None = None) -> None:
    """Remake the golden set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scores", action="store_true", help="score the pictures instead of drawing them")
    if parser.parse_args(words).scores:
        known = []
        for reward, kind, absolute, relative in built_in():
            samples = samples_of(kind)
            found = score([reward], pixels_of(samples), [sample.prompt for sample in samples])[:, 0]
            known.append(known_scores(reward, kind, found.tolist(), absolute, relative))
        write_scores(SCORES, known)
        return
    from benchmarks.rewards.golden_pictures import drawn, listed

    FOLDER.mkdir(exist_ok=True)
    for name, picture in drawn().items():
        picture.save(FOLDER / f"{name}.png", optimize=True)
    write_json(LIST, listed())


if __name__ == "__main__":
    main()
