"""What the image-text model is trained on: pictures with their captions and wrong ones, of the training split alone.

A wrong caption of the test split would teach the model that test captions are wrong, so those are left out as well.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from benchmarks.draws import derived_seed
from benchmarks.pretraining.contrasts import compatible, edits
from benchmarks.tasks.shapes.language import LONGEST_TEXT, Scene, Sign, sentence
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import KINDS, split

SHARES = {"several": 0.25, "pair": 0.2, "placed": 0.35, "sign": 0.2}
"""Share of each kind of scene among the families."""
HARDER = {"swap": 3.0, "relation": 3.0, "count": 3.0}
"""Weight of the changes that are hardest to see; the others have 1."""
TRIES = 40


@dataclass(frozen=True)
class PairedBatch:
    """B pictures and their captions, and M captions that are wrong.

    Attributes:
        pictures: Pictures [B, 3, 32, 32] in [0, 1], some blurred or noisy.
        captions: B captions, the i-th of the i-th picture, then M wrong ones.
        negative: Whether a caption is certainly wrong of a picture, [B, B + M].
    """

    pictures: Tensor
    captions: list[str]
    negative: Tensor


class PairedBatches:
    """An endless supply of batches; the one of a step depends on the seed and its number alone."""

    def __init__(self, families: int, members: int, wrong: int, seed: int) -> None:
        """List the scenes.

        Args:
            families: Families a batch; a family is a scene and others one change away, each with its picture.
            members: Scenes a family.
            wrong: Wrong captions a picture, besides those of the other pictures.
            seed: Everything random depends on it.
        """
        self._families, self._members, self._wrong, self._seed = families, members, wrong, seed
        self._renderer = Renderer()
        kinds = {kind: split(kind, test=False) for kind in KINDS}
        self._allowed = frozenset(scene for scenes in kinds.values() for scene in scenes)
        # Signs of every length equally often: nearly all strings have the greatest length.
        lengths = [
            [s for s in kinds["sign"] if isinstance(s, Sign) and len(s.text) == n + 1] for n in range(LONGEST_TEXT)
        ]
        self._pools = {kind: lengths if kind == "sign" else [kinds[kind]] for kind in KINDS}

    def batch(self, step: int) -> PairedBatch:
        """Return the batch of a step; its captions are of distinct scenes, except among the wrong ones."""
        generator = np.random.default_rng(derived_seed(self._seed, "alignment", step))
        scenes = self._scenes(generator)
        wrong = [other for scene in scenes for other in self._near(scene, self._wrong, generator)]
        pictures = degraded(
            self._renderer(scenes, generator),
            Generator().manual_seed(derived_seed(self._seed, "degraded", step)),
        )
        negative = torch.from_numpy(~compatible(scenes, scenes + wrong))
        return PairedBatch(pictures, [sentence(scene) for scene in scenes + wrong], negative)

    def _scenes(self, generator: np.random.Generator) -> list[Scene]:
        found: dict[Scene, None] = {}
        kinds = generator.choice(KINDS, self._families, p=[SHARES[kind] for kind in KINDS])
        for kind in kinds:
            pools = self._pools[str(kind)]
            pool = pools[generator.integers(len(pools))]
            base = pool[generator.integers(len(pool))]
            found |= dict.fromkeys([base, *self._near(base, self._members - 1, generator)])
        return list(found)

    def _near(self, scene: Scene, n: int, generator: np.random.Generator) -> list[Scene]:
        """Return up to n different scenes of the training split one change away."""
        options = edits(scene)
        weights = np.array([HARDER.get(kind, 1.0) for kind in options])
        kinds = generator.choice(len(options), TRIES, p=weights / weights.sum())
        ranks = generator.uniform(size=TRIES)
        lists = list(options.values())
        found: dict[Scene, None] = {}
        for kind, rank in zip(kinds, ranks, strict=True):
            if len(found) == n:
                break
            other = lists[kind][int(rank * len(lists[kind]))]
            if other in self._allowed:
                found[other] = None
        return list(found)


def degraded(pictures: Tensor, generator: Generator) -> Tensor:
    """Return pictures [B, 3, H, W] as a generator of pictures might make them: some blurred, some noisy, some neither.

    Four tenths are blurred by up to the box of three pixels, four tenths get noise of up to 0.12 standard deviation.
    """
    n = len(pictures)

    def strength(highest: float) -> Tensor:
        amount = torch.rand(n, 1, 1, 1, generator=generator, dtype=torch.float32) * highest
        return amount * (torch.rand(n, 1, 1, 1, generator=generator, dtype=torch.float32) < 0.4)

    share = strength(1 / 3)
    wide = F.pad(pictures, (1, 1, 0, 0), mode="replicate")
    blurred = (1 - 2 * share) * pictures + share * (wide[..., :-2] + wide[..., 2:])
    tall = F.pad(blurred, (0, 0, 1, 1), mode="replicate")
    blurred = (1 - 2 * share) * blurred + share * (tall[:, :, :-2] + tall[:, :, 2:])
    noise = torch.randn(pictures.shape, generator=generator, dtype=torch.float32)
    return (blurred + strength(0.12) * noise).clamp(0, 1)
