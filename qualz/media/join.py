"""Puts the pieces one after another into one file, copying every packet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import FFmpeg
from qualz.media.filler import VIDEO_CLOCK
from qualz.media.normalise import Piece, lengths
from qualz.media.orientation import write_turn
from qualz.media.plan import Plan

log = logging.getLogger(__name__)

CUE = 48  # bytes, more than an entry takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A part on the Full Session's clock, in seconds."""

    title: str
    start: float
    end: float


def chapters(pieces: Sequence[Piece]) -> tuple[Chapter, ...]:
    found: list[Chapter] = []
    start = 0.0
    for piece in pieces:
        end = start + piece.duration
        found.append(Chapter(title=_title(piece, first=not found), start=start, end=end))
        start = end
    return tuple(found)


def join(
    pieces: Sequence[Piece],
    plan: Plan,
    folder: Path,
    *,
    ffmpeg: FFmpeg,
    title: str,
    recorded_at: datetime | None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Path:
    """Write the joined file into `folder`. Raises `ffmpeg.Failed`."""
    listing = folder / "pieces.ffconcat"
    listing.write_text(_listing(pieces), encoding="utf-8")
    description = folder / "description.txt"
    description.write_text(_description(pieces, title, recorded_at), encoding="utf-8")
    path = folder / f"joined.{plan.container}"
    # ffmpeg-python leaves out an input whose streams nobody maps, so the description is put in
    # by hand, right behind the pieces.
    arguments = _command(pieces, plan, listing, path).get_args()
    behind = arguments.index("-i") + 2
    arguments[behind:behind] = [
        *("-protocol_whitelist", "file", "-format_whitelist", "ffmetadata"),
        *("-f", "ffmetadata", "-i", f"file:{description}"),
    ]
    seconds = sum(piece.duration for piece in pieces)
    for warning in ffmpeg.run(arguments, expected_seconds=seconds, on_progress=on_progress):
        log.info("joining: %s", warning)
    if plan.video and plan.video.turn:
        # The header is that of the first piece, which may be one that was made here.
        write_turn(path, plan.video.turn)
    return path


def _command(pieces: Sequence[Piece], plan: Plan, listing: Path, path: Path) -> Any:
    # Conversion puts the parameter sets in front of the pictures that need them.
    joined = process.source(
        listing,
        formats=f"concat,{pieces[0].formats}",
        format="concat",
        auto_convert=int(plan.parameters_in_band),
    )
    options: dict[str, Any] = {
        "format": plan.container,
        "c": "copy",
        "map_metadata": 1,
        "map_chapters": 1,
    }
    if plan.container == "webm":
        options["reserve_index_space"] = index_space(pieces)
    else:
        options |= {"movflags": "+faststart", "movie_timescale": VIDEO_CLOCK}
    streams = []
    for kind, like in (("v", plan.video), ("a", plan.audio)):
        if like:
            streams.append(joined[f"{kind}:0"])
            if plan.container == "mp4":
                options[f"bsf:{kind}"] = lengths(pieces[-1].tracks[len(streams) - 1])
    if plan.parameters_in_band:
        options["tag:v"] = "avc3"
    return builder.output(*streams, f"file:{path}", **options)


def index_space(pieces: Sequence[Piece]) -> int:
    """Bytes to leave free for cues in front; `cues_to_front` would write the whole file twice.

    There is one entry for each key frame, or for each cluster of sound (5 s at most).
    """
    entries = 0
    for piece in pieces:
        track = piece.tracks[0]
        each = track.keyframes if track.kind == "video" else int(piece.duration)
        entries += min(each, track.packets)
    return CUE * entries + 4096


def _listing(pieces: Sequence[Piece]) -> str:
    lines = ["ffconcat version 1.0"]
    for piece in pieces:
        lines += [f"file {piece.path.name}", f"duration {piece.duration:.6f}"]
    return "\n".join(lines) + "\n"


def _title(piece: Piece, *, first: bool) -> str:
    gap = piece.step.source.gap_before
    if first or gap is None:
        return piece.label
    return f"{piece.label} — reconnected after {_words(gap)}"


def _words(seconds: float) -> str:
    """38 s, 12 min, 3 h, 2 days: as exact as a person needs."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _description(pieces: Sequence[Piece], title: str, recorded_at: datetime | None) -> str:
    """The ffmetadata format of ffmpeg-formats(1); chapters in milliseconds."""
    lines = [";FFMETADATA1", f"title={_escaped(title)}"]
    if recorded_at:
        moment = recorded_at.astimezone(UTC)
        lines += [f"date={moment:%Y-%m-%d}", f"creation_time={moment:%Y-%m-%dT%H:%M:%SZ}"]
    for chapter in chapters(pieces):
        lines += [
            "[CHAPTER]",
            "TIMEBASE=1/1000",
            f"START={chapter.start * 1000:.0f}",
            f"END={chapter.end * 1000:.0f}",
            f"title={_escaped(chapter.title)}",
        ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "=;#\\" else char for char in printable(text))


def printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
