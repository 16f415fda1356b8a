import dataclasses

import pytest
import torch
from torch import Tensor

from benchmarks.draws import KeyedDraws
from methods.samplers.loop import denoise
from methods.samplers.ode import ODE
from methods.samplers.precise import Precise
from methods.samplers.schedules import shifted_sigmas
from methods.windows import AllSteps, RandomWindow, SlidingWindow, Window
from tests.methods.stubs import normal
from tests.support.properties import assert_frozen

WINDOWS: list[Window] = [AllSteps(), RandomWindow(), SlidingWindow(), RandomWindow(3, 1.0), SlidingWindow(1, 1)]


def steps(window: Window, n_sigmas: int, ordinal: int, seed: int = 0, prompts: tuple[int, ...] = (0, 1)) -> list[int]:
    """The steps that explore in one training step."""
    noisy = window.noisy(n_sigmas, KeyedDraws(seed, prompts, ordinal))
    assert noisy.shape == (n_sigmas,)
    assert noisy.dtype == torch.bool
    return noisy.nonzero()[:, 0].tolist()


@pytest.mark.parametrize("n_sigmas", [2, 3, 10])
def test_all_steps(n_sigmas: int) -> None:
    assert steps(AllSteps(), n_sigmas, 0) == list(range(n_sigmas))
    assert AllSteps().trainable(n_sigmas) == n_sigmas - 1


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("n_sigmas", [5, 6, 10, 25])
def test_as_many_steps_before_the_last_as_promised_in_every_training_step(window: Window, n_sigmas: int) -> None:
    for ordinal in range(60):
        found = steps(window, n_sigmas, ordinal)
        assert len([step for step in found if step < n_sigmas - 1]) == window.trainable(n_sigmas)
        assert found == list(range(found[0], found[0] + len(found)))
        if not isinstance(window, AllSteps):
            assert n_sigmas - 1 not in found


@pytest.mark.parametrize(
    ("window", "n_sigmas", "starts"),
    [
        (RandomWindow(), 10, range(6)),
        (RandomWindow(), 25, range(13)),
        (RandomWindow(2, 0.0), 10, range(1)),
        (RandomWindow(2, 1.0), 10, range(8)),
        (RandomWindow(4), 6, range(2)),
        (RandomWindow(5), 6, range(1)),
    ],
    ids=str,
)
def test_a_random_window_starts_anywhere_up_to_the_share(window: Window, n_sigmas: int, starts: range) -> None:
    n = 1200
    found = torch.tensor([steps(window, n_sigmas, ordinal)[0] for ordinal in range(n)])
    counts = found.bincount(minlength=len(starts)) / n
    assert len(counts) == len(starts)
    expected = torch.full_like(counts, 1 / len(starts))
    torch.testing.assert_close(counts, expected, rtol=0, atol=4 * (0.25 / n) ** 0.5)


def test_a_random_window_depends_on_the_seed_and_the_step_but_not_on_the_prompts() -> None:
    window = RandomWindow()
    first = [steps(window, 10, ordinal) for ordinal in range(20)]
    assert first == [steps(window, 10, ordinal, prompts=(7, 3, 5)) for ordinal in range(20)]
    assert first != [steps(window, 10, ordinal, seed=1) for ordinal in range(20)]
    assert len({tuple(found) for found in first}) > 1


def test_a_sliding_window_moves_on_by_one_step_and_begins_anew() -> None:
    window = SlidingWindow(size=2, every=3)
    found = [steps(window, 5, ordinal)[0] for ordinal in range(14)]
    assert found == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 1, 1]
    published = [steps(SlidingWindow(), 25, ordinal) for ordinal in (0, 24, 25, 20 * 25 + 24, 21 * 25)]
    assert published == [[0, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3, 4], [20, 21, 22, 23], [0, 1, 2, 3]]


@pytest.mark.parametrize("window", [RandomWindow(2), SlidingWindow(2, 1)], ids=str)
def test_outside_the_window_a_rollout_is_the_ode_bit_for_bit(window: Window) -> None:
    sigmas, noise = shifted_sigmas(8, 3.0), normal(0, 5, 3)

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        return x.flip(-1) * sigma[:, None] + 0.5

    plain = denoise(velocity, ODE(), noise, sigmas, keep_path=True)
    for ordinal in range(6):
        noisy = window.noisy(8, KeyedDraws(0, [0], ordinal))
        found = denoise(velocity, Precise(), noise, sigmas, lambda i: normal(i, 5, 3), noisy=noisy, keep_path=True)
        assert found.path is not None
        assert plain.path is not None
        assert found.stds is not None
        assert torch.equal(found.stds > 0, noisy)
        start, end = int(noisy.nonzero()[0]), int(noisy.nonzero()[-1]) + 1
        assert torch.equal(found.path[: start + 1], plain.path[: start + 1])
        assert not torch.equal(found.path[start + 1], plain.path[start + 1])
        rest = denoise(velocity, ODE(), found.path[end], sigmas[end:])
        assert torch.equal(rest.clean, found.clean)


@pytest.mark.parametrize("window", [RandomWindow(size=4), SlidingWindow(size=4)], ids=str)
@pytest.mark.parametrize("n_sigmas", [1, 3, 4])
def test_a_window_that_does_not_fit_is_refused(window: Window, n_sigmas: int) -> None:
    message = f"a size of 4 needs rollouts of at least 5 steps, found {n_sigmas}"
    with pytest.raises(ValueError, match=message):
        window.trainable(n_sigmas)
    with pytest.raises(ValueError, match=message):
        window.noisy(n_sigmas, KeyedDraws(0, [0], 0))


@pytest.mark.parametrize(
    ("window", "changes", "message"),
    [
        (RandomWindow(), {"size": 0}, "size must be >= 1, found 0"),
        (RandomWindow(), {"until": -0.1}, "until"),
        (RandomWindow(), {"until": 1.1}, "until"),
        (RandomWindow(), {"until": float("nan")}, "until"),
        (SlidingWindow(), {"size": -1}, "size must be >= 1"),
        (SlidingWindow(), {"every": 0}, "every must be >= 1, found 0"),
    ],
)
def test_settings_out_of_range_are_refused(window: Window, changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(window, **changes)  # type: ignore[type-var]


@pytest.mark.parametrize("window", [RandomWindow(), SlidingWindow()], ids=str)
def test_frozen(window: Window) -> None:
    assert_frozen(window)
    assert hash(window) == hash(dataclasses.replace(window))  # type: ignore[type-var]
