"""What an image-text model tells apart on the test split: retrieval, and each picture's caption against a wrong one."""

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from benchmarks.draws import derived_seed
from benchmarks.pretraining.contrasts import compatible, edits
from benchmarks.tasks.shapes.contrastive import ContrastiveModel
from benchmarks.tasks.shapes.language import Scene, sentence
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import KINDS, in_test, pick, split

CHOICES = 64
"""Captions a picture's own is sought among, and pictures a caption's."""
WRONG = 4
"""Wrong captions of each kind of change a picture is tried with."""


def quality(model: ContrastiveModel, *, seed: int = 0, pictures: int = 256) -> dict[str, float]:
    """Return how well a model fits pictures and captions of the test split, which its training never met.

    `retrieval_of_captions` is the share of pictures whose own caption scores highest among 64 of mixed scenes,
    `retrieval_of_pictures` the share of captions whose picture does. `<kind>_cosine` is the mean cosine of right
    pairs; `<kind>_over_<change>` is the share of pairs of a right and a wrong caption, one change away, in which the
    right one scores higher; `..._in_test` counts only wrong captions of the test split, which are as new to the model
    as the right one.

    Args:
        model: A model in evaluation mode.
        seed: Of the pictures and the wrong captions.
        pictures: Pictures of each kind of scene; at most so many scenes as the test split has are drawn, each once.
    """
    generator = np.random.default_rng(derived_seed(seed, "alignment quality"))
    renderer = Renderer()
    figures: dict[str, float] = {}
    mixed: list[Scene] = []
    for kind in KINDS:
        scenes = split(kind, test=True)
        mixed += pick(scenes, min(len(scenes), CHOICES), f"retrieval {seed}")
        scenes = [scenes[i] for i in generator.integers(len(scenes), size=pictures)]
        embedded = _embedded(model, renderer(scenes, generator))
        figures |= {f"{kind}_{name}": value for name, value in _over_wrong(model, scenes, embedded, generator).items()}
    scores = _embedded(model, renderer(mixed, generator)) @ _captions(model, mixed).T
    retrieval = _retrieval(scores, mixed, generator)
    return {name: round(value, 4) for name, value in (retrieval | figures).items()}


def _retrieval(scores: Tensor, scenes: list[Scene], generator: np.random.Generator) -> dict[str, float]:
    """Seek each picture's caption, and each caption's picture, among 63 others that are certainly wrong."""
    wrong = ~compatible(scenes, scenes)
    own = scores.diagonal()
    hits: dict[str, list[bool]] = {"retrieval_of_captions": [], "retrieval_of_pictures": []}
    for i in range(len(scenes)):
        others = torch.from_numpy(generator.choice(np.flatnonzero(wrong[i]), CHOICES - 1, replace=False))
        hits["retrieval_of_captions"].append(bool(own[i] > scores[i, others].max()))
        hits["retrieval_of_pictures"].append(bool(own[i] > scores[others, i].max()))
    return {name: float(np.mean(found)) for name, found in hits.items()}


def _over_wrong(
    model: ContrastiveModel, scenes: list[Scene], embedded: Tensor, generator: np.random.Generator
) -> dict[str, float]:
    own = (embedded * _captions(model, scenes)).sum(1)
    rows: dict[str, list[tuple[int, Scene]]] = defaultdict(list)
    for i, scene in enumerate(scenes):
        for change, others in edits(scene).items():
            rows[change] += [(i, others[j]) for j in generator.permutation(len(others))[:WRONG]]
    figures = {"cosine": own.mean().item()}
    for change, pairs in rows.items():
        index = torch.tensor([i for i, _ in pairs])
        higher = own[index] > (embedded[index] * _captions(model, [other for _, other in pairs])).sum(1)
        figures[f"over_{change}"] = higher.float().mean().item()
        new = torch.tensor([in_test(other) for _, other in pairs])
        if new.any():
            figures[f"over_{change}_in_test"] = higher[new].float().mean().item()
    return figures


@torch.no_grad()
def _embedded(model: ContrastiveModel, pictures: Tensor) -> Tensor:
    return torch.cat([model.embed_pictures(part) for part in torch.split(pictures, 256)])


@torch.no_grad()
def _captions(model: ContrastiveModel, scenes: list[Scene]) -> Tensor:
    return model.embed_prompts([sentence(scene) for scene in scenes])
