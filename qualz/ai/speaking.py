"""Speaking: text to speech, whatever engine does it.

A voice is given what the moderator says and answers with its sound. It may fail at any time: the
text is on the screen, and another voice, the browser's own at last, may read it.
"""

from __future__ import annotations

from typing import Protocol

# The longest utterance that is given to a voice: what services take at once.
LONGEST = 4000  # signs


class CannotSpeak(Exception):
    """There is no sound, for a `reason` that is short and holds nothing of what was to be said."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Voice(Protocol):
    @property
    def name(self) -> str:
        """Engine, model and voice: two of one name say the same text alike."""

    def knows(self, language: str) -> bool:
        """Whether it can be asked for that language at all; a code such as “en” or “pt-BR”."""

    def say(self, text: str, *, language: str) -> bytes:
        """A sound file of the text: WAV, MP3, Ogg or FLAC. Blocks. Raises `CannotSpeak`."""
