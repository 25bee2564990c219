"""A trial: whether a service hears, found out by having it hear a sentence that is known."""

from __future__ import annotations

import time
import wave
from dataclasses import dataclass
from pathlib import Path

from qualz.ai.endpoint import Endpoint, EndpointError
from qualz.ai.hearing import CannotHear, Heard
from qualz.ai.transcription import FORMS, Transcription
from qualz.media.speech import RATE

# Spoken by flite's voice kal16, in the form that all listeners get.
SAMPLE = Path(__file__).parent / "samples" / "hearing.wav"
SENTENCE = "I usually type a few words into the search box, and then I look at the first results."
# After so many seconds the moderator no longer waits for words: `hearing.PATIENCE`.
QUICK = 1.0
MODELS_WITHIN = 6.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class HearingTrial:
    """What came of it: `text` and how many `timed_words` after `seconds`, in the form of that
    place in `FORMS`; else a `reason`, and the `models` that the service offers."""

    form: int = 0
    text: str = ""
    timed_words: int = 0
    seconds: float = 0.0
    reason: str = ""
    models: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        return bool(self.text)

    @property
    def is_quick(self) -> bool:
        return self.seconds <= QUICK

    @property
    def form_name(self) -> str:
        return str(FORMS[self.form]["response_format"])

    @property
    def sentence(self) -> str:
        """What was said to it."""
        return SENTENCE


def run(endpoint: Endpoint) -> HearingTrial:
    """Have it hear the sentence twice: the first time a server may have to load its model, and it
    is found out in which form it answers. Never raises."""
    listener = Transcription(endpoint)
    try:
        _listen(listener)
        heard, seconds = _listen(listener)
    except CannotHear as cause:
        return HearingTrial(reason=cause.reason, models=tuple(_models(endpoint)[:20]))
    return HearingTrial(
        form=listener.form, text=heard.text, timed_words=len(heard.words), seconds=seconds
    )


def _listen(listener: Transcription) -> tuple[Heard, float]:
    began = time.monotonic()
    heard = listener.hear(sample(), language="en")
    return heard, time.monotonic() - began


def sample() -> bytes:
    """The sentence as plain sound."""
    with wave.open(str(SAMPLE)) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)  # nosec B101 # tells the type checker what is so
        sound: bytes = file.readframes(file.getnframes())
    return sound


def _models(endpoint: Endpoint) -> list[str]:
    """What it offers instead, where it says so: most mistakes are in a model's name."""
    try:
        return endpoint.models(within=MODELS_WITHIN)
    except EndpointError:
        return []
