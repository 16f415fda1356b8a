"""A part of a report's page."""

from dataclasses import dataclass

from analysis.tables import Table


@dataclass(frozen=True)
class Section:
    """A part of a page: what to know before its tables, the tables, and what comes behind them.

    Attributes:
        heading: Its title.
        lead: Sentences before the tables.
        tables: Title, empty for none, and table.
        after: Sentences behind the tables.
        pictures: Names of the pictures behind these.
    """

    heading: str
    lead: tuple[str, ...]
    tables: tuple[tuple[str, Table], ...]
    after: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
