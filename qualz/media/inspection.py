"""Looks at a rendition as a stranger would, and holds it against its Full Session."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.containers import index_in_front
from qualz.media.decoding import told_in_earnest
from qualz.media.ffmpeg import FFmpeg
from qualz.media.orientation import read_turn
from qualz.media.probe import Probe, Unreadable, opened, probe
from qualz.media.reencode import shortcoming
from qualz.media.target import Picture
from qualz.media.track import Track
from qualz.media.verify import Broken

__all__ = ["DECODED", "Broken", "Wanted", "inspect"]

log = logging.getLogger(__name__)

DRIFT = 0.050  # seconds by which it may be longer or shorter than the Full Session
WINDOW = 4.0  # seconds that are decoded at the start, in the middle and at the end
DECODED = 3 * WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The tracks as the Full Session `source` has them, and what is to become of them."""

    source: Path
    video: Track | None
    audio: Track | None
    picture: Picture | None  # what it is made into; None where it is copied
    copies_sound: bool
    seconds: float

    @property
    def layout(self) -> list[tuple[str, str]]:
        picture = [("video", "h264")] if self.video else []
        return picture + ([("audio", "aac")] if self.audio else [])


def inspect(
    path: Path,
    wanted: Wanted,
    *,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> None:
    """Raises `Broken`, and `CannotMerge` where something is not in its place in time."""
    if not index_in_front(path):
        raise Broken("a player could not seek before it has loaded everything")
    try:
        made = probe(path, formats="mp4,mov", on_progress=lambda _: on_progress(0.0))
        _check_header(path, wanted)
    except Unreadable as unreadable:
        raise Broken(unreadable.reason) from unreadable
    _check_picture(path, made, wanted)
    _check_sound(made, wanted)
    if abs(made.end - wanted.seconds) > DRIFT:
        raise Broken(f"it lasts {made.end:.3f} s instead of {wanted.seconds:.3f} s")
    _check_decoding(path, wanted, ffmpeg, on_progress)


def _check_header(path: Path, wanted: Wanted) -> None:
    """Streams, length, chapters and title, as a player reads them."""
    with opened(path, "mp4,mov") as made, opened(wanted.source, process.UPLOADED_FORMATS) as source:
        # MP4 keeps the chapters as a track of text besides.
        media = [stream for stream in made.streams if stream.type in ("video", "audio")]
        found = [(stream.type, stream.codec_context.name) for stream in media]
        if found != wanted.layout:
            raise Broken(f"it has the tracks {found} instead of {wanted.layout}")
        announced = (made.duration or 0) / av.time_base
        if abs(announced - wanted.seconds) > DRIFT:
            raise Broken(f"it announces {announced:.3f} s instead of {wanted.seconds:.3f} s")
        if _described(made) != _described(source):
            raise Broken("title or chapters were not kept")


def _described(container: Any) -> tuple[str | None, list[str | None]]:
    chapters = [chapter["metadata"].get("title") for chapter in container.chapters()]
    return container.metadata.get("title"), chapters


def _check_picture(path: Path, made: Probe, wanted: Wanted) -> None:
    if not (wanted.video and made.video):
        return
    if wanted.picture is None:
        if made.video.digest != wanted.video.digest or read_turn(path) != wanted.video.turn:
            raise Broken("its pictures are not those of the Full Session")
        return
    shape = (made.video.width, made.video.height, made.video.pixel_format, read_turn(path))
    if shape != (wanted.picture.width, wanted.picture.height, "yuv420p", 0):
        raise Broken("its picture has the shape {}×{} {}, turned by {}".format(*shape))
    if lost := shortcoming(wanted.video, made.video, 0.0):
        log.info("%s: %s", path.name, lost)


def _check_sound(made: Probe, wanted: Wanted) -> None:
    if not (wanted.audio and made.audio):
        return
    if wanted.copies_sound:
        if made.audio.digest != wanted.audio.digest:
            raise Broken("its sound is not that of the Full Session")
    elif lost := shortcoming(wanted.audio, made.audio, 0.0):
        raise Broken(lost)


def _check_decoding(
    path: Path, wanted: Wanted, ffmpeg: FFmpeg, on_progress: Callable[[float], None]
) -> None:
    """Start, middle and end decode, and nothing is wrong with them that was not wrong before."""
    frames: Counter[int] = Counter()
    last = max(0.0, wanted.seconds - WINDOW)
    for number, start in enumerate((0.0, last / 2, last)):
        on_window = partial(_report, on_progress, number / 3)
        found, seen = _decoded(path, start, wanted, ffmpeg, on_window)
        if not seen:
            raise Broken(f"nothing can be decoded at {start:.1f} s")
        frames += seen
        if found and not _decoded(wanted.source, start, wanted, ffmpeg, on_window)[0]:
            raise Broken(f"it does not decode cleanly at {start:.1f} s: {found[0]}")
    if set(frames) != set(range(len(wanted.layout))):
        raise Broken("a track of it shows nothing")


def _report(on_progress: Callable[[float], None], done: float, _: float) -> None:
    on_progress(done)


def _decoded(
    path: Path, start: float, wanted: Wanted, ffmpeg: FFmpeg, on_progress: Callable[[float], None]
) -> tuple[list[str], Counter[int]]:
    """What a decoder complains of in a window, and how many frames of each track it gives."""
    window = process.upload(path, ss=f"{start:.3f}", t=WINDOW)
    streams = [window[f"{kind[0]}:0"] for kind, _ in wanted.layout]
    # Outside, so that it is never mistaken for the rendition.
    listing = path.parent / "frames.txt" if path != wanted.source else None
    out = f"file:{listing}" if listing else "-"
    command = builder.output(
        *streams,
        out,
        format="framecrc" if listing else "null",
        fps_mode="passthrough",
        max_error_rate=1,
    )
    lines = ffmpeg.run(command, expected_seconds=WINDOW, on_progress=on_progress, verbosity="error")
    text = listing.read_text() if listing else ""
    rows = [row for row in text.splitlines() if row and not row.startswith("#")]
    return told_in_earnest(lines), Counter(int(row.partition(",")[0]) for row in rows)
