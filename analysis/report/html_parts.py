"""The parts of index.html as its template wants them, and what of the pictures fits into the file."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.report.captions import Caption, caption_of
from analysis.report.section import Section
from analysis.tables import Table

LONG = 100
"""Rows from which on a table is folded."""
WIDE = 45
"""Characters from which on a text takes several lines."""
LIMIT = 10_000_000
"""Most bytes of the whole file."""
EXPLORER_SHARE = 6_000_000
"""Most bytes of the pictures in the explorer."""


@dataclass(frozen=True)
class PagePicture:
    """A picture with its size in pixels and its PNG in base64."""

    caption: Caption
    width: int
    height: int
    data: str


@dataclass(frozen=True)
class PageTable:
    """A table as HTML; `label` names it where it is read aloud, a `long` one is folded."""

    title: str
    label: str
    html: str
    count: int
    long: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PageSection:
    """A section; `missing` are the names of pictures that did not fit."""

    id: str
    heading: str
    lead: tuple[str, ...]
    tables: tuple[PageTable, ...]
    after: tuple[str, ...]
    pictures: tuple[PagePicture, ...]
    missing: tuple[str, ...]


def fitting(pictures: Mapping[str, bytes], room: int) -> dict[str, str]:
    """Return pictures in base64, in order, without the largest ones if all together do not fit.

    Args:
        pictures: PNG by name.
        room: Most bytes of all together.

    Example:
        >>> list(fitting({"a": b"12", "b": b"1234567", "c": b"1"}, 10))
        ['a', 'c']
    """
    texts = {name: base64.b64encode(data).decode() for name, data in pictures.items()}
    size = sum(map(len, texts.values()))
    for name in sorted(texts, key=lambda name: len(texts[name]), reverse=True):
        if size <= room:
            break
        size -= len(texts.pop(name))
    return texts


def page_sections(sections: Sequence[Section], texts: Mapping[str, str]) -> tuple[PageSection, ...]:
    """Return the sections for the template.

    Args:
        sections: What the page says, in order.
        texts: PNG in base64 by name, of the pictures that fit.
    """
    ids = identifiers([section.heading for section in sections])
    return tuple(
        PageSection(
            id=name,
            heading=section.heading,
            lead=section.lead,
            tables=tuple(_table(section.heading, title, table) for title, table in section.tables),
            after=section.after,
            pictures=tuple(_picture(one, texts[one]) for one in section.pictures if one in texts),
            missing=tuple(one for one in section.pictures if one not in texts),
        )
        for name, section in zip(ids, sections, strict=True)
    )


def _picture(name: str, text: str) -> PagePicture:
    # The head of a PNG: 8 bytes of signature, 8 of the first chunk's, width and height in 4 each.
    head = base64.b64decode(text[:32])
    width, height = (int.from_bytes(head[at : at + 4], "big") for at in (16, 20))
    return PagePicture(caption_of(name), width, height, text)


def _table(heading: str, title: str, table: Table) -> PageTable:
    label = f"{heading}: {title}" if title else heading
    html = _with_wide_cells(table.to_html())
    return PageTable(title, label, html, len(table.rows), len(table.rows) >= LONG, table.notes)


def _with_wide_cells(html: str) -> str:
    """Return a table whose long texts are marked, so that they may take several lines."""
    return re.sub(rf"<td>(?=[^<]{{{WIDE},}}</td>)", '<td class="wide">', html)


def identifiers(headings: Sequence[str]) -> list[str]:
    """Return a name for each heading that an address can hold, all different and none of the page's own.

    Example:
        >>> identifiers(["Single models", "Single models", "<b>"])
        ['part-single-models', 'part-single-models-2', 'part-b']
    """
    names: list[str] = []
    for heading in headings:
        plain = "part-" + (re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") or "section")
        number = 1
        name = plain
        while name in names:
            number += 1
            name = f"{plain}-{number}"
        names.append(name)
    return names
