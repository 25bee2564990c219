"""A listener elsewhere: any OpenAI-compatible `/audio/transcriptions`.

Servers differ in what they answer: words with times, segments, or plain text; what one does not
offer is done without. Whatever else happens, nothing was heard, and one that failed again and again
is left alone for a while.
"""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from typing import Any

from qualz.ai.breaker import Breaker
from qualz.ai.endpoint import Endpoint, EndpointError
from qualz.ai.hearing import CannotHear, Heard, Listener, Word, primary, seconds_of, tidied
from qualz.ai.voice import is_spoken
from qualz.media.speech import RATE

# From what tells most to what any server knows.
FORMS: tuple[dict[str, Any], ...] = (
    {"response_format": "verbose_json", "timestamp_granularities": ["word"]},
    {"response_format": "verbose_json"},
    {"response_format": "json"},
)
# A server that has found nothing after so long has lost it, in seconds.
LONGEST = 120.0


class Transcription(Listener):
    """`form` is one of `FORMS`, by its place: the first that its server is known to take."""

    def __init__(self, endpoint: Endpoint, form: int = 0, breaker: Breaker | None = None) -> None:
        self._endpoint = endpoint
        self._breaker = breaker or Breaker()
        self.form = form if form in range(len(FORMS)) else 0

    @property
    def name(self) -> str:
        return self._endpoint.model

    def knows(self, language: str) -> bool:
        return True

    def hear(self, sound: bytes, *, language: str) -> Heard:
        seconds = seconds_of(sound)
        if not is_spoken(sound):
            return Heard(text="", engine=self.name)
        if self._breaker.is_open:
            raise CannotHear("failed several times and is left alone for five minutes")
        try:
            text, words = self._ask(sound, language, within=min(LONGEST, 15 + seconds))
        except CannotHear:
            self._breaker.failed()
            raise
        self._breaker.worked()
        return Heard(text=text, words=tidied(words, seconds), engine=self.name)

    def _ask(self, sound: bytes, language: str, *, within: float) -> tuple[str, list[Word]]:
        try:
            form, body = self._endpoint.transcribe(
                as_wav(sound), primary(language), FORMS[self.form :], within=within
            )
        except EndpointError as error:
            raise CannotHear(error.reason) from None
        # Only what was answered is remembered: a server may have been ill for the others.
        self.form += form
        return _read(body)


def as_wav(sound: bytes) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound)
    return out.getvalue()


def _read(body: bytes) -> tuple[str, list[Word]]:
    """Text and words of an answer. Raises `CannotHear` where it is none."""
    try:
        answer = json.loads(body)
    except ValueError:
        raise CannotHear("answers in a form that is not known") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
        raise CannotHear("answers in a form that is not known")
    return " ".join(answer["text"].split()), list(_words(answer.get("words")))


def _words(listed: Any) -> Iterator[Word]:
    """Words are a bonus: what is odd about them is passed over."""
    for one in listed if isinstance(listed, list) else ():
        try:
            confidence = one.get("probability")
            yield Word(
                text=str(one["word"]),
                start=float(one["start"]),
                end=float(one["end"]),
                confidence=None if confidence is None else float(confidence),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
