"""Drawing with helpers: the same pictures, in the same order, and errors are not lost."""

from functools import partial

import pytest
from matplotlib.figure import Figure

from analysis.report.studio import Drawing, Studio


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
