"""One picture that stands for a recording until it is played."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import FFmpeg

# Cameras need a moment to find the light; then the fairest of some pictures is taken.
_AFTER, _AMONG = 1.5, 40
_WIDTH = 640


def poster(
    path: Path,
    seconds: float,
    out: Path,
    *,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> None:
    """Write a JPEG of a file's picture to `out`. Raises `ffmpeg.Failed` where none can be made."""
    picture = process.upload(path, ss=f"{min(_AFTER, seconds / 2):.3f}")["v:0"]
    fairest = picture.filter("thumbnail", _AMONG).filter("scale", f"min({_WIDTH},iw)", -2)
    options = {"format": "image2", "frames:v": 1, "c:v": "mjpeg", "q:v": 4, "update": 1}
    options |= {"pix_fmt": "yuvj420p", "strict": "unofficial"}
    ffmpeg.run(builder.output(fairest, f"file:{out}", **options), on_progress=on_progress)
