"""Rewards of videos: frame by frame, motion, consistency; closed forms and what stills and flicker score."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.base import Reward, RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.clip_model import Clip
from benchmarks.rewards.sharpness import Sharpness
from benchmarks.rewards.video import FrameWise, MotionAmount, TemporalConsistency, spread
from tests.support.reward_models import pictures, write_clip


@dataclass(frozen=True)
class Brightness:
    """Mean level plus the length of the prompt; NaN for an empty prompt."""

    higher_is_better: bool = True
    name: str = "brightness"
    unit: str = "level"
    range: tuple[float | None, float | None] = (0.0, None)

    def __call__(self, samples: Tensor, prompts: list[str]) -> Tensor:
        lengths = samples.new_tensor([len(prompt) or float("nan") for prompt in prompts])
        return samples.flatten(1).mean(1) + lengths

    def describe(self) -> dict[str, Any]:
        return {"better": self.higher_is_better}


LEVELS = torch.tensor([[0.1, 0.9, 0.2], [0.5, 0.5, 0.5]])
FLAT = LEVELS[:, :, None, None, None].expand(2, 3, 3, 16, 16)


def test_frames_keep_their_videos_prompt() -> None:
    found = FrameWise(Brightness())(FLAT, ["a", "bcd"])
    assert found.tolist() == pytest.approx([0.4 + 1, 0.5 + 3])


@pytest.mark.parametrize(("better", "expected"), [(True, [1.1, 3.5]), (False, [1.9, 3.5])])
def test_the_worst_frame_is_the_one_that_is_worst_by_the_rewards_direction(better: bool, expected: list[float]) -> None:
    reward = FrameWise(Brightness(better), worst=True)
    assert reward.higher_is_better == better
    assert reward(FLAT, ["a", "bcd"]).tolist() == pytest.approx(expected)


def test_a_prompt_that_a_frame_does_not_apply_to_has_no_score() -> None:
    for worst in (False, True):
        found = FrameWise(Brightness(), worst=worst)(FLAT, ["", "a"])
        assert found.isnan().tolist() == [True, False]


def test_fewer_frames_are_the_evenly_spread_ones() -> None:
    assert spread(97, 4) == [0, 32, 64, 96]
    assert all(spread(n, n) == spread(n, n + 3) == list(range(n)) for n in range(1, 5))
    video = pictures(9, 16, 16)[None]
    found = FrameWise(Sharpness(), frames=3)(video, ["a"])
    torch.testing.assert_close(found, Sharpness()(video[0, [0, 4, 8]], ["a"] * 3).mean()[None])


def test_a_video_of_one_frame_scores_as_its_picture() -> None:
    drawn = pictures(3, 16, 16)
    expected = Sharpness()(drawn, ["a"] * 3)
    for worst in (False, True):
        torch.testing.assert_close(FrameWise(Sharpness(), worst=worst)(drawn[:, None], ["a"] * 3), expected)


def test_name_and_definition_tell_how_frames_are_put_together() -> None:
    rewards = FrameWise(Brightness()), FrameWise(Brightness(), worst=True), FrameWise(Brightness(), frames=2)
    assert [reward.name for reward in rewards[:2]] == ["brightness_mean_frame", "brightness_worst_frame"]
    assert rewards[0].range == (0.0, None)
    assert len({str(reward.describe()) for reward in rewards}) == 3
    with pytest.raises(UsageError, match="expected at least 1 frame, found 0"):
        FrameWise(Brightness(), frames=0)


def test_motion_is_the_mean_change_between_frames() -> None:
    assert MotionAmount()(FLAT, ["a", "b"]).tolist() == pytest.approx([(0.8 + 0.7) / 2, 0.0])
    flicker = torch.tensor([0.0, 1.0, 0.0, 1.0])[None, :, None, None, None].expand(1, 4, 3, 8, 8)
    assert MotionAmount()(flicker, ["a"]).tolist() == [1.0]


def test_motion_has_no_direction_in_time() -> None:
    video = pictures(10, 16, 16).reshape(2, 5, 3, 16, 16)
    torch.testing.assert_close(MotionAmount()(video.flip(1), ["a", "b"]), MotionAmount()(video, ["a", "b"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


def test_consistency_is_the_mean_cosine_of_neighbors(folder: Path) -> None:
    video = pictures(8, 32, 40).reshape(2, 4, 3, 32, 40)
    clip = Clip(folder)
    expected = []
    for frames in video:
        embedded = [clip.pictures(frame[None])[0] for frame in frames]
        expected.append(sum(float(a @ b) for a, b in pairwise(embedded)) / 3)
    found = TemporalConsistency(folder)(video, ["a", "b"])
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32), atol=1e-5, rtol=0)
    assert TemporalConsistency(folder)(video[:0], []).shape == (0,)
    still = video[:, :1].expand(2, 4, 3, 32, 40)
    torch.testing.assert_close(
        TemporalConsistency(folder)(still, ["a", "b"]), torch.ones(2, dtype=torch.float32), atol=1e-6, rtol=0
    )
    assert (found < 0.9999).all()


def test_a_missing_model_ends_the_score_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RewardError, match="reward temporal_consistency: cannot read"):
        TemporalConsistency(tmp_path / "nowhere")(FLAT, ["a", "b"])
    assert TemporalConsistency().describe()["clip"]["repository"].startswith("openai/")


REWARDS: list[Reward] = [FrameWise(Sharpness()), MotionAmount(), TemporalConsistency()]


@pytest.mark.parametrize("reward", REWARDS, ids=lambda reward: reward.name)
@pytest.mark.parametrize(
    "samples",
    [torch.zeros(2, 3, 8, 8), torch.zeros(1, 0, 3, 8, 8), torch.full((1, 2, 3, 8, 8), 1.5), torch.zeros(1, 2, 1, 8, 8)],
)
def test_what_is_no_video_is_refused(reward: Reward, samples: Tensor) -> None:
    with pytest.raises(RewardError, match=f"reward {reward.name}: expected (videos|pictures)"):
        reward(samples, ["a"])


@pytest.mark.parametrize("reward", REWARDS[1:], ids=lambda reward: reward.name)
def test_change_needs_two_frames(reward: Reward) -> None:
    with pytest.raises(RewardError, match="at least 2 frames"):
        reward(torch.zeros(1, 1, 3, 8, 8), ["a"])
