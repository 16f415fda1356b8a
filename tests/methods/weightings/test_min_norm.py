"""MARBLE's weighting as a value that goes from update to update."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from methods.base import Batch, State
from methods.min_norm import cosine_matrix, min_norm_weights
from methods.weightings.min_norm import MinNormWeighting
from tests.methods.stubs import make_batch, normal
from tests.support.properties import assert_frozen, assert_on_simplex, unchanged

K = 4
WIDE = torch.float64


def batch(k: int = K) -> Batch:
    return make_batch(torch.zeros(6, k))


def gradients(seed: int, k: int = K) -> Tensor:
    """Gradients [K, 9] of very different lengths, some of them in conflict."""
    return normal(seed, k, 9) * torch.tensor([1.0, 30.0, 0.2, 5.0, 0.01][:k], dtype=WIDE)[:, None]


def gramian(rows: Tensor) -> Tensor:
    return rows @ rows.T


def update(weighting: MinNormWeighting, state: State, rows: Tensor, clipped: float = 0.0) -> tuple[Tensor, State, bool]:
    """One update: the weights it uses, the state after it, and whether it solved."""
    with unchanged(state):
        weights = weighting.weights(batch(len(rows)), state)
    solved = weights is None
    if weights is None:
        matrix = gramian(rows)
        with unchanged(state, matrix):
            weights, state = weighting.solve(matrix, state)
    with unchanged(state):
        state = weighting.after(state, {"clipped": clipped})
    return weights, state, solved


def solution(rows: Tensor) -> Tensor:
    return min_norm_weights(cosine_matrix(gramian(rows)))


@pytest.mark.parametrize("every", [1, 2, 3, 10])
def test_every_nth_update_solves_and_the_others_use_the_average(every: int) -> None:
    weighting = MinNormWeighting(every=every)
    state = weighting.init(K, 100)
    for n in range(12):
        before = state["alpha"]
        weights, state, solved = update(weighting, state, gradients(n))
        assert solved == (n % every == 0)
        assert int(weighting.report(state)["solved"]) == int(solved)
        if not solved:
            assert torch.equal(weights, before.to(weights))
            assert torch.equal(state["alpha"], before)
    assert int(state["updates"]) == 12


@pytest.mark.parametrize("average", [0.0, 0.3, 0.7, 0.99])
def test_the_average_starts_uniform_and_has_a_closed_form(average: float) -> None:
    weighting = MinNormWeighting(every=1, average=average)
    state = weighting.init(K, 100)
    torch.testing.assert_close(state["alpha"], torch.full((K,), 1 / K, dtype=WIDE))
    for n in range(6):
        _, state, _ = update(weighting, state, gradients(n))
    solutions = [solution(gradients(n)) for n in range(6)]
    expected = average**6 / K + (1 - average) * sum(
        (average ** (5 - n) * alpha for n, alpha in enumerate(solutions)), torch.zeros(K, dtype=WIDE)
    )
    torch.testing.assert_close(state["alpha"], expected, rtol=1e-12, atol=1e-14)
    assert_on_simplex(state["alpha"][None], K, 1e-12)
    if average == 0:
        assert torch.equal(state["alpha"], solutions[-1])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_solve_descends_along_the_unit_gradients_min_norm_point_times_the_mean_length(seed: int, k: int) -> None:
    rows = gradients(seed, k)
    norms = rows.norm(dim=1)
    weights, _ = MinNormWeighting().solve(gramian(rows), MinNormWeighting().init(k, 10))
    alpha = solution(rows)
    torch.testing.assert_close(weights, alpha * norms.mean() / norms, rtol=1e-10, atol=0)
    found = weights @ rows
    units = rows / norms[:, None]
    direction = alpha @ units
    torch.testing.assert_close(found, direction * norms.mean(), rtol=1e-9, atol=1e-12)
    assert float(found.norm()) == pytest.approx(float(direction.norm() * norms.mean()), rel=1e-10)
    cosines = torch.nn.functional.cosine_similarity(rows, found[None], dim=1)
    assert float(cosines.min()) >= float(direction.norm()) - 1e-9, "no conflict with any objective"
    torch.testing.assert_close(cosines[alpha > 0], direction.norm().expand(int((alpha > 0).sum())), rtol=1e-8, atol=0)


@pytest.mark.parametrize("seed", range(3))
def test_without_normalization_the_shortest_gradient_rules(seed: int) -> None:
    rows = gradients(seed)
    weighting = MinNormWeighting(normalize="none")
    weights, state = weighting.solve(gramian(rows), weighting.init(K, 10))
    torch.testing.assert_close(weights, min_norm_weights(gramian(rows)), rtol=1e-12, atol=0)
    assert int(weights.argmax()) == int(rows.norm(dim=1).argmin())
    torch.testing.assert_close(state["alpha"], 0.7 / K + 0.3 * weights, rtol=1e-12, atol=0)


def test_lengths_do_not_matter_to_alpha() -> None:
    rows = gradients(3)
    scaled = rows * torch.tensor([1e-3, 1.0, 50.0, 1e4], dtype=WIDE)[:, None]
    weighting = MinNormWeighting()
    one, other = (weighting.solve(gramian(r), weighting.init(K, 10))[1]["alpha"] for r in (rows, scaled))
    torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("normalize", ["unit", "none"])
def test_objectives_without_a_gradient_keep_their_average_and_the_others_share_the_rest(normalize: Any) -> None:
    weighting = MinNormWeighting(every=1, average=0.5, normalize=normalize)
    _, state, _ = update(weighting, weighting.init(K, 10), gradients(0))
    before, rows = state["alpha"], gradients(1)
    rows[1] = 0
    weights, after, _ = update(weighting, state, rows)
    assert float(weights[1]) == 0
    assert float(after["alpha"][1]) == pytest.approx(float(before[1]), rel=1e-12)
    present = [0, 2, 3]
    inner = gramian(rows[present])
    alone = min_norm_weights(cosine_matrix(inner) if normalize == "unit" else inner)
    expected = 0.5 * before[present] + 0.5 * alone * (1 - before[1])
    torch.testing.assert_close(after["alpha"][present], expected, rtol=1e-10, atol=0)
    assert_on_simplex(after["alpha"][None], K, 1e-12)
    if normalize == "unit":
        norms = rows[present].norm(dim=1)
        torch.testing.assert_close(weights[present], alone * norms.mean() / norms, rtol=1e-10, atol=0)


def test_no_gradient_at_all_moves_nothing() -> None:
    weighting = MinNormWeighting(every=1)
    _, state, _ = update(weighting, weighting.init(K, 10), gradients(0))
    weights, after, _ = update(weighting, state, torch.zeros(K, 9, dtype=WIDE))
    assert bool(weights.isfinite().all())
    torch.testing.assert_close(after["alpha"], state["alpha"], rtol=1e-12, atol=0)
    assert float(after["gap"]) == 0


def test_only_amortized_updates_with_a_clipped_advantage_fall_back() -> None:
    weighting = MinNormWeighting(every=3, uniform_end=0.25)
    state = weighting.init(K, 12)
    counted = []
    for n, clipped in enumerate([0.5, 0.0, 0.1, 0.5, 0.2, 0.0, 0.0, 0.3, 0.3, 0.9, 0.9, 0.9]):
        _, state, solved = update(weighting, state, gradients(n), clipped)
        assert solved == (n % 3 == 0 and n < 9)
        counted.append(int(weighting.report(state)["fallbacks"]))
    # Updates 0, 3, 6 solve; 9, 10 and 11 are the uniform end.
    assert counted == [0, 0, 1, 1, 2, 2, 2, 3, 4, 4, 4, 4]


def test_an_objective_that_reports_no_clipping_never_falls_back() -> None:
    weighting = MinNormWeighting(every=2)
    state = weighting.init(K, 10)
    for _ in range(3):
        if weighting.weights(batch(), state) is None:
            _, state = weighting.solve(gramian(gradients(0)), state)
        state = weighting.after(state, {})
    assert int(state["fallbacks"]) == 0


@pytest.mark.parametrize(("n_updates", "share", "start"), [(10, 0.3, 7), (100, 0.05, 95), (7, 0.5, 4), (1, 0.5, 0)])
def test_the_end_stage_has_equal_weights(n_updates: int, share: float, start: int) -> None:
    weighting = MinNormWeighting(every=1, uniform_end=share)
    state = weighting.init(K, n_updates)
    for n in range(n_updates + 2):
        weights = weighting.weights(batch(), state)
        assert (weights is not None) == (n >= start)
        if weights is None:
            _, state = weighting.solve(gramian(gradients(n)), state)
        else:
            assert weights.tolist() == [1 / K] * K
        state = weighting.after(state, {})
        assert int(weighting.report(state)["solved"]) == int(n < start)


def test_without_an_end_stage_there_is_none() -> None:
    weighting = MinNormWeighting(every=1)
    state = weighting.init(K, 3)
    for n in range(9):
        _, state, solved = update(weighting, state, gradients(n))
        assert solved


def test_one_objective_has_weight_one() -> None:
    weighting = MinNormWeighting(every=2)
    weighting.validate(1)
    state = weighting.init(1, 10)
    for n in range(4):
        weights, state, _ = update(weighting, state, gradients(n, 1))
        assert weights.tolist() == pytest.approx([1.0], rel=1e-12)
        assert state["alpha"].tolist() == pytest.approx([1.0], rel=1e-12)


def test_the_state_survives_a_round_trip_through_tensors() -> None:
    weighting = MinNormWeighting(every=3, uniform_end=0.2)
    state = weighting.init(K, 10)
    for n in range(4):
        _, state, _ = update(weighting, state, gradients(n), 0.1)
    assert set(state) == set(weighting.init(K, 10))
    assert all(isinstance(value, Tensor) for value in state.values())
    again: State = {name: value.clone() for name, value in state.items()}
    for n in range(4, 10):
        one, state, _ = update(weighting, state, gradients(n), 0.1)
        other, again, _ = update(weighting, again, gradients(n), 0.1)
        assert torch.equal(one, other)
    assert all(torch.equal(again[name], value) for name, value in state.items())


def test_what_is_reported() -> None:
    weighting = MinNormWeighting()
    weights, state = weighting.solve(gramian(gradients(0)), weighting.init(K, 10))
    report = weighting.report(weighting.after(state, {}))
    assert set(report) == {"alpha", "solved", "solver_gap", "fallbacks"}
    assert report["alpha"].shape == (K,)
    assert all(value.ndim == 0 for name, value in report.items() if name != "alpha")
    assert 0 <= float(report["solver_gap"]) <= 1e-12
    assert weights.shape == (K,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"every": 0}, "every must be >= 1, found 0"),
        ({"average": 1.0}, "average must be in"),
        ({"average": -0.1}, "average must be in"),
        ({"average": math.nan}, "average must be in"),
        ({"normalize": "l2"}, "normalize must be unit or none, found 'l2'"),
        ({"uniform_end": 1.0}, "uniform_end must be in"),
        ({"uniform_end": -0.5}, "uniform_end must be in"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MinNormWeighting(**changes)


def test_the_defaults_are_those_of_the_paper() -> None:
    assert MinNormWeighting() == MinNormWeighting(every=10, average=0.7, normalize="unit", uniform_end=0.0)
    assert_frozen(MinNormWeighting())
