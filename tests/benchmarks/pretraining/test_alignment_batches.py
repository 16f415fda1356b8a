"""The batches of the image-text model: near scenes, wrong captions, no test scene, the same ones every time."""

import numpy as np
import pytest
import torch

from benchmarks.pretraining.alignment_batches import PairedBatch, PairedBatches, degraded
from benchmarks.pretraining.contrasts import compatible, edits
from benchmarks.tasks.shapes.language import Pair, Sign, parse
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import in_test


@pytest.fixture(scope="module")
def drawn() -> list[PairedBatch]:
    batches = PairedBatches(families=12, members=4, wrong=3, seed=0)
    return [batches.batch(step) for step in range(4)]


def test_pictures_have_distinct_captions_and_a_right_one_is_no_negative(drawn: list[PairedBatch]) -> None:
    for batch in drawn:
        n = len(batch.pictures)
        assert len(set(batch.captions[:n])) == n
        scenes = [parse(caption) for caption in batch.captions]
        assert np.array_equal(batch.negative.numpy(), ~compatible(scenes[:n], scenes))
        assert not batch.negative.diagonal().any()


def test_no_caption_is_of_the_test_split(drawn: list[PairedBatch]) -> None:
    assert not any(in_test(parse(caption)) for batch in drawn for caption in batch.captions)


def test_sizes_are_those_asked_for_but_for_scenes_drawn_twice(drawn: list[PairedBatch]) -> None:
    for batch in drawn:
        n = len(batch.pictures)
        assert 40 <= n <= 48
        assert 3 * n - 12 <= len(batch.captions) - n <= 3 * n
        assert batch.pictures.shape == (n, 3, 32, 32)
        assert batch.pictures.dtype == torch.float32


def test_families_and_wrong_captions_are_one_change_away(drawn: list[PairedBatch]) -> None:
    for batch in drawn:
        n = len(batch.pictures)
        scenes = [parse(caption) for caption in batch.captions]
        near = [{other for others in edits(scene).values() for other in others} for scene in scenes[:n]]
        assert all(any(other in one for one in near) for other in scenes[n:])
        # Nearly every scene has relatives with pictures of their own.
        assert np.mean([bool(one & set(scenes[:n])) for one in near]) > 0.95


def test_all_kinds_and_lengths_of_signs_are_met(drawn: list[PairedBatch]) -> None:
    scenes = [parse(caption) for batch in drawn for caption in batch.captions[: len(batch.pictures)]]
    assert {len(scene.text) for scene in scenes if isinstance(scene, Sign)} == {1, 2, 3}
    assert {scene.relation for scene in scenes if isinstance(scene, Pair)} == {
        None, "left of", "right of", "above", "below",
    }  # fmt: skip


def test_a_batch_depends_on_seed_and_step_alone(drawn: list[PairedBatch]) -> None:
    again = PairedBatches(families=12, members=4, wrong=3, seed=0).batch(2)
    assert torch.equal(again.pictures, drawn[2].pictures)
    assert again.captions == drawn[2].captions
    assert again.captions != drawn[1].captions
    assert PairedBatches(families=12, members=4, wrong=3, seed=1).batch(2).captions != again.captions


def test_a_fair_share_of_pictures_is_degraded_and_all_stay_pictures() -> None:
    pictures = Renderer()([Sign("A7")] * 400, np.random.default_rng(0))
    found = degraded(pictures, torch.Generator().manual_seed(0))
    assert torch.equal(found, degraded(pictures, torch.Generator().manual_seed(0)))
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    # Six tenths escape the blur and six tenths the noise; 0.36 +- 3 standard errors.
    untouched = (found == pictures).flatten(1).all(1).float().mean().item()
    assert abs(untouched - 0.36) < 0.075


def test_blur_keeps_plain_areas_and_spreads_an_edge_by_one_pixel() -> None:
    edge = torch.zeros(200, 3, 8, 8)
    edge[..., 4:] = 1.0
    found = degraded(edge, torch.Generator().manual_seed(0))
    noiseless = found[(found[..., 0] == 0).flatten(1).all(1)]
    assert len(noiseless) > 50
    changed = (noiseless - edge[: len(noiseless)]).abs().amax((0, 1, 2))
    assert (changed > 1e-6).tolist() == [False] * 3 + [True] * 2 + [False] * 3
    assert float(changed.max()) <= 1 / 3 + 1e-6
