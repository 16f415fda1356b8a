"""Many pictures at once, on several processors where that pays."""

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[[], "Figure | None"]
"""Draws one figure, None if there is nothing to show; a function of a module with its arguments, so it can be sent."""


class Studio:
    """Draws pictures, with the help of other processes if it was given any.

    Helpers load matplotlib while the caller still reads records, which is why they are hired before there is work.
    They import the caller's main module, as `multiprocessing` does: a script that hires some needs the guard
    `if __name__ == "__main__":`.
    """

    def __init__(self, helpers: int = 0) -> None:
        """Hire so many further processes."""
        self._pool = None
        if helpers > 0:
            self._pool = ProcessPoolExecutor(helpers, mp_context=multiprocessing.get_context("spawn"))
            for _ in range(helpers):
                self._pool.submit(_prepare)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the helpers go."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def draw(self, drawings: Mapping[str, Drawing]) -> dict[str, bytes]:
        """Return the pictures as PNG by name, in order, without those that show nothing.

        What a helper leaves behind that dies, for want of memory say, is drawn by this process.
        """
        handed = self._handed(drawings)
        # From the other end, what no helper has begun is drawn here.
        own = {name: _drawn(drawings[name]) for name in reversed(list(drawings)) if _free(handed.get(name))}
        found = {name: own[name] if name in own else _received(handed[name], drawings[name]) for name in drawings}
        return {name: png for name, png in found.items() if png is not None}

    def _handed(self, drawings: Mapping[str, Drawing]) -> "dict[str, Future[bytes | None]]":
        """Return what the helpers were told to draw, by name: nothing without a helper alive."""
        if self._pool is None:
            return {}
        try:
            return {name: self._pool.submit(_drawn, draw) for name, draw in drawings.items()}
        except BrokenExecutor:
            return {}


def _free(handed: "Future[bytes | None] | None") -> bool:
    return handed is None or handed.cancel()


def _received(handed: "Future[bytes | None]", draw: Drawing) -> bytes | None:
    try:
        return handed.result()
    except BrokenExecutor:
        return _drawn(draw)


def _prepare() -> None:
    import analysis.plots  # noqa: F401


def _drawn(draw: Drawing) -> bytes | None:
    # Imported here because matplotlib takes as long to load as the numbers to compute.
    from analysis.plots.style import drawing, render

    with drawing():
        figure = draw()
        return None if figure is None else render(figure)
