"""Speech: what the moderator says as sound, made once by the first voice that can, and kept.

Its files are made again whenever they are missing, so the shared ones are thrown away for room.
What quotes a participant lies in the interview's own folder and goes with it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qualz.ai.speaking import LONGEST, CannotSpeak, Voice
from qualz.interview import Interview
from qualz.media import voiced
from qualz.media.ffmpeg import Failed, FFmpeg, Stopped
from qualz.media.storage import DiskFull, Storage
from qualz.turn import Turn

log = logging.getLogger(__name__)

SHARED = "speech"
SAMPLES = f"{SHARED}/samples"
MOST_SAMPLES = 1024 * 1024  # bytes
MOST_SHARED = 64 * 1024 * 1024  # bytes
# So many are brought into form at once: others on the machine record and merge.
AT_ONCE = 2


@dataclass(frozen=True)
class Sample:
    """`voice` says who spoke, `name` its file in `SAMPLES`; None where nobody could."""

    voice: str | None
    name: str | None
    failures: list[tuple[str, str]]


class Speech:
    """One for a process. Without an ffmpeg nothing is said."""

    def __init__(
        self, storage: Storage, ffmpeg: FFmpeg | None, *, most_shared: int = MOST_SHARED
    ) -> None:
        self._storage = storage
        self._ffmpeg = ffmpeg
        self._most_shared = most_shared
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._guard = threading.Lock()
        self._under_way: dict[str, threading.Lock] = {}

    @property
    def is_possible(self) -> bool:
        return self._ffmpeg is not None

    def ahead(self, text: str, language: str, voices: Sequence[Voice], folder: str) -> None:
        """Have it made by the time that somebody asks for it."""
        if voices and self.is_possible:
            work = (text, language, voices, folder)
            threading.Thread(target=self.of, args=work, daemon=True).start()

    def of(
        self, text: str, language: str, voices: Sequence[Voice], folder: str, *, plain: bool = False
    ) -> Path | None:
        """The file of it, or None where no voice can say it now. Opus in Ogg; WAV if `plain`.

        Blocks for as long as the voices take: a few tenths of a second for a program.
        """
        for voice in voices:
            try:
                return self._by(voice, text[:LONGEST], language, folder, plain=plain)
            except CannotSpeak as cause:
                log.warning("%s does not speak: it %s", voice.name, cause.reason)
            except (Failed, Stopped, DiskFull, OSError) as cause:
                log.warning("What %s said cannot be kept: %s", voice.name, cause)
        return None

    def sample(self, text: str, language: str, voices: Sequence[Voice]) -> Sample:
        """Have it said anew by the first voice that can, to hear how it sounds; and why not by
        those before it. Blocks, as `of` does."""
        failures = []
        for voice in voices:
            name = f"{_key(voice, text, language)}.ogg"
            try:
                self._make(voice, text, language, f"{SAMPLES}/{name.removesuffix('.ogg')}")
            except CannotSpeak as cause:
                failures.append((voice.name, cause.reason))
            except (Failed, Stopped, DiskFull, OSError):
                failures.append((voice.name, "answers with what is no sound, or cannot be kept"))
            else:
                self._storage.keep_within(SAMPLES, MOST_SAMPLES)
                return Sample(voice.name, name, failures)
        return Sample(None, None, failures)

    def _by(self, voice: Voice, text: str, language: str, folder: str, *, plain: bool) -> Path:
        name = f"{folder}/{_key(voice, text, language)}"
        with self._alone(name):
            if not self._storage.use(f"{name}.ogg"):
                self._make(voice, text, language, name)
            if plain and not self._storage.use(f"{name}.wav"):
                self._make_plain(name)
        return self._storage.path(f"{name}.wav" if plain else f"{name}.ogg")

    def _make(self, voice: Voice, text: str, language: str, name: str) -> None:
        ffmpeg = self._ready
        # A service that is slow holds up nobody else.
        sound = voice.say(text, language=language)
        with self._places, self._storage.workspace("speech") as workspace:
            made = voiced.as_ogg(sound, workspace, ffmpeg=ffmpeg)
            self._storage.publish(made, f"{name}.ogg")
        if name.rpartition("/")[0] == SHARED:
            self._storage.keep_within(SHARED, self._most_shared)

    def _make_plain(self, name: str) -> None:
        with self._places, self._storage.workspace("speech") as workspace:
            ogg = self._storage.path(f"{name}.ogg")
            self._storage.publish(voiced.as_wav(ogg, workspace, ffmpeg=self._ready), f"{name}.wav")

    @property
    def _ready(self) -> FFmpeg:
        if self._ffmpeg is None:
            raise CannotSpeak("cannot be used without ffmpeg")
        return self._ffmpeg

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Who asks for what is being made waits for it."""
        with self._guard:
            lock = self._under_way.setdefault(name, threading.Lock())
        try:
            with lock:
                yield
        finally:
            with self._guard:
                if not lock.locked():
                    self._under_way.pop(name, None)


def folder_of(turn: Turn, interview: Interview) -> str:
    """Where its sound is kept: what the guide has everybody asked is shared."""
    is_everybodys = any(question.text == turn.text for question in interview.guide.questions)
    return SHARED if is_everybodys else f"{interview.recording.folder}/speech"


def _key(voice: Voice, text: str, language: str) -> str:
    return hashlib.sha256(json.dumps([voice.name, language, text]).encode()).hexdigest()[:32]
