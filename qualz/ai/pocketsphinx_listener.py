"""The embedded listener: pocketsphinx, English only, its model inside the wheel, no network.

It mishears much of what is said freely or in a noisy room, so its text is a draft.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qualz.ai.hearing import (
    CannotHear,
    Heard,
    Listener,
    Word,
    primary,
    seconds_of,
    tidied,
)
from qualz.ai.voice import is_spoken
from qualz.media.speech import BYTES_PER_SECOND, RATE

if TYPE_CHECKING:
    from pocketsphinx import Decoder

# Frames a second of what it finds.
_FRAMES = 100
# Fewer guesses kept open at a time: two fifths less work for the same errors.
_IN_HASTE = {"maxhmmpf": 3000, "maxwpf": 10, "pl_window": 5}
# The means of its features with which it begins, as its model has them.
_ANY_ROOM = "40,3,-1"
# It is fed by pieces, between which other threads get their turn.
_PIECE = BYTES_PER_SECOND // 4


class PocketsphinxListener(Listener):
    """One decoder for a process, used by one thread at a time. Loading it takes half a second and
    90 MB."""

    name = "pocketsphinx"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decoder: Decoder | None = None

    @staticmethod
    def is_installed() -> bool:
        return importlib.util.find_spec("pocketsphinx") is not None

    def knows(self, language: str) -> bool:
        return primary(language) == "en"

    def warm_up(self) -> None:
        """Load it now, so that nobody waits for that. Raises `CannotHear`."""
        with self._lock:
            self._load()

    def hear(self, sound: bytes, *, language: str) -> Heard:
        with self._lock:
            decoder = self._load()
            if not is_spoken(sound):
                return Heard(text="", engine=self.name, is_draft=True)
            # It gets used to a voice and a room; the next one is another.
            decoder.set_cmn(_ANY_ROOM)
            decoder.start_utt()
            try:
                for start in range(0, len(sound), _PIECE):
                    decoder.process_raw(sound[start : start + _PIECE])
            finally:
                decoder.end_utt()
            words = tidied(_words(decoder), seconds_of(sound))
        text = " ".join(word.text for word in words)
        return Heard(text=text, words=words, engine=self.name, is_draft=True)

    def _load(self) -> Decoder:
        if self._decoder is None:
            try:
                from pocketsphinx import Decoder

                self._decoder = Decoder(samprate=RATE, loglevel="FATAL", **_IN_HASTE)
            except (ImportError, OSError, RuntimeError):
                raise CannotHear("pocketsphinx cannot be loaded") from None
        return self._decoder


def _words(decoder: Decoder) -> Iterator[Word]:
    for found in decoder.seg() or ():
        # “the(2)” is another way to say “the”; <sil> and [NOISE] are no words.
        text = found.word.split("(")[0]
        if text and text[0] not in "<[":
            yield Word(
                text=text,
                start=found.start_frame / _FRAMES,
                end=(found.end_frame + 1) / _FRAMES,
                confidence=found.prob,
            )
