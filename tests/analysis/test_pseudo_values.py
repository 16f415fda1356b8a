"""Each prompt's part in a quantity: exact for means, and by leaving it out for the rest."""

import numpy as np
import pytest

from analysis.hypervolume import hypervolume
from analysis.pseudo_values import pseudo_values


def test_a_mean_is_made_of_the_values_themselves() -> None:
    values = np.random.default_rng(0).normal(size=(7, 3))
    assert pseudo_values(values, np.ones_like(values), lambda means: means) == pytest.approx(values)


def test_the_hypervolume_without_each_prompt() -> None:
    generator = np.random.default_rng(1)
    sums, counts = generator.uniform(1.0, 3.0, size=(6, 4, 2)), generator.integers(1, 4, size=(6, 4, 2))

    def volume(kept: list[int]) -> float:
        return hypervolume(sums[kept].sum(axis=0) / counts[kept].sum(axis=0), reference_point=[0.0, 0.0])

    found = pseudo_values(sums, counts, lambda stack: np.array([hypervolume(p, reference_point=[0, 0]) for p in stack]))
    whole, without = volume([*range(6)]), [volume([j for j in range(6) if j != i]) for i in range(6)]
    assert found == pytest.approx([whole + 5 * (np.mean(without) - one) for one in without])
    assert found.mean() == pytest.approx(whole)


def test_an_entry_that_does_not_apply_leaves_the_mean_as_it_is() -> None:
    sums, counts = np.array([[1.0], [3.0], [0.0]]), np.array([[1], [1], [0]])
    assert pseudo_values(sums, counts, lambda means: means[:, 0])[2] == pytest.approx(2.0)


def test_too_little_is_refused() -> None:
    with pytest.raises(ValueError, match="every entry must apply to two prompts at least"):
        pseudo_values([[1.0, 1.0], [2.0, 0.0]], [[1, 1], [1, 0]], lambda means: means[:, 0])
    with pytest.raises(ValueError, match=r"sums and counts must share a shape \[P, ...\]"):
        pseudo_values([[1.0]], [1.0], lambda means: means[:, 0])
