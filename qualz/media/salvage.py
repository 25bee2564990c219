"""Takes a damaged part as far as it can be written anew, and says what that costs.

Damage inside packets or clocks that go back make ffmpeg drop or move things, each version in its
own way. That is acceptable for a part that is damaged, never for one that is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qualz.media.decoding import complaints_about_part
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.normalise import Piece, as_written
from qualz.media.plan import Step
from qualz.media.track import Track

SAME = 0.005  # seconds by which a container may round a time


def salvage(piece: Piece, ffmpeg: FFmpeg, on_progress: Callable[[float], None]) -> Piece:
    """The piece, expected to stay as it was written if its part is damaged, with notes.

    Raises `CannotMerge` if nothing was written.
    """
    written = as_written(piece.step, piece.path, piece.formats, on_progress)
    notes = [
        note
        for track, origin, made in zip(piece.tracks, piece.origins, written.tracks, strict=False)
        if (note := _difference(track, origin, made))
    ]
    if len(written.tracks) != len(piece.tracks) or not notes:
        return piece
    if not is_damaged(piece.step, ffmpeg, on_progress):
        return piece
    return replace(
        piece,
        duration=written.end,
        tracks=written.tracks,
        origins=(0.0,) * len(written.tracks),
        notes=tuple(notes),
    )


def _difference(track: Track, origin: float, made: Track) -> str | None:
    things = "pictures" if track.kind == "video" else "packets of sound"
    if made.packets < track.packets:
        return f"{track.packets - made.packets} damaged {things} are left out"
    if made.digest != track.digest:
        return f"damaged {things} were changed"
    times = zip(track.times, made.times, strict=True)
    if any(abs(recorded - origin - time) > SAME for recorded, time in times):
        return f"the times of some {things} went back and were put right"
    return None


def is_damaged(step: Step, ffmpeg: FFmpeg, on_progress: Callable[[float], None]) -> bool:
    """Whether a part is at odds with itself before anything was done to it."""
    if any(track.corrupt or not track.monotonic for track in step.probe.tracks):
        return True
    try:
        return bool(complaints_about_part(step, ffmpeg, on_progress))
    except Failed:
        return True
