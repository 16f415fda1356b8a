"""The second detector as a reward: drawn scenes, wrong prompts, and the rules of rewards."""

import json

import numpy as np
import pytest
import torch

from benchmarks.base import Reward, RewardError
from benchmarks.rewards.second_detector import SecondDetector
from benchmarks.scoring import score
from benchmarks.tasks.shapes.language import PromptError, Sign, sentence
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import all_scenes, pick

REWARD = SecondDetector()
SCENES = [scene for kind in ("several", "pair", "placed") for scene in pick(all_scenes(kind), 12, "reward")]
PICTURES = Renderer()([*SCENES, Sign("A7")], np.random.default_rng(0))
PROMPTS = [*map(sentence, SCENES), "a sign that reads A7"]


def test_drawn_scenes_score_one_and_signs_nothing() -> None:
    found = score([REWARD], PICTURES, PROMPTS)[:, 0]
    assert found[:-1].tolist() == [1.0] * len(SCENES)
    assert found[-1].isnan()


def test_wrong_pictures_score_zero() -> None:
    # Neighbors in the list are different scenes of the same kind.
    assert REWARD(PICTURES[:-1], [*PROMPTS[1:-1], PROMPTS[0]]).tolist() == [0.0] * len(SCENES)
    assert REWARD(PICTURES[-1:], PROMPTS[:1]).tolist() == [0.0]


def test_signs_alone_need_no_detector() -> None:
    reward = SecondDetector()
    assert reward(PICTURES[-1:], PROMPTS[-1:]).isnan().all()
    assert "look" not in vars(reward)


def test_the_detector_is_built_once_and_is_no_part_of_the_reward() -> None:
    assert REWARD.look is REWARD.look
    assert SecondDetector() == REWARD
    assert hash(SecondDetector()) == hash(REWARD)


def test_what_is_no_picture_or_prompt_of_the_world_is_refused() -> None:
    with pytest.raises(RewardError, match=r"reward second_detector: expected pictures \[B, 3, 32, 32\]"):
        REWARD(torch.zeros(1, 1, 32, 32), PROMPTS[:1])
    with pytest.raises(PromptError, match="a mauve circle"):
        REWARD(PICTURES[:1], ["a mauve circle"])


def test_the_definition_is_data() -> None:
    reward: Reward = REWARD
    assert json.loads(json.dumps(reward.describe())) == reward.describe()
    assert reward.higher_is_better
    assert reward.range == (0.0, 1.0)
