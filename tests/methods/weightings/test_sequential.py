import pytest
import torch

from methods.weightings.sequential import SequentialWeighting
from tests.methods.stubs import make_batch
from tests.support.properties import assert_frozen, unchanged


def stages(weighting: SequentialWeighting, k: int, n_updates: int, taken: int | None = None) -> list[int]:
    """The objective that has the weight at each update."""
    state, found = weighting.init(k, n_updates), []
    for _ in range(n_updates if taken is None else taken):
        batch = make_batch(torch.zeros(4, k))
        with unchanged(state, batch):
            weights = weighting.weights(batch, state)
            solved, same = weighting.solve(torch.eye(k), state)
        assert sorted(weights.tolist()) == [0.0] * (k - 1) + [1.0]
        assert weights.dtype == batch.rewards.dtype
        assert solved.tolist() == weights.tolist()
        assert same == state
        found.append(int(weights.argmax()))
        state = weighting.after(state, {})
    return found


@pytest.mark.parametrize(
    ("k", "n_updates", "expected"),
    [
        (1, 3, [0, 0, 0]),
        (2, 6, [0, 0, 0, 1, 1, 1]),
        (2, 5, [0, 0, 0, 1, 1]),
        (3, 6, [0, 0, 1, 1, 2, 2]),
        (3, 7, [0, 0, 0, 1, 1, 2, 2]),
        (3, 2, [0, 1]),
        (2, 1, [0]),
    ],
)
def test_stages_share_the_training_evenly(k: int, n_updates: int, expected: list[int]) -> None:
    assert stages(SequentialWeighting(), k, n_updates) == expected


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("n_updates", [10, 31, 97])
def test_no_stage_is_longer_than_another_by_more_than_one(k: int, n_updates: int) -> None:
    found = stages(SequentialWeighting(), k, n_updates)
    assert found == sorted(found)
    counts = [found.count(j) for j in range(k)]
    assert max(counts) - min(counts) <= 1


def test_an_order_may_repeat_or_leave_out_objectives() -> None:
    assert stages(SequentialWeighting((2, 0)), 3, 4) == [2, 2, 0, 0]
    assert stages(SequentialWeighting((1, 0, 1)), 2, 6) == [1, 1, 0, 0, 1, 1]


def test_the_last_stage_goes_on_if_training_does() -> None:
    assert stages(SequentialWeighting(), 2, 4, taken=7) == [0, 0, 1, 1, 1, 1, 1]
    assert stages(SequentialWeighting(), 2, 0, taken=2) == [0, 1]


@pytest.mark.parametrize("order", [(), (3,), (-1,), (0, 1, 5)])
def test_an_order_of_other_objectives_is_refused(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"order must list objectives in 0\.\.2, found"):
        SequentialWeighting(order).validate(3)
    SequentialWeighting((2, 1)).validate(3)
    SequentialWeighting().validate(1)


def test_frozen() -> None:
    assert_frozen(SequentialWeighting())
