"""Plain prompts: distinct, the same everywhere, and split by subject and place."""

from collections.abc import Callable

import pytest

from benchmarks.tasks.scene_prompts import MOTIONS, PLACES, SUBJECTS, pictures, videos

kinds = pytest.mark.parametrize("kind", [pictures, videos])


def pair(prompt: str) -> tuple[str, str]:
    subject = next(s for s in SUBJECTS if prompt.startswith(f"{s} "))
    return subject, next(p for p in PLACES if p in prompt.removeprefix(subject))


@kinds
def test_training_and_test_share_no_pair_of_subject_and_place(kind: Callable[..., tuple[str, ...]]) -> None:
    training, test = kind(1000, test=False), kind(100, test=True)
    assert len(set(training)) == 1000
    assert len(set(test)) == 100
    assert not {pair(prompt) for prompt in training} & {pair(prompt) for prompt in test}


@kinds
def test_all_there_are_can_be_had_and_no_more(kind: Callable[..., tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match=r"n must be at most (\d+)") as refused:
        kind(10**6, test=True)
    most = int(str(refused.value).split("most ")[1].split(",")[0])
    assert (
        len({pair(prompt) for prompt in kind(most, test=True)}) * (most // len({*map(pair, kind(most, test=True))}))
        == most
    )


def test_videos_ask_for_motion() -> None:
    assert all(any(f" {motion} " in prompt for motion in MOTIONS) for prompt in videos(200, test=False))
    assert not any(f" {motion} " in prompt for prompt in pictures(200, test=False) for motion in MOTIONS)
