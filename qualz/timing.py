"""Timing: when each word of what a turn reads is heard.

Engines tell the times of the words that they heard. Where a researcher has made other words of
them, those that both have keep their times, and the others share the time in between.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, TypeAlias

from qualz.search import words_of
from qualz.turn import Turn

# Whether it is the same in both, and from and to which word of what was heard and of what is shown.
Stretch: TypeAlias = tuple[bool, int, int, int, int]
WORD = re.compile(r"\S+")
# So many words times so many are compared exactly, which takes some hundredths of a second; where
# more differ between two words that both texts have once, they share the time in between.
MOST_COMPARED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A word from and to which character of the text, and from and to which second of the part."""

    start: int
    end: int
    begins: float
    ends: float


def timed_words(turn: Turn) -> list[Timed]:
    """All words of what it reads, in order; none where nobody knows when it begins and ends."""
    shown = [found.span() for found in WORD.finditer(turn.original_words)]
    if turn.begins_ms is None or turn.ends_ms is None or not shown:
        return []
    heard = turn.heard.words if turn.heard else []
    span = (turn.begins_ms / 1000, turn.ends_ms / 1000)
    if not heard:
        return evenly(turn.original_words, *span)
    return list(_aligned(turn.original_words, shown, heard, *span))


def times_of(turn: Turn) -> str:
    """`start:seconds` for each word of a spoken answer, the seconds counted from its beginning; see
    word_times.js. Nothing where no engine told when its words are."""
    if turn.heard is None or not turn.heard.words:
        return ""
    begins = (turn.begins_ms or 0) / 1000
    return " ".join(f"{one.start}:{one.begins - begins:.1f}" for one in timed_words(turn))


def span_of(turn: Turn, start: int, end: int) -> tuple[float, float] | None:
    """Seconds of the part in which those characters are heard: by their words where these have
    times, else all of the turn; None where it has no place in a part."""
    if turn.part is None or turn.begins_ms is None:
        return None
    within = [one for one in timed_words(turn) if one.start < end and one.end > start]
    if within:
        return min(one.begins for one in within), max(one.ends for one in within)
    return (turn.begins_ms / 1000, turn.ends_ms / 1000) if turn.ends_ms is not None else None


def evenly(text: str, begins: float, ends: float) -> list[Timed]:
    """The words of a text, spread over a time of which no more is known."""
    shown = [found.span() for found in WORD.finditer(text)]
    return list(_shared(shown, begins, ends)) if shown else []


def _aligned(
    text: str,
    shown: Sequence[tuple[int, int]],
    heard: Sequence[dict[str, Any]],
    begins: float,
    ends: float,
) -> Iterator[Timed]:
    if [text[start:end] for start, end in shown] == [word["w"] for word in heard]:
        for (start, end), word in zip(shown, heard, strict=True):
            yield Timed(start=start, end=end, begins=word["s"], ends=word["e"])
        return
    ours = tuple(_key(text[start:end]) for start, end in shown)
    theirs = tuple(_key(word["w"]) for word in heard)
    at = begins
    for is_same, from_heard, to_heard, from_shown, to_shown in _compared(theirs, ours):
        if is_same:
            for (start, end), word in zip(
                shown[from_shown:to_shown], heard[from_heard:to_heard], strict=True
            ):
                at = max(at, word["e"])
                yield Timed(start=start, end=end, begins=word["s"], ends=word["e"])
        elif to_shown > from_shown:
            first = heard[from_heard]["s"] if to_heard > from_heard else at
            following = heard[to_heard]["s"] if to_heard < len(heard) else ends
            last = heard[to_heard - 1]["e"] if to_heard > from_heard else following
            yield from _shared(shown[from_shown:to_shown], first, max(first, last))
            at = max(at, last)


# What a page shows again every few seconds is compared once.
@lru_cache(maxsize=256)
def _compared(theirs: tuple[str, ...], ours: tuple[str, ...]) -> list[Stretch]:
    """Stretches that are the same in both, and those between them, in order. First by the words
    that each has once, as in Bram Cohen's patience diff, then word by word between these."""
    found: list[Stretch] = []
    at, place = 0, 0
    for anchor, its_place in [*_anchors(theirs, ours), (len(theirs), len(ours))]:
        found += _between(theirs[at:anchor], ours[place:its_place], at, place)
        if anchor < len(theirs):
            found.append((True, anchor, anchor + 1, its_place, its_place + 1))
        at, place = anchor + 1, its_place + 1
    return found


def _anchors(theirs: Sequence[str], ours: Sequence[str]) -> list[tuple[int, int]]:
    """Where the words stand that both have once, as many of them as are in the same order."""
    once = {word for word, count in Counter(ours).items() if count == 1}
    once &= {word for word, count in Counter(theirs).items() if count == 1}
    places = {word: place for place, word in enumerate(ours) if word in once}
    pairs = [(at, places[word]) for at, word in enumerate(theirs) if word in once]
    # The longest rising run of places: `ends` has the lowest place that a run of each length ends
    # at, `before` the pair that comes before each.
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [number]
    run, number = [], last[-1] if last else -1
    while number >= 0:
        run.append(pairs[number])
        number = before[number]
    return run[::-1]


def _between(theirs: Sequence[str], ours: Sequence[str], at: int, place: int) -> Iterator[Stretch]:
    if len(theirs) * len(ours) > MOST_COMPARED:
        yield False, at, at + len(theirs), place, place + len(ours)
        return
    matcher = SequenceMatcher(None, theirs, ours, autojunk=False)
    for what, begins, ends, first, last in matcher.get_opcodes():
        yield what == "equal", at + begins, at + ends, place + first, place + last


def _shared(shown: Sequence[tuple[int, int]], begins: float, ends: float) -> Iterator[Timed]:
    """Longer words take longer."""
    letters = sum(end - start for start, end in shown)
    a_letter, at = (ends - begins) / letters, begins
    for start, end in shown:
        until = at + a_letter * (end - start)
        yield Timed(start=start, end=end, begins=at, ends=until)
        at = until


def _key(word: str) -> str:
    return "".join(words_of(word)) or word
