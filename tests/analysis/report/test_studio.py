"""Drawing with helpers: the same pictures, in the same order, and errors are not lost."""

import pickle
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from analysis.report.depth_page import depth_of
from analysis.report.drawings import drawings_of
from analysis.report.picture_page import exhibitions_of
from analysis.report.studio import Drawing, Studio
from tests.support.pages import full_summary


def line(height: float) -> Figure | None:
    """Draw one line, nothing at height 0."""
    if height == 0.0:
        return None
    if height < 0.0:
        raise ValueError(f"expected a height, found {height}")
    figure = Figure(figsize=(2.0, 1.5))
    figure.subplots().plot([0.0, height])
    return figure


def drawings(*heights: float) -> dict[str, Drawing]:
    return {f"at {height}": partial(line, height) for height in heights}


def test_helpers_change_neither_bytes_nor_order() -> None:
    heights = (3.0, 0.0, 1.0, 2.0, 5.0, 4.0)
    with Studio() as alone, Studio(helpers=1) as helped:
        expected, found = alone.draw(drawings(*heights)), helped.draw(drawings(*heights))
    assert list(expected) == ["at 3.0", "at 1.0", "at 2.0", "at 5.0", "at 4.0"]
    assert found == expected
    assert list(found) == list(expected)
    assert all(png.startswith(b"\x89PNG") for png in found.values())
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("helpers", [0, 1])
def test_an_error_of_a_drawing_is_raised(helpers: int) -> None:
    with Studio(helpers) as studio, pytest.raises(ValueError, match=r"expected a height, found -1\.0"):
        studio.draw(drawings(1.0, 2.0, -1.0, 3.0))


class DyingPool:
    """A helper that takes so many drawings, begins one and dies over it, and takes none from then on."""

    def __init__(self, taken: int) -> None:
        self.left = taken

    def submit(self, draw: Callable[..., bytes | None], *arguments: object) -> "Future[bytes | None]":
        del draw, arguments
        if self.left == 0:
            raise BrokenProcessPool("a process was terminated")
        self.left -= 1
        begun: Future[bytes | None] = Future()
        begun.set_running_or_notify_cancel()
        begun.set_exception(BrokenProcessPool("a process was terminated"))
        return begun

    def shutdown(self, cancel_futures: bool) -> None:
        del cancel_futures


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_what_a_dead_helper_left_is_drawn_here(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = drawings(1.0, 2.0, 3.0)
    with Studio() as alone, Studio() as helped:
        expected = alone.draw(wanted)
        monkeypatch.setattr(helped, "_pool", DyingPool(taken))
        assert helped.draw(wanted) == expected
        assert helped.draw(wanted) == expected


def test_all_drawings_of_a_report_can_be_sent(tmp_path: Path) -> None:
    summary = full_summary(tmp_path)
    sent = drawings_of(summary, None, exhibitions_of(summary), depth_of(summary))
    assert {name.partition("-")[0] for name in sent} >= {"overview", "fronts", "hacking", "grid", "gradients"}
    for draw in sent.values():
        assert pickle.loads(pickle.dumps(draw)).func is draw.func  # type: ignore[attr-defined]
