"""Masks: a text in which some words are covered, and no letter moves from its place.

So whatever counts characters goes on counting, and whoever forgets that a text may be covered
shows blocks, never the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

BLOCK = "█"
BLOCKS = re.compile(f"{BLOCK}+")
# What is read aloud, searched and written into files.
REDACTED = "[redacted]"


def masked(text: str, spans: Iterable[tuple[int, str]]) -> str:
    """The text with words covered, each given by where it stood and how it read.

    Where they are not there any more, for it was heard anew, all of it is covered: the same words
    elsewhere may not be those that were meant.
    """
    covered = text
    for start, quote in spans:
        if start < 0 or text[start : start + len(quote)] != quote:
            return BLOCK * len(text)
        covered = covered[:start] + BLOCK * len(quote) + covered[start + len(quote) :]
    return covered


def plain(text: str) -> str:
    """With a word in place of each run of blocks, which says nothing of its length."""
    return BLOCKS.sub(REDACTED, text)


def found(text: str, quote: str, start: int) -> int | None:
    """Where the quote stands: where it stood, else at the place nearest to that."""
    if start >= 0 and text[start : start + len(quote)] == quote:
        return start
    places, at = [], text.find(quote)
    while at >= 0:
        places.append(at)
        at = text.find(quote, at + 1)
    return min(places, key=lambda place: abs(place - start), default=None)
