"""Detections from Mask2Former: those of transformers' own post-processing, boxes, sizes and refused models."""

import json
from pathlib import Path

import pytest
import torch
from transformers import Mask2FormerImageProcessor

from benchmarks.records import UsageError
from benchmarks.rewards.clip_images import normalized
from benchmarks.rewards.mask2former import IMAGENET_MEAN, IMAGENET_STD, Mask2Former, input_size
from benchmarks.tasks.geneval_prompts import CLASSES
from tests.support.reward_models import pictures, write_detector


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_detector(tmp_path_factory.mktemp("detector"), sure=3.0)


def test_detections_are_those_of_transformers(folder: Path) -> None:
    # At 384 x 384 its post-processing, which always goes over that size, takes no detour.
    picture = pictures(1, 384, 384)[0]
    eyes = Mask2Former(folder, shortest=384)
    with torch.no_grad():
        output = eyes.network(pixel_values=normalized(picture[None], IMAGENET_MEAN, IMAGENET_STD))
    expected = Mask2FormerImageProcessor().post_process_instance_segmentation(
        output, threshold=0.0, target_sizes=[(384, 384)], return_binary_maps=True
    )[0]
    theirs = {
        (CLASSES[info["label_id"]], round(info["score"], 4)): mask.bool()
        for info, mask in zip(expected["segments_info"], expected["segmentation"], strict=True)
    }
    ours = {(seen.detection.label, round(seen.detection.score, 4)): seen.mask for seen in eyes(picture)}
    assert ours.keys() == theirs.keys()
    assert len(ours) > 3
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_boxes_frame_their_masks(folder: Path) -> None:
    found = Mask2Former(folder, shortest=64)(pictures(1, 48, 72)[0])
    assert found
    for seen in found:
        left, top, right, bottom = map(int, seen.detection.box)
        assert seen.mask.shape == (48, 72)
        inside = torch.zeros_like(seen.mask)
        inside[top:bottom, left:right] = True
        assert not (seen.mask & ~inside).any()
        for edge in (seen.mask[top], seen.mask[bottom - 1], seen.mask[:, left], seen.mask[:, right - 1]):
            assert edge.any()
        assert 0 < seen.detection.score <= 1


def test_what_is_not_above_the_least_score_is_left_out(folder: Path) -> None:
    eyes, picture = Mask2Former(folder, shortest=64), pictures(1, 48, 72)[0]
    scores = sorted(seen.detection.score for seen in eyes(picture))
    middle = scores[len(scores) // 2]
    assert sorted(seen.detection.score for seen in eyes(picture, middle)) == [s for s in scores if s > middle]
    assert eyes(picture, 1.0) == []


@pytest.mark.parametrize("size", [(512, 512), (480, 640), (640, 480), (100, 400), (64, 107), (33, 65)])
def test_input_sizes_are_those_of_transformers(size: tuple[int, int]) -> None:
    # A smaller input of the same proportions keeps the test fast.
    processor = Mask2FormerImageProcessor(size={"shortest_edge": 64, "longest_edge": 107}, size_divisor=32)
    empty = torch.zeros(3, *size, dtype=torch.uint8).numpy()
    pixels = processor(images=[empty], return_tensors="pt")["pixel_values"]
    assert tuple(pixels.shape[2:]) == input_size(*size, 64, 107)


def test_a_detector_of_other_classes_is_refused(tmp_path: Path) -> None:
    folder = write_detector(tmp_path)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["id2label"] = {str(i): f"LABEL_{i}" for i in range(80)}
    config["label2id"] = {label: int(i) for i, label in config["id2label"].items()}
    path.write_text(json.dumps(config))
    with pytest.raises(UsageError, match=r"expected a detector of the 80 classes of COCO, .*the first of them LABEL_0"):
        Mask2Former(folder)(pictures(1, 32, 32)[0])
