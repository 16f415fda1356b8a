"""The mean of z-scores, against a published column."""

import numpy as np
import pytest

from analysis.composite import composite, composite_by_seed
from analysis.papers.tables import pivot, table


def test_reproduces_the_composite_column_of_marble() -> None:
    printed = pivot(table("marble", "1"))
    rewards = printed.drop(columns="Composite")
    assert rewards.shape == (11, 8)
    # The paper's column has three decimals, and so a rounding error of half a unit.
    np.testing.assert_allclose(composite(rewards.to_numpy()), printed["Composite"], atol=5.0001e-4)
    # Eleven rows are the ones that the scores are taken among: without one the others change.
    without = rewards.drop(index="SD3.5-M w/o CFG")
    assert np.abs(composite(without.to_numpy()) - printed["Composite"].drop(index="SD3.5-M w/o CFG")).min() > 0.05


def test_constant_columns_tell_nothing() -> None:
    values = np.array([[0.1 + 0.2, 1.0], [0.3, 2.0], [0.3, 3.0]])
    z = np.sqrt(1.5)
    np.testing.assert_allclose(composite(values), [-z / 2, 0.0, z / 2], atol=1e-12)
    assert composite([[4.0, 5.0]]).tolist() == [0.0]


def test_units_do_not_matter() -> None:
    values = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_allclose(composite(values * [1.0, 1e6, 1e-6] + [7.0, 0.0, 3.0]), composite(values), atol=1e-9)
    assert composite(values).sum() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "message"), [(np.zeros((0, 2)), "a row at least"), ([[1.0, np.nan]], "must be finite")]
)
def test_refuses_what_has_no_scores(values: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        composite(values)  # type: ignore[arg-type]


def random_values(seeds: dict[str, tuple[int, ...]]) -> dict[str, dict[int, np.ndarray]]:
    generator = np.random.default_rng(1)
    return {name: {seed: generator.standard_normal(3) for seed in of_method} for name, of_method in seeds.items()}


@pytest.mark.parametrize("last", [(0, 1), (1, 4, 6), (0, 1, 2)])
def test_the_mean_over_seeds_is_the_composite_of_the_means(last: tuple[int, ...]) -> None:
    values = random_values({"a": (0, 1, 2), "b": (2, 1, 0), "c": last})
    expected = composite([np.mean(list(by_seed.values()), axis=0) for by_seed in values.values()])
    found = composite_by_seed(values)
    np.testing.assert_allclose([np.mean(list(by_seed.values())) for by_seed in found.values()], expected, atol=1e-12)
    assert [list(by_seed) for by_seed in found.values()] == [[0, 1, 2], [0, 1, 2], sorted(last)]


def test_what_a_seed_does_to_all_methods_alike_is_left_out() -> None:
    values = random_values({"a": (0, 1), "b": (0, 1)})
    shifted = {name: {0: by_seed[0], 1: by_seed[1] + 5.0} for name, by_seed in values.items()}
    found, expected = composite_by_seed(shifted), composite_by_seed(values)
    for name in values:
        assert found[name] == pytest.approx(expected[name], abs=1e-9)
