"""The quadratic reward against its formula."""

import pytest
import torch

from benchmarks.rewards.quadratic import QuadraticReward

REWARD = QuadraticReward("r", {"a": (1.0, 2.0), "b": None, "c": (0.0, 0.0)}, scale=3.0)


def test_values_are_minus_scale_times_the_squared_distance() -> None:
    samples = torch.tensor([[1.0, 2.0], [1.0, 4.0], [3.0, 4.0]])
    assert REWARD(samples, ["a", "a", "c"]).tolist() == [0.0, -12.0, -75.0]


def test_a_prompt_without_a_target_gives_nan_and_only_it() -> None:
    scores = REWARD(torch.zeros(3, 2), ["b", "a", "b"])
    assert scores.isnan().tolist() == [True, False, True]


def test_rows_keep_their_order_however_often_prompts_repeat() -> None:
    samples = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    prompts = ["abcca"[i % 5] for i in range(50)]
    together = REWARD(samples, prompts)
    alone = torch.cat([REWARD(samples[i : i + 1], prompts[i : i + 1]) for i in range(50)])
    assert torch.equal(together.nan_to_num(), alone.nan_to_num())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_dtype_is_that_of_the_samples(dtype: torch.dtype) -> None:
    assert REWARD(torch.zeros(1, 2, dtype=dtype), ["a"]).dtype == dtype


def test_an_unknown_prompt_is_refused() -> None:
    with pytest.raises(KeyError, match="d"):
        REWARD(torch.zeros(1, 2), ["d"])


def test_the_highest_score_is_the_upper_end_of_the_range() -> None:
    assert REWARD.range == (None, 0.0)
    assert float(REWARD(torch.tensor([[1.0, 2.0]]), ["a"])) == REWARD.range[1]


def test_the_description_holds_targets_and_scale() -> None:
    assert REWARD.describe() == {"targets": {"a": (1.0, 2.0), "b": None, "c": (0.0, 0.0)}, "scale": 3.0}
