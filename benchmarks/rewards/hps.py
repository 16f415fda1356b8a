"""HPS v2.1: a CLIP model tuned on which of several pictures people prefer for a prompt."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.rewards.clip_model import ScaledCosine


@dataclass(frozen=True)
class HPSv21(ScaledCosine):
    """Scale times the cosine of the embeddings of picture and prompt.

    HPS v2.1 is published as a checkpoint of open_clip that unpickles, which this project never loads.
    `benchmarks.rewards.open_clip` says how the folder that this reward reads is made from it.

    Attributes:
        model: The folder, or a repository of the same content: a `CLIPModel` with the weights of HPS v2.1.
        revision: Commit, tag or branch of the repository.
        scale: > 0. 100 gives the logit; 1 the cosine, which is what DiffusionNFT's tables show.
        name: Name of the reward.

    Source:
        Wu et al. 2023, "Human Preference Score v2", in its version 2.1.
    """

    model: str | Path
    revision: str | None = None
    scale: float = 100.0
    name: str = "hps_v2.1"
