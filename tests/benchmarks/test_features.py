"""The features for drift and diversity: what they promise, and that they order pictures sensibly."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.drift import diversity, frechet_distance
from benchmarks.base import Features, RewardError
from benchmarks.features import AlignmentFeatures
from benchmarks.rewards.alignment import WEIGHTS
from benchmarks.tasks.shapes.language import Pair, Scene, Several, parse, sentence
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import KINDS, pick, split

N = 256
TRAIN = {kind: split(kind, test=False) for kind in KINDS}


@pytest.fixture(scope="module")
def features() -> AlignmentFeatures:
    return AlignmentFeatures(real_per_prompt=3)


def colors(scene: Scene) -> set[str]:
    match scene:
        case Several(thing, _):
            return {thing.color}
        case Pair(first, second, _):
            return {first.color, second.color}
        case _:
            return set()


def renderings(seed: int, *, without: str = "none") -> Tensor:
    generator = np.random.default_rng(seed)
    pools = [[scene for scene in scenes if without not in colors(scene)] for scenes in TRAIN.values()]
    scenes = [pools[i % len(pools)][generator.integers(len(pools[i % len(pools)]))] for i in range(N)]
    return Renderer()(scenes, generator)


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    return renderings(0)


def blurred(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)


def test_it_is_what_a_benchmark_asks_for(features: AlignmentFeatures, pictures: Tensor) -> None:
    asked: Features = features
    found = asked(pictures)
    assert found.shape == (N, features.dimensions)
    assert features.dimensions <= 64
    assert found.isfinite().all()
    assert asked(pictures[:2].double()).dtype == torch.float64


def test_rows_do_not_depend_on_their_neighbors(features: AlignmentFeatures, pictures: Tensor) -> None:
    alone = torch.cat([features(pictures[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(features(pictures)[:3], alone, atol=1e-5, rtol=1e-5)


def test_real_data_are_renderings_of_each_prompt(features: AlignmentFeatures) -> None:
    prompts = [sentence(scene) for kind in KINDS for scene in pick(split(kind, test=True), 2, "real")]
    found, numbers = features.real(prompts)
    assert numbers.tolist() == [i for i in range(len(prompts)) for _ in range(3)]
    again, _ = AlignmentFeatures(real_per_prompt=3).real(prompts)
    assert torch.equal(found, again)
    expected = features(Renderer()([parse(prompts[0])] * 3, np.random.default_rng(0)))
    # Pictures of the same prompt are nearer than those of another kind.
    same = torch.cdist(found[:3], expected).mean()
    assert same < torch.cdist(found[-3:], expected).mean()


def test_the_distance_orders_what_may_go_wrong(features: AlignmentFeatures, pictures: Tensor) -> None:
    reference = features(renderings(1)).numpy()
    noise = torch.rand(pictures.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float32)
    once = blurred(pictures)
    found = {
        "renderings": pictures,
        "no red": renderings(2, without="red"),
        "blurred": once,
        "blurred twice": blurred(once),
        "gray": pictures.mean(1, keepdim=True).expand_as(pictures),
        "noise": noise,
    }
    distances = {name: frechet_distance(features(drawn).numpy(), reference) for name, drawn in found.items()}
    floor = distances.pop("renderings")
    assert min(distances.values()) > 2 * floor, (floor, distances)
    assert distances["blurred"] < distances["blurred twice"] < distances["noise"]
    assert max(distances, key=lambda name: distances[name]) == "noise"


def test_diversity_sees_backgrounds_and_places(features: AlignmentFeatures) -> None:
    scenes = [scene for kind in KINDS for scene in pick(TRAIN[kind], 6, "diversity") for _ in range(6)]
    groups = np.repeat(np.arange(len(scenes) // 6), 6)
    drawn = Renderer()(scenes, np.random.default_rng(0))
    whole = diversity(features(drawn).numpy(), groups)
    alike = diversity(features(drawn[::6].repeat_interleave(6, 0)).numpy(), groups)
    mixed = diversity(features(drawn).numpy(), np.tile(np.arange(6), len(scenes) // 6))
    # Copies of one picture fill a batch, whose rows differ in the last bit.
    assert alike < 1e-4 * whole
    assert mixed > whole
    shifted = torch.cat([drawn[:6].roll(step, 3) for step in range(0, 8, 2)])
    assert diversity(features(shifted).numpy(), np.tile(np.arange(6), 4)) > 0.02 * whole


def test_nothing_is_loaded_before_the_first_use(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_bytes((WEIGHTS / "SHA256SUMS").read_bytes())
    assert AlignmentFeatures(folder=tmp_path).describe() == AlignmentFeatures().describe()
    assert AlignmentFeatures(real_per_prompt=5).describe() != AlignmentFeatures().describe()


def test_what_is_no_picture_is_refused(features: AlignmentFeatures) -> None:
    with pytest.raises(RewardError, match="expected pictures"):
        features(torch.zeros(2, 3, 8, 8))
