"""Voices on this machine: flite (English, quick) and espeak-ng (a hundred languages, plain)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from threading import BoundedSemaphore

from qualz.ai.hearing import primary
from qualz.ai.speaking import CannotSpeak, Voice
from qualz.media import program
from qualz.media.program import DidNotWork
from qualz.media.sandbox import Limits

# Somebody waits for it, and it is over in a few tenths of a second.
# espeak-ng makes room for a sound card that it is not going to use, as a file of 64 MB.
LIMITS = Limits(memory=1024**3, file_size=256 * 1024**2, niceness=0)
WITHIN = 6.0  # seconds
# So many of one program run at once: others on the machine record and merge.
AT_ONCE = 2


class Flite(Voice):
    def __init__(self, binary: Path, voice: str = "slt") -> None:
        self._binary = binary
        self._voice = voice
        self._places = BoundedSemaphore(AT_ONCE)

    @property
    def name(self) -> str:
        return f"flite {self._voice}"

    def knows(self, language: str) -> bool:
        return primary(language) == "en"

    def say(self, text: str, *, language: str) -> bytes:
        asked: list[str | Path] = [self._binary, "-voice", self._voice]
        with self._places:
            return _spoken(text, asked, text_by="-f", sound_by="-o")


class EspeakNG(Voice):
    def __init__(self, binary: Path) -> None:
        self._binary = binary
        self._places = BoundedSemaphore(AT_ONCE)

    @property
    def name(self) -> str:
        return "espeak-ng"

    def knows(self, language: str) -> bool:
        return True

    def say(self, text: str, *, language: str) -> bytes:
        # A country that it does not know is no reason to be silent.
        spoken_in = language.casefold()
        try:
            return self._say(text, spoken_in)
        except CannotSpeak:
            if spoken_in == primary(language):
                raise
            return self._say(text, primary(language))

    def _say(self, text: str, voice: str) -> bytes:
        asked: list[str | Path] = [self._binary, "-v", voice, "-b", "1", "-s", "150"]
        with self._places:
            return _spoken(text, asked, text_by="-f", sound_by="-w")


def _spoken(text: str, asked: list[str | Path], *, text_by: str, sound_by: str) -> bytes:
    """What a program makes of a text. It goes by a file: arguments are seen by every user."""
    with tempfile.TemporaryDirectory(prefix="qualz-voice-") as folder:
        said, sound = Path(folder, "said.txt"), Path(folder, "sound.wav")
        said.write_text(text + "\n")
        try:
            program.run([*asked, text_by, said, sound_by, sound], within=WITHIN, limits=LIMITS)
            return sound.read_bytes()
        except DidNotWork as cause:
            raise CannotSpeak(str(cause)) from None
        except OSError:
            raise CannotSpeak("gave no sound") from None
