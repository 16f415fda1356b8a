"""What can go wrong with a reward that lives elsewhere; the text of each is `expected ..., found ...`, one line."""

from __future__ import annotations


class TemporaryError(Exception):
    """Another try may help: no server, no answer in time, an answer of status 5xx, a worker that died."""


class PermanentError(Exception):
    """Another try cannot help: the request is refused, or another reward answers."""


def one_line(text: str, most: int = 160) -> str:
    r"""Return a text as one line of at most `most` characters, for use in an error.

    Example:
        >>> one_line("a\n  b"), one_line("too long a text", most=8)
        ('a b', 'too lon…')
    """
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
