"""Whether anybody speaks at all: listeners find words in silence too."""

from __future__ import annotations

from qualz.media.speech import RATE

# With less than this nothing was said.
LEAST = 0.15  # seconds


def is_spoken(sound: bytes) -> bool:
    """Whether there is speech in it, or what could be; where nobody can tell there is."""
    try:
        from pocketsphinx import Vad
    except (ImportError, OSError):
        return any(sound)
    detector = Vad(mode=Vad.STRICT, sample_rate=RATE)
    size = detector.frame_bytes
    starts = range(0, len(sound) - size + 1, size)
    voiced = sum(detector.is_speech(sound[start : start + size]) for start in starts)
    return bool(voiced * detector.frame_length >= LEAST)
