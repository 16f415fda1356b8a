"""What tests ask of figures for print."""

import re
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

POINTS = 72.0


def page_size(pdf: bytes) -> tuple[float, float]:
    """Return width and height of a PDF's only page [inches]."""
    (box,) = re.findall(rb"/MediaBox \[ ?([^\]]*?) ?\]", pdf)
    left, bottom, right, top = map(float, box.split())
    assert (left, bottom) == (0.0, 0.0)
    return right / POINTS, top / POINTS


def visible_texts(figure: Figure) -> list[Text]:
    """Return all texts of a laid out figure that show something."""
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def beyond(figure: Figure) -> float:
    """Return how far anything of a laid out figure reaches beyond its edges [inches], at most 0 if nothing does."""
    canvas = FigureCanvasAgg(figure)
    renderer: Any = canvas.get_renderer()  # type: ignore[no-untyped-call]
    drawn = figure.get_tightbbox(renderer)
    width, height = figure.get_size_inches()
    return float(max(-drawn.x0, -drawn.y0, drawn.x1 - width, drawn.y1 - height))


def overlap(one: Bbox, other: Bbox) -> float:
    """Return the area that two boxes share [square pixels]."""
    shared = Bbox.intersection(one, other)
    return 0.0 if shared is None else float(np.prod(shared.size))
