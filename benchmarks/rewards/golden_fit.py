"""How a reward meets the golden set: which of its samples it takes, and with the golden pictures as sources."""

from dataclasses import replace

from benchmarks.base import Benchmark, Reward
from benchmarks.rewards.aesthetic import Aesthetic
from benchmarks.rewards.alignment import Alignment
from benchmarks.rewards.clip_model import ScaledCosine
from benchmarks.rewards.colorfulness import Colorfulness
from benchmarks.rewards.composition import Composition, StrictComposition
from benchmarks.rewards.compressibility import Compressibility
from benchmarks.rewards.geneval import GenEval
from benchmarks.rewards.golden import FOLDER, Kind
from benchmarks.rewards.isolated import IsolatedReward
from benchmarks.rewards.judge import JudgeReward
from benchmarks.rewards.mean import Mean
from benchmarks.rewards.ocr import OCR
from benchmarks.rewards.pick_score import PickScore
from benchmarks.rewards.remote import RemoteReward
from benchmarks.rewards.retries import Retries
from benchmarks.rewards.second_detector import SecondDetector
from benchmarks.rewards.sharpness import Sharpness
from benchmarks.rewards.sources import needs_sources, with_sources
from benchmarks.rewards.text import SignText
from benchmarks.rewards.video import FrameWise, MotionAmount, TemporalConsistency

ONCE = Retries(times=0)
OF_BACKBONE: dict[str, Kind] = {"shapes": "world", "sd3": "pictures", "flux-kontext": "edits", "ltx2": "videos"}
"""What rewards of others are shown, by the kind of their benchmark's backbone."""


CLASSES: dict[Kind, tuple[type, ...]] = {
    "world": (Composition, StrictComposition, SignText, Alignment, SecondDetector),
    "pictures": (ScaledCosine, PickScore, Aesthetic, GenEval, OCR, Colorfulness, Compressibility, Sharpness),
    "videos": (MotionAmount, TemporalConsistency, FrameWise),
}
"""What rewards of this project take, whatever the benchmark."""


def kind_of(reward: Reward, otherwise: Kind | None) -> Kind | None:
    """Return the golden samples that a reward takes; `otherwise` where its class does not tell."""
    if needs_sources(reward):
        return "edits"
    if isinstance(reward, Mean):
        return kind_of(reward.parts[0].reward, otherwise)
    return next((kind for kind, classes in CLASSES.items() if isinstance(reward, classes)), otherwise)


def kind_of_backbone(benchmark: Benchmark) -> Kind | None:
    """Return the golden samples that look like a benchmark's; None where its samples are no pictures.

    Raises:
        UsageError: If the backbone cannot be described.
    """
    return OF_BACKBONE.get(str(benchmark.backbone.describe().get("kind")))


def fitted(reward: Reward) -> Reward:
    """Return a reward whose source pictures are the golden ones and that asks whatever lives elsewhere only once."""
    return _asked_once(with_sources(reward, FOLDER))


def _asked_once(reward: Reward) -> Reward:
    if isinstance(reward, Mean):
        return replace(reward, parts=tuple(replace(part, reward=_asked_once(part.reward)) for part in reward.parts))
    if isinstance(reward, FrameWise):
        return replace(reward, reward=_asked_once(reward.reward))
    return replace(reward, retries=ONCE) if isinstance(reward, (RemoteReward, IsolatedReward, JudgeReward)) else reward
