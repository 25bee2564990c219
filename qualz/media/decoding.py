"""What a decoder says about a file; silence is the answer that is hoped for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import FFmpeg
from qualz.media.normalise import Piece
from qualz.media.plan import Step
from qualz.media.track import Track

WHOLE = 600.0  # seconds up to which everything is decoded that was not when its part was closed
WINDOW = 2.0  # seconds on either side of a join that are decoded in longer files

# Frames a millisecond apart fall together on the null muxer's coarser clock. Packets are checked
# for order one by one, so this says nothing new.
_HARMLESS = re.compile(r"non monotonically increasing dts to muxer|Last message repeated")


def decoded_seconds(steps: Sequence[Step]) -> float:
    """How much of a Full Session is decoded to verify it."""
    return sum(length for _, length in _spans([(step, step.probe.duration) for step in steps]))


def complaints_about_session(
    path: Path,
    pieces: Sequence[Piece],
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> list[str]:
    """Decode what surrounds the joins, and of a short file all that nobody has decoded before.

    Raises `ffmpeg.Failed` if that cannot even be tried.
    """
    tracks = pieces[0].tracks
    spans = _spans([(piece.step, piece.duration) for piece in pieces])
    whole = sum(length for _, length in spans)
    found: list[str] = []
    done = 0.0
    for start, length in spans:
        span = process.upload(path, ss=f"{start:.3f}", t=f"{length + WINDOW:.3f}")
        share = partial(_report, on_progress, done / whole, length / whole)
        found += _complaints(span, tracks, length, ffmpeg, share)
        done += length
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
    return told_in_earnest(lines)


def told_in_earnest(lines: Sequence[str]) -> list[str]:
    """What ffmpeg said, without what says nothing about the file."""
    return [line for line in lines if not _HARMLESS.search(line)]


def _report(
    on_progress: Callable[[float], None], done: float, share: float, fraction: float
) -> None:
    on_progress(done + share * fraction)


def _spans(parts: Sequence[tuple[Step, float]]) -> list[tuple[float, float]]:
    """Start and length of what is decoded, in order, each second once."""
    total = sum(duration for _, duration in parts)
    wanted: list[tuple[float, float]] = [(0.0, 2 * WINDOW)]
    start = 0.0
    for step, duration in parts:
        end = start + duration
        # What is known to decode is the part as recorded, not what an encoder made of it since.
        is_clean = step.source.is_clean and not step.re_encodes
        if total <= WHOLE and not is_clean:
            wanted.append((start, end))
        wanted.append((end - WINDOW, end + WINDOW))
        start = end
    spans: list[tuple[float, float]] = []
    for begins, ends in sorted((max(0.0, a), min(total, b)) for a, b in wanted):
        if spans and begins <= spans[-1][1]:
            begins, ends = spans[-1][0], max(ends, spans.pop()[1])
        spans.append((begins, ends))
    return [(begins, ends - begins) for begins, ends in spans]
