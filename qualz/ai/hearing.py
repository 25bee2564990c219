"""Hearing: speech to text, whatever engine does it.

A listener is given an answer's sound and says what was said. It may fail at any time: then the
sound is still there, and the moderator goes by how long the answer took.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from qualz.media.speech import BYTES_PER_SECOND

LONGEST_WORD = 200  # signs
# Between two signs of life of whoever waits for a listener, in seconds.
BEAT = 1.0


class CannotHear(Exception):
    """Nothing was heard, for a `reason` that is short and holds nothing of what was said."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """`start` and `end` are seconds, `confidence` from 0 to 1 where the engine tells."""

    text: str
    start: float
    end: float
    confidence: float | None = None

    def as_json(self, *, after: float = 0.0) -> dict[str, Any]:
        """`after`: seconds by which all times are later on the clock that they are kept on."""
        kept = {"w": self.text, "s": round(after + self.start, 3), "e": round(after + self.end, 3)}
        return kept if self.confidence is None else kept | {"p": round(self.confidence, 3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """`engine` names what heard it; `is_draft` says that it is known to mishear a good deal."""

    text: str
    words: tuple[Word, ...] = ()
    engine: str
    is_draft: bool = False


class Listener(Protocol):
    @property
    def name(self) -> str:
        """The engine and its model, as it is kept with what was heard."""

    def knows(self, language: str) -> bool:
        """Whether it can be asked for that language at all; a code such as “en” or “pt-BR”."""

    def hear(self, sound: bytes, *, language: str) -> Heard:
        """What is said in it; an empty text for silence. Blocks. Raises `CannotHear`."""


def primary(language: str) -> str:
    """The language without its country."""
    return language.split("-")[0].casefold()


def seconds_of(sound: bytes) -> float:
    return len(sound) / BYTES_PER_SECOND


def tidied(words: Iterable[Word], seconds: float) -> tuple[Word, ...]:
    """Words in order, with times inside the sound and one after the other, whatever an engine
    says: numbers of foreign types, not a number, far beyond the end."""
    found: list[Word] = []
    earliest = 0.0
    for word in words:
        text = " ".join(word.text.split())[:LONGEST_WORD]
        start = _within(word.start, earliest, seconds)
        end = _within(word.end, start, seconds)
        if text:
            found.append(
                Word(text=text, start=start, end=end, confidence=_confidence(word.confidence))
            )
            earliest = start
    return tuple(found)


def _within(value: float, least: float, most: float) -> float:
    number = float(value)
    if math.isnan(number):
        return least
    return max(least, min(number, most))


def _confidence(value: float | None) -> float | None:
    return None if value is None else _within(value, 0.0, 1.0)


def patiently(
    work: Callable[[], Heard], *, within: float, beat: Callable[[], None] = lambda: None
) -> Heard:
    """Do work on a thread of its own, and call `beat` on this one about each second meanwhile.

    Raises what the work or `beat` raises, and `CannotHear` after `within` seconds: the thread is
    then left to itself.
    """
    done: SimpleQueue[Heard | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            done.put(work())
        except BaseException as cause:
            done.put(cause)

    until = time.monotonic() + within
    threading.Thread(target=run, daemon=True).start()
    while (left := until - time.monotonic()) > 0:
        try:
            outcome = done.get(timeout=min(BEAT, left))
        except Empty:
            beat()
            continue
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome
    raise CannotHear("took too long")
