"""Where the panels of a sheet stand: rows of panels of one size."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.plots.sheets import MARGIN, Sheet


@dataclass(frozen=True)
class Grid:
    """Panels of one size in rows, filled from the upper left; all lengths in inches.

    Attributes:
        count: Number of panels.
        columns: Panels in a row, at most.
        width: Of a panel.
        height: Of a panel.
        left: Room for words left of the first panel of a row.
        apart: Room between two panels of a row.
        above: Room for words above each panel.
        below: Room for words below each panel.
        foot: Room for words below the last row besides.
        right: Room right of the last panel of a row.
    """

    count: int
    columns: int
    width: float
    height: float
    left: float
    apart: float
    above: float
    below: float
    foot: float = 0.0
    right: float = 0.0

    @property
    def shown_columns(self) -> int:
        """How many panels the longest row has."""
        return min(self.columns, self.count)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-self.count // self.columns)

    @property
    def size(self) -> tuple[float, float]:
        """Width of a sheet that holds it, with margins, and the height of its body."""
        columns = self.shown_columns
        width = 2 * MARGIN + self.left + columns * self.width + (columns - 1) * self.apart + self.right
        return width, self.rows * (self.above + self.height + self.below) + self.foot

    def place(self, sheet: Sheet, index: int) -> tuple[float, float]:
        """Return the lower left corner of a panel on a sheet whose body it fills."""
        row, column = divmod(index, self.columns)
        up = sheet.top - row * (self.above + self.height + self.below) - self.above - self.height
        return sheet.indent + MARGIN + self.left + column * (self.width + self.apart), up

    def is_left(self, index: int) -> bool:
        """Return whether a panel is the first of its row."""
        return index % self.columns == 0

    def is_lowest(self, index: int) -> bool:
        """Return whether no panel lies beneath a panel."""
        return index + self.columns >= self.count


def slots_of(groups: Sequence[int], columns: int) -> list[int]:
    """Return a slot on a grid for each panel of groups, which begin a row of their own where they do not fit one.

    Args:
        groups: Number of panels of each group.
        columns: Panels in a row.

    Example:
        >>> slots_of([3, 2, 2], 4), slots_of([5, 2], 4)
        ([0, 1, 2, 4, 5, 6, 7], [0, 1, 2, 3, 4, 5, 6])
    """
    found: list[int] = []
    free = 0
    for size in groups:
        if free % columns and size > columns - free % columns:
            free += columns - free % columns
        found += range(free, free + size)
        free += size
    return found
