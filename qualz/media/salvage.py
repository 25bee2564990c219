"""Takes a damaged part as far as it goes, and says what is missing of it.

First as it is read: see `mending`. Then, where a piece does not come out as it should, as written.

Damage inside packets or clocks that go back make ffmpeg drop or move things, each version in its
own way. That is acceptable for a part that is damaged, never for one that is not.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qualz.media.decoding import complaints_about_part
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.mending import Mended, looks_damaged, mend
from qualz.media.normalise import Piece, as_written
from qualz.media.plan import Hole, Source, Step
from qualz.media.probe import Probe, Unreadable, probe
from qualz.media.track import Track

SAME = 0.005  # seconds by which a container may round a time
DAMAGED = "damaged on the way"
NEVER_CAME = "nothing of it came"
NEAR = 0.25  # seconds between damage and the silence that it leaves


def whole(
    source: Source,
    mended: Path,
    on_progress: Callable[[float], None],
    *,
    closely: bool = False,
) -> tuple[Source, Probe]:
    """A part that can be merged, and what it holds: itself, or what is whole of it in `mended`.

    `closely`: look at every packet, whether a decoder takes it. Raises `Unreadable`.
    """
    found: Probe | None = None
    try:
        found = probe(source.path, on_progress=on_progress)
    except Unreadable:
        if not source.path.is_file() or not source.path.stat().st_size:
            raise
    if found and not closely and not looks_damaged(source.path, found):
        return source, found
    try:
        result = mend(source.path, mended, closely=closely, on_beat=lambda: on_progress(0.0))
    except (ArithmeticError, LookupError, MemoryError, ValueError, struct.error) as nonsense:
        raise Unreadable("it holds numbers that make no sense") from nonsense
    if result is None:
        return source, found or probe(source.path)
    found = probe(mended, on_progress=on_progress)
    holes = tuple(_holes(result, found, source.recorded))
    notes = tuple(_notes(result, found, holes))
    return replace(source, path=mended, content=None, holes=holes, notes=notes), found


def _holes(mended: Mended, found: Probe, recorded: float | None) -> Iterator[Hole]:
    """What was recorded and is lost, in order of time."""
    for start, end in mended.silent if found.audio else ():
        damaged = _is_damaged(mended, start, end)
        unseen = not any(start + NEAR < time < end - NEAR for time in _pictures(found))
        if damaged or unseen:
            yield _hole(start - found.start, end - start, DAMAGED if damaged else NEVER_CAME)
    for broken in mended.breaks:
        if broken.after is None:
            left = None if recorded is None else max(0.0, recorded - found.duration)
            yield _hole(found.duration, left, DAMAGED)
        elif not found.audio and broken.after - broken.before > NEAR:
            yield _hole(broken.before - found.start, broken.after - broken.before, DAMAGED)


def _is_damaged(mended: Mended, start: float, end: float) -> bool:
    return any(
        broken.before < end + NEAR and (broken.after or end) > start - NEAR
        for broken in mended.breaks
    )


def _hole(start: float, seconds: float | None, reason: str) -> Hole:
    seconds = None if seconds is None else round(seconds, 3)
    return Hole(start=round(max(0.0, start), 3), seconds=seconds, reason=reason)


def _notes(mended: Mended, found: Probe, holes: Sequence[Hole]) -> Iterator[str]:
    explained = [(hole.start, hole.start + (hole.seconds or 0.0)) for hole in holes]
    for start, end in mended.silent:
        begins = start - found.start
        if not any(first - NEAR < begins < last for first, last in explained):
            yield f"there is no sound {_span(found, start, end)}"
    for start, end in mended.unseen:
        if _is_damaged(mended, start, end):
            yield f"after damage there is no picture {_span(found, start, end)}"
    for start, end in mended.smeared:
        yield f"after damage its picture may be blurred {_span(found, start, end)}"
    if mended.again:
        yield "some of it came twice and is kept once"
    if mended.breaks and not (holes or mended.unseen or mended.smeared):
        yield "a little of it was damaged on the way, less than can be heard or seen"


def _span(found: Probe, start: float, end: float) -> str:
    return f"from {clock(start - found.start)} to {clock(end - found.start)}"


def _pictures(found: Probe) -> Sequence[float]:
    return found.video.times if found.video else ()


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


def clock(seconds: float) -> str:
    """Such as 0:02.4, to the tenth."""
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{minutes:.0f}:{rest:04.1f}"
