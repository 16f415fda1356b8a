"""GenEval from prompt and picture to the verdict, on a small random detector that sees dogs everywhere."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import normalize

from benchmarks.base import RewardError
from benchmarks.rewards.clip_model import Clip
from benchmarks.rewards.geneval import BACKGROUND, ColorClassifier, GenEval, cut_out
from benchmarks.rewards.geneval_rules import GENEVAL_RULES, Detection
from benchmarks.rewards.mask2former import Seen
from benchmarks.tasks.geneval_prompts import COLORS
from tests.support.reward_models import pictures, write_clip, write_detector

DRAWN = pictures(1, 64, 80)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def reward(tmp_path_factory: pytest.TempPathFactory, clip_folder: Path) -> GenEval:
    return GenEval(write_detector(tmp_path_factory.mktemp("detector")), clip=clip_folder, shortest=64)


def judged(reward: GenEval, *prompts: str) -> list[float]:
    found = reward(DRAWN.expand(len(prompts), -1, -1, -1), list(prompts))
    assert found.dtype == torch.float32
    return found.tolist()


def test_it_sees_what_the_detector_sees(reward: GenEval) -> None:
    found = judged(reward, "a photo of a dog", "a photo of a cat", "a photo of a dog and a cat", "a painting of a dog")
    assert found[:3] == [1, 0, 0]
    assert found[3] != found[3]
    assert judged(replace(reward, graded=True), "a photo of a dog and a cat") == [0.5]


def test_counting_has_the_higher_threshold(reward: GenEval) -> None:
    # Random masks are little more sure than one half, so no dog counts until the threshold is lowered.
    prompts = [f"a photo of {number} dogs" for number in ("two", "three", "four")]
    assert judged(reward, *prompts) == [0, 0, 0]
    three = replace(reward, rules=replace(GENEVAL_RULES, counting_score=0.3, max_objects=3))
    assert judged(three, *prompts) == [0, 1, 0]


def test_an_object_has_one_color(reward: GenEval) -> None:
    article = {color: "an" if color == "orange" else "a" for color in COLORS}
    found = judged(reward, *(f"a photo of {article[color]} {color} dog" for color in COLORS))
    assert sorted(found) == [0] * 9 + [1]


def test_the_color_is_that_of_the_nearest_caption(clip_folder: Path) -> None:
    clip = Clip(clip_folder)
    classify = ColorClassifier(clip)
    mask = torch.zeros(40, 40, dtype=torch.bool)
    mask[5:30, 10:40] = True
    seen = Seen(Detection("dog", 0.9, (10, 5, 40, 30)), mask)
    centers = {}
    for color in COLORS:
        captions = [f"a photo of a {color} dog", f"a photo of a {color}-colored dog", f"a photo of a {color} object"]
        centers[color] = normalize(torch.cat([clip.texts([caption]) for caption in captions]).mean(0), dim=0)
    named = set()
    for i, picture in enumerate(pictures(8, 40, 40)):
        tinted = picture * torch.eye(3)[i % 3].reshape(3, 1, 1).to(picture)
        look = clip.pictures(tinted[:, 5:30, 10:40][None])[0]
        likeness = {color: float(center @ look) for color, center in centers.items()}
        found = classify(tinted, seen)
        assert likeness[found] == pytest.approx(max(likeness.values()), abs=1e-5)
        named.add(found)
    assert len(named) > 1


def test_an_object_is_cut_out_on_gray() -> None:
    picture = torch.arange(3 * 4 * 5).reshape(3, 4, 5).float() / 60
    mask = torch.zeros(4, 5, dtype=torch.bool)
    mask[1, 2] = mask[2, 3] = True
    found = cut_out(picture, Seen(Detection("dog", 0.9, (2, 1, 4, 3)), mask))
    gray = torch.full((3,), BACKGROUND, dtype=torch.float32)
    assert found.shape == (3, 2, 2)
    assert torch.equal(found[:, 0, 0], picture[:, 1, 2])
    assert torch.equal(found[:, 1, 1], picture[:, 2, 3])
    assert torch.equal(found[:, 0, 1], gray)
    assert torch.equal(found[:, 1, 0], gray)


def test_nothing_is_loaded_where_nothing_applies(tmp_path: Path) -> None:
    reward = GenEval(tmp_path / "nowhere", clip=tmp_path / "nowhere")
    assert reward(DRAWN, ["a dog"]).isnan().all()
    with pytest.raises(RewardError, match=r"reward geneval: cannot read .*expected a folder or owner/name") as caught:
        reward(DRAWN, ["a photo of a dog"])
    assert "\n" not in str(caught.value)


def test_the_definition_holds_models_and_rules(reward: GenEval) -> None:
    plain = json.dumps(reward.describe(), sort_keys=True)
    for other in (replace(reward, graded=True), replace(reward, rules=replace(GENEVAL_RULES, score=0.5))):
        assert json.dumps(other.describe(), sort_keys=True) != plain
    assert GenEval().describe()["detector"]["repository"] == "facebook/mask2former-swin-small-coco-instance"
