"""A listener on this machine: faster-whisper, an extra (`pip install .[whisper]`), many languages.

Silence is left out before its model hears any: from silence it invents sentences.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from typing import Any

from qualz.ai.hearing import CannotHear, Heard, Listener, Word, primary, seconds_of, tidied

# A stretch is dropped where the model itself doubts that anybody speaks and guesses badly.
_NO_SPEECH, _BAD_GUESS = 0.6, -1.0


class WhisperListener(Listener):
    """`model` is a folder or a name; one by name is fetched when it is first needed."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._loaded: Any = None

    @property
    def name(self) -> str:
        return f"faster-whisper {self._model.rstrip('/').rpartition('/')[2]}"

    @staticmethod
    def is_installed() -> bool:
        return importlib.util.find_spec("faster_whisper") is not None

    def knows(self, language: str) -> bool:
        return True

    def warm_up(self) -> None:
        """Load it now, so that nobody waits for that. Raises `CannotHear`."""
        with self._lock:
            self._load()

    def hear(self, sound: bytes, *, language: str) -> Heard:
        import numpy

        samples = numpy.frombuffer(sound, dtype="<i2").astype(numpy.float32) / 32768
        with self._lock:
            model = self._load()
            try:
                segments, _ = model.transcribe(
                    samples,
                    language=primary(language),
                    vad_filter=True,
                    word_timestamps=True,
                    condition_on_previous_text=False,
                )
                kept = [one for one in segments if not _is_invented(one)]
            except (ValueError, RuntimeError):
                raise CannotHear("could not hear that language or sound") from None
        text = " ".join(" ".join(one.text for one in kept).split())
        return Heard(text=text, words=tidied(_words(kept), seconds_of(sound)), engine=self.name)

    def _load(self) -> Any:
        if self._loaded is None:
            try:
                from faster_whisper import WhisperModel

                self._loaded = WhisperModel(self._model, device="auto", compute_type="int8")
            except Exception:
                # The hub's client raises much of its own for a model that cannot be had.
                raise CannotHear(f"cannot load {self.name}") from None
        return self._loaded


def _is_invented(segment: Any) -> bool:
    return bool(segment.no_speech_prob > _NO_SPEECH and segment.avg_logprob < _BAD_GUESS)


def _words(segments: list[Any]) -> Iterator[Word]:
    for segment in segments:
        for one in segment.words or ():
            yield Word(text=one.word, start=one.start, end=one.end, confidence=one.probability)
