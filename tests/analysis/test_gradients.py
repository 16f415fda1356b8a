"""The statistics of gradients, against closed forms and direct counts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.gradients import (
    Gramians,
    RunGradients,
    cosine_statistics,
    gradient_quantities,
    gramian_statistics,
    least_cosines,
    pairwise_cosines,
    plain_sum_cosines,
    update_cosines,
)
from analysis.summary import Summary
from tests.analysis.synthetic_gradients import Array, apart, gramians_of, min_norm_weights, pulled

SEEDS = st.integers(0, 2**32 - 1)


def random_gradients(seed: int, steps: int = 4, n_objectives: int = 3, size: int = 6) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((steps, n_objectives, size)), generator.standard_normal((steps, size))


def direct_cosines(gradients: Array, updates: Array) -> Array:
    lengths = np.linalg.norm(gradients, axis=2) * np.linalg.norm(updates, axis=1)[:, None]
    products: Array = np.einsum("skp,sp->sk", gradients, updates)
    return products / lengths


def quantities_of(summary: Summary, benchmark: str, method: str) -> dict[str, float]:
    part = {part.record.name: part for part in summary.benchmarks}[benchmark]
    (row,) = [row for row in part.last_rows if row.method == method]
    return {name: value.mean for name, value in row.quantities.items()}


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_cosines_equal_those_of_the_vectors(seed: int) -> None:
    gradients, updates = random_gradients(seed)
    gramians = gramians_of(gradients, updates)
    np.testing.assert_allclose(update_cosines(gramians), direct_cosines(gradients, updates), atol=1e-12)
    means = gradients.mean(axis=1)
    np.testing.assert_allclose(plain_sum_cosines(gramians.products), direct_cosines(gradients, means), atol=1e-9)
    for k in range(3):
        expected = direct_cosines(gradients, gradients[:, k])
        np.testing.assert_allclose(pairwise_cosines(gramians.products)[:, k], expected, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, scale=st.floats(1e-3, 1e3), index=st.integers(0, 2))
def test_scaling_a_gradient_or_the_update_leaves_the_cosines(seed: int, scale: float, index: int) -> None:
    gradients, updates = random_gradients(seed)
    before = update_cosines(gramians_of(gradients, updates))
    gradients[:, index] *= scale
    scaled = gramians_of(gradients, updates * scale)
    np.testing.assert_allclose(update_cosines(scaled), before, atol=1e-9)
    np.testing.assert_allclose(
        np.abs(np.diagonal(pairwise_cosines(scaled.products), axis1=1, axis2=2)), 1.0, atol=1e-12
    )


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS)
def test_the_plain_sum_does_not_depend_on_the_method(seed: int) -> None:
    gradients, updates = random_gradients(seed)
    first, second = (gramian_statistics(gramians_of(gradients, chosen)) for chosen in (updates, updates[:, ::-1]))
    for name in ("plain_sum_min_cosine", "plain_sum_mean_cosine", "plain_sum_var_cosine", "plain_sum_conflict_rate"):
        assert first[name] == second[name], name
    assert first["mean_cosine"] != second["mean_cosine"]


def test_the_plain_sum_of_orthogonal_gradients_in_closed_form() -> None:
    # |sum|^2 = 1 + 4 + 9, and <sum, g_k> = |g_k|^2.
    found = gramian_statistics(gramians_of(apart(3)[None], apart(3).mean(axis=0)[None]))
    expected = np.array([1.0, 2.0, 3.0]) / math.sqrt(14.0)
    assert found["plain_sum_min_cosine"] == pytest.approx(expected.min())
    assert found["plain_sum_mean_cosine"] == pytest.approx(expected.mean())
    assert found["plain_sum_var_cosine"] == pytest.approx(expected.var())
    assert (found["plain_sum_conflict_rate"], found["min_pairwise_cosine"]) == (0.0, 0.0)
    for name in ("min_cosine", "mean_cosine", "var_cosine", "conflict_rate"):
        assert found[name] == pytest.approx(found[f"plain_sum_{name}"]), name


def test_the_plain_sum_of_pulled_gradients_in_closed_form() -> None:
    # The sum is (8.8, 0.8, 0.8); the short gradients see -0.6 * 8.8 + 0.8^2 of it.
    found = gramian_statistics(gramians_of(pulled(3)[None], np.ones((1, 3))))
    length = math.sqrt(8.8**2 + 2 * 0.8**2)
    assert found["plain_sum_min_cosine"] == pytest.approx((-0.6 * 8.8 + 0.64) / length)
    assert found["plain_sum_mean_cosine"] == pytest.approx((8.8 + 2 * (-0.6 * 8.8 + 0.64)) / length / 3)
    assert found["plain_sum_conflict_rate"] == 1.0
    assert found["min_pairwise_cosine"] == pytest.approx(-0.6)


@pytest.mark.parametrize("n_objectives", [2, 3, 5])
def test_min_norm_updates_serve_all_rewards_alike(n_objectives: int) -> None:
    for gradients, squared in ((apart(n_objectives), n_objectives), (pulled(n_objectives), 4 * n_objectives - 3)):
        weights = min_norm_weights(gradients)
        update = weights @ (gradients / np.linalg.norm(gradients, axis=1, keepdims=True))
        found = gramian_statistics(gramians_of(gradients[None], update[None]))
        assert weights.sum() == pytest.approx(1.0)
        for name in ("min_cosine", "mean_cosine"):
            assert found[name] == pytest.approx(1.0 / math.sqrt(squared)), name
        assert found["var_cosine"] == pytest.approx(0.0, abs=1e-15)
        assert found["conflict_rate"] == 0.0


def test_a_reward_without_samples_is_left_out() -> None:
    gradients, updates = random_gradients(0)
    gradients[0, 1] = 0.0
    gradients[1] = 0.0
    gramians = gramians_of(gradients, updates)
    cosines = update_cosines(gramians)
    assert np.isnan(cosines).tolist() == [[False, True, False], [True] * 3, [False] * 3, [False] * 3]
    found = gramian_statistics(gramians)
    direct = direct_cosines(gradients[2:], updates[2:])
    lowest = [np.nanmin(cosines[0]), *direct.min(axis=1)]
    assert found["measured_steps"] == 3.0
    assert found["min_cosine"] == pytest.approx(np.mean(lowest))
    assert found["conflict_rate"] == pytest.approx(np.mean([value < 0 for value in lowest]))


def test_what_cancels_has_no_direction() -> None:
    generator = np.random.default_rng(2)
    one = generator.standard_normal(50)
    gradients = np.array([[one, -one], [one / 3.0, -one / 3.0]])
    gramians = gramians_of(gradients, gradients.mean(axis=1))
    # Rounding leaves something where there is nothing.
    noisy = Gramians(
        gramians.models, gramians.steps, gramians.products, gramians.with_update + 1e-17, np.full(2, 1e-17)
    )
    assert np.isnan(plain_sum_cosines(noisy.products)).all()
    assert np.isnan(update_cosines(noisy)).all()
    assert gramian_statistics(noisy) == {}


def test_an_unknown_update_leaves_the_plain_sum() -> None:
    gradients, updates = random_gradients(3)
    whole = gramians_of(gradients, updates)
    unknown = Gramians(whole.models, whole.steps, whole.products, np.full((4, 3), np.nan), np.full(4, np.nan))
    found, expected = gramian_statistics(unknown), gramian_statistics(whole)
    assert set(found) == {name for name in expected if name.startswith(("plain_sum", "min_pair", "measured"))}
    assert found["measured_steps"] == 4.0


def test_touching_zero_is_no_conflict() -> None:
    assert cosine_statistics(np.array([[0.5, -9e-7], [0.5, -1.1e-6]]))["conflict_rate"] == 0.5
    assert cosine_statistics(np.full((2, 3), np.nan)) == {}


def test_one_reward_has_no_pairs() -> None:
    found = gramian_statistics(gramians_of(np.ones((1, 1, 2)), np.ones((1, 2))))
    assert found["min_cosine"] == pytest.approx(1.0)
    assert "min_pairwise_cosine" not in found


def test_a_run_without_measured_gradients_has_no_quantities() -> None:
    assert gradient_quantities(RunGradients({}, np.zeros(0), None)) == {}


@pytest.mark.parametrize(("benchmark", "n_objectives"), [("two-targets", 2), ("three-targets", 3)])
def test_solve_steps_and_steps_between_apart(gradient_summary: Summary, benchmark: str, n_objectives: int) -> None:
    found = quantities_of(gradient_summary, benchmark, "marble")
    # Measured at 1, 6, ..., 36: half of them solve, and each state has half of either kind.
    solved = (1.0 / math.sqrt(n_objectives) + 1.0 / math.sqrt(4 * n_objectives - 3)) / 2.0
    assert [found[f"measured_steps{suffix}"] for suffix in ("", "_solved", "_between")] == [8.0, 4.0, 4.0]
    assert found["min_cosine_solved"] == pytest.approx(solved)
    assert found["var_cosine_solved"] == pytest.approx(0.0, abs=1e-15)
    # Unnormalized gradients with the coefficients of the last solve: the long one wins when it pulls.
    assert [found[f"conflict_rate{suffix}"] for suffix in ("", "_solved", "_between")] == [0.25, 0.0, 0.5]
    for name in ("min_cosine", "mean_cosine", "plain_sum_conflict_rate"):
        assert found[name] == pytest.approx((found[f"{name}_solved"] + found[f"{name}_between"]) / 2.0)
    assert found["plain_sum_conflict_rate_solved"] == 0.5


def test_several_models_count_together(gradient_summary: Summary) -> None:
    found = quantities_of(gradient_summary, "two-targets", "specialists")
    assert found["measured_steps"] == 16.0
    assert found["min_cosine"] == pytest.approx((0.0 - 0.6) / 2.0)
    assert found["mean_cosine"] == pytest.approx((1.0 + 0.0 + 1.0 - 0.6) / 4.0)
    assert found["var_cosine"] == pytest.approx((0.25 + 0.64) / 2.0)
    assert found["conflict_rate"] == 0.5
    assert not any(name.endswith(("_solved", "_between")) for name in found)


def test_all_methods_share_the_plain_sum_of_equal_gradients(gradient_summary: Summary) -> None:
    found = [
        quantities_of(gradient_summary, "three-targets", name) for name in ("marble", "specialists", "weighted_sum")
    ]
    for name in ("min_cosine", "mean_cosine", "var_cosine", "conflict_rate"):
        assert [one[f"plain_sum_{name}"] for one in found] == pytest.approx([found[2][name]] * 3), name
    assert "min_cosine" not in quantities_of(gradient_summary, "three-targets", "unmeasured")


def test_json_says_null_where_nothing_is_known(gradient_summary: Summary) -> None:
    rows = {(row["benchmark"], row["method"]): row for row in gradient_summary.to_json()}
    marble, unmeasured = rows["two-targets", "marble"], rows["two-targets", "unmeasured"]
    for name in ("conflict_rate", "min_cosine", "mean_cosine", "var_cosine"):
        for key in (name, f"plain_sum_{name}"):
            assert marble[key]["seeds"] == 3
            assert unmeasured[key] is None
            assert rows["two-targets", "base"][key] is None
    for key in ("conflict_rate_solved", "conflict_rate_between"):
        assert marble[key]["mean"] in (0.0, 0.5)
        assert rows["two-targets", "weighted_sum"][key] is None


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_the_least_cosine_is_that_of_the_rewards_that_have_one(seed: int) -> None:
    generator = np.random.default_rng(seed)
    cosines = generator.uniform(-1.0, 1.0, size=(6, 3))
    cosines[generator.uniform(size=cosines.shape) < 0.4] = np.nan
    for row, least in zip(cosines, least_cosines(cosines), strict=True):
        known = [value for value in row if not math.isnan(value)]
        assert math.isnan(least) if not known else least == min(known)
