"""How well a picture fits its prompt: the cosine of their embeddings in a CLIP model."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.rewards.clip_model import CLIP_L14, ScaledCosine


@dataclass(frozen=True)
class ClipScore(ScaledCosine):
    """Scale times the cosine of the embeddings of picture and prompt.

    A prompt longer than the model reads (77 tokens for CLIP) is cut.

    Attributes:
        model: Folder or repository of a `CLIPModel`; it is loaded at the first score.
        revision: Commit, tag or branch of the repository.
        scale: > 0. Advantages do not depend on it; weighted sums of raw rewards do. Settings of the literature: 1, the
            cosine; 100, as tools report it; 2.5 in the source, which besides cuts at 0.
        name: Name of the reward.

    Source:
        Hessel et al. 2021, "CLIPScore", without the cut at 0.
    """

    model: str | Path = CLIP_L14
    revision: str | None = None
    scale: float = 1.0
    name: str = "clip_score"
