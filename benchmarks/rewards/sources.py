"""Rewards that compare with source pictures, and where they look for them."""

from dataclasses import replace
from pathlib import Path

from benchmarks.base import Reward
from benchmarks.rewards.isolated import IsolatedReward
from benchmarks.rewards.judge import JudgeReward
from benchmarks.rewards.mean import Mean
from benchmarks.rewards.preservation import Preservation
from benchmarks.rewards.video import FrameWise

ENTRY = "folder"
"""Name of the entry of `IsolatedReward.where` that says where source pictures are."""


def needs_sources(reward: Reward) -> bool:
    """Return whether a reward compares samples with source pictures of a folder that it knows."""
    if isinstance(reward, Mean):
        return any(needs_sources(part.reward) for part in reward.parts)
    if isinstance(reward, FrameWise):
        return needs_sources(reward.reward)
    if isinstance(reward, JudgeReward):
        return reward.sources is not None
    return isinstance(reward, Preservation) or (isinstance(reward, IsolatedReward) and ENTRY in reward.where)


def with_sources(reward: Reward, folder: Path) -> Reward:
    """Return a reward that looks for its source pictures in a folder; one that needs none stays as it is."""
    if not needs_sources(reward):
        return reward
    if isinstance(reward, Mean):
        parts = tuple(replace(part, reward=with_sources(part.reward, folder)) for part in reward.parts)
        return replace(reward, parts=parts)
    if isinstance(reward, FrameWise):
        return replace(reward, reward=with_sources(reward.reward, folder))
    if isinstance(reward, JudgeReward):
        return replace(reward, sources=folder)
    if isinstance(reward, IsolatedReward):
        return replace(reward, where={**reward.where, ENTRY: str(folder)})
    return replace(reward, folder=folder) if isinstance(reward, Preservation) else reward
