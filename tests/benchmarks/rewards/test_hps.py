"""HPS v2.1: a hundred times the cosine, whatever temperature the weights carry."""

from pathlib import Path

import torch

from benchmarks.rewards.clip_model import Clip
from benchmarks.rewards.hps import HPSv21
from tests.support.reward_models import pictures, write_clip


def test_it_is_a_hundred_times_the_cosine(tmp_path: Path) -> None:
    folder, drawn, prompts = write_clip(tmp_path), pictures(2, 32, 32), ["a dog", "a cat"]
    cosines = Clip(folder).cosines(drawn, prompts)
    torch.testing.assert_close(HPSv21(folder)(drawn, prompts), 100 * cosines)
    torch.testing.assert_close(HPSv21(folder, scale=1.0)(drawn, prompts), cosines)
    assert HPSv21(folder).range == (-100, 100)
