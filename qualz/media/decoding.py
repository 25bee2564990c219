"""What a decoder says about a file; silence is the answer that is hoped for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import FFmpeg
from qualz.media.normalise import Piece
from qualz.media.plan import Step
from qualz.media.track import Track

WHOLE = 600.0  # seconds up to which everything is decoded
WINDOW = 2.0  # seconds on either side of a join that are decoded in longer files

# Frames a millisecond apart fall together on the null muxer's coarser clock. Packets are checked
# for order one by one, so this says nothing new.
_HARMLESS = re.compile(r"non monotonically increasing dts to muxer|Last message repeated")


def decoded_seconds(seconds: float, parts: int) -> float:
    """How much of a Full Session is decoded to verify it."""
    return seconds if seconds <= WHOLE else 2 * WINDOW * (parts + 1)


def complaints_about_session(
    path: Path,
    pieces: Sequence[Piece],
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> list[str]:
    """Decode the whole file, or what surrounds the joins of a long one.

    Raises `ffmpeg.Failed` if that cannot even be tried.
    """
    total = sum(piece.duration for piece in pieces)
    tracks = pieces[0].tracks
    if total <= WHOLE:
        return _complaints(process.upload(path), tracks, total, ffmpeg, on_progress)
    found: list[str] = []
    starts = list(_window_starts(pieces))
    for number, start in enumerate(starts):
        window = process.upload(path, ss=f"{start:.3f}", t=2 * WINDOW)
        done = partial(_report, on_progress, number / len(starts))
        found += _complaints(window, tracks, 2 * WINDOW, ffmpeg, done)
    return found


def complaints_about_piece(
    piece: Piece, ffmpeg: FFmpeg, on_progress: Callable[[float], None]
) -> list[str]:
    alone = process.source(piece.path, formats=piece.formats)
    return _complaints(alone, piece.tracks, piece.duration, ffmpeg, on_progress)


def complaints_about_part(
    step: Step, ffmpeg: FFmpeg, on_progress: Callable[[float], None]
) -> list[str]:
    """As the browser recorded it, before anything was done to it."""
    original = process.upload(step.source.path)
    return _complaints(original, step.probe.tracks, step.probe.duration, ffmpeg, on_progress)


def _complaints(
    source: Any,
    tracks: Sequence[Track],
    seconds: float,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> list[str]:
    """What decoding the tracks of an input makes ffmpeg say at level error."""
    streams = [source[f"{track.kind[0]}:0"] for track in tracks]
    command = builder.output(*streams, "-", format="null", fps_mode="passthrough", max_error_rate=1)
    lines = ffmpeg.run(
        command, expected_seconds=seconds, on_progress=on_progress, verbosity="error"
    )
    return [line for line in lines if not _HARMLESS.search(line)]


def _report(on_progress: Callable[[float], None], done: float, _: float) -> None:
    on_progress(done)


def _window_starts(pieces: Sequence[Piece]) -> Iterator[float]:
    start = 0.0
    for piece in pieces:
        yield max(0.0, start - WINDOW)
        start += piece.duration
    yield max(0.0, start - 2 * WINDOW)
