"""The samples of a state, prompt by prompt, agree with its front."""

import numpy as np
import pandas as pd
import pytest

from analysis.front import front_of
from analysis.prompt_values import prompt_values_of
from benchmarks.records import RecordError, RewardRecord

REWARDS = [
    RewardRecord(name="score", unit="", higher_is_better=True, range=(None, None)),
    RewardRecord(name="cost", unit="s", higher_is_better=False, range=(None, None)),
]


def table() -> pd.DataFrame:
    """Two points, three prompts, two samples; the cost does not apply to prompt 7, nor to a sample of prompt 3."""
    generator = np.random.default_rng(0)
    keys = [(5, point, prompt, sample) for point in (4, 9) for prompt in (3, 7, 8) for sample in (0, 1)]
    rows = pd.DataFrame(keys, columns=["step", "point", "prompt_id", "sample"])
    rows["reward_score"] = generator.normal(size=len(rows))
    rows["reward_cost"] = generator.uniform(1.0, 2.0, size=len(rows))
    rows.loc[rows["prompt_id"] == 7, "reward_cost"] = np.nan
    rows.loc[(rows["prompt_id"] == 3) & (rows["sample"] == 1), "reward_cost"] = np.nan
    return pd.concat([rows, rows.assign(step=0, reward_score=9.0)])


def test_points_are_those_of_the_front() -> None:
    rows = table().sample(frac=1.0, random_state=1)
    found = prompt_values_of(rows, REWARDS, 5)
    assert found.prompts.tolist() == [3, 7, 8]
    assert found.points == pytest.approx(front_of(rows, REWARDS, 5).points)
    assert found.counts[..., 1].tolist() == [[1, 1], [0, 0], [2, 2]]


def test_contributions_to_a_mean_are_the_prompts_means() -> None:
    rows = table()
    found = prompt_values_of(rows, REWARDS, 5).of_reward(0, point=1)
    expected = rows[(rows["step"] == 5) & (rows["point"] == 9)].groupby("prompt_id")["reward_score"].mean()
    assert found.contributions(lambda points: float(points.mean())) == pytest.approx(expected.to_dict())


def test_a_prompt_without_the_reward_contributes_nothing() -> None:
    found = prompt_values_of(table(), REWARDS, 5).of_reward(1)
    shares = found.contributions(lambda points: float(points.mean()))
    assert shares is not None
    assert shares.keys() == {3, 8}
    assert np.mean(list(shares.values())) == pytest.approx(found.points.mean())


def test_a_reward_of_one_prompt_has_no_contributions() -> None:
    rows = table()
    rows.loc[rows["prompt_id"] == 8, "reward_cost"] = np.nan
    values = prompt_values_of(rows, REWARDS, 5)
    assert values.of_reward(1).contributions(lambda points: float(points.mean())) is None
    assert values.contributions(lambda points: float(points.sum())) is None


def test_damaged_tables_are_refused() -> None:
    rows = table()
    with pytest.raises(RecordError, match="expected a column prompt_id, found step, point, sample"):
        prompt_values_of(rows.drop(columns="prompt_id"), REWARDS, 5)
    with pytest.raises(RecordError, match="expected rows of step 6, found none"):
        prompt_values_of(rows, REWARDS, 6)
    with pytest.raises(RecordError, match="every reward must apply to a prompt, found only NaN at step 5"):
        prompt_values_of(rows.assign(reward_cost=np.nan), REWARDS, 5)
    with pytest.raises(RecordError, match="rewards must be finite, or NaN where they do not apply"):
        prompt_values_of(rows.assign(reward_cost=np.inf), REWARDS, 5)
