"""A voice's sound as browsers play it: Opus in Ogg, or plain WAV for those that know no Ogg."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import FFmpeg

# What voices may answer with.
FORMATS = "wav,mp3,ogg,flac"
LONGEST = 300.0  # seconds
OGG = {"format": "ogg", "c:a": "libopus", "b:a": "32k", "ac": 1, "application": "voip"}
WAV = {"format": "wav", "c:a": "pcm_s16le", "ac": 1, "ar": 24_000}


def as_ogg(sound: bytes, folder: Path, *, ffmpeg: FFmpeg) -> Path:
    """A file in `folder`. Raises `ffmpeg.Failed` for what is no sound, and `Stopped`."""
    raw = folder / "voice.raw"
    raw.write_bytes(sound)
    return _convert(raw, folder / "voice.ogg", OGG, ffmpeg)


def as_wav(ogg: Path, folder: Path, *, ffmpeg: FFmpeg) -> Path:
    return _convert(ogg, folder / "voice.wav", WAV, ffmpeg)


def _convert(path: Path, out: Path, form: dict[str, object], ffmpeg: FFmpeg) -> Path:
    # Somebody waits for it, and it is over in a tenth of a second.
    hurried = replace(ffmpeg, limits=replace(ffmpeg.limits, niceness=0))
    sound = process.source(path, formats=FORMATS, t=LONGEST)["a:0"]
    hurried.run(
        builder.output(sound, f"file:{out}", map_metadata=-1, **form),
        expected_seconds=10.0,
        limit=30.0,
        file_size=30_000_000,
    )
    return out
