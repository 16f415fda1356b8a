"""Every picture of a report has words of its own."""

import pytest

from analysis.report.captions import KINDS, caption_of


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_known_alone_and_with_a_benchmark(kind: str) -> None:
    title, text = KINDS[kind]
    assert (caption_of(kind).title, caption_of(kind).text) == (title, text)
    assert caption_of(f"{kind}-plain-vs-colourful").alt == f"{title}: plain-vs-colourful. {text}"


def test_unknown_pictures_keep_their_name() -> None:
    assert caption_of("frontsight-x").alt == "Frontsight x."
