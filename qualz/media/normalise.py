"""Brings one part into the common layout: [video, audio], [video] or [audio], clock from zero.

Pieces for WebM are NUT files: through Matroska ffmpeg 5 moves Opus by its pre-skip on each
passage. Pieces for MP4 are MP4 files, which alone keep the decoding order of H.264 exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.plan import CannotMerge, Plan, Step
from qualz.media.probe import Track, Unreadable, probe

PIECES = {"webm": "nut", "mp4": "mp4"}

# The concat demuxer takes its clock from the first piece and never converts, so all of them
# must count alike. Sound counts in samples by itself.
VIDEO_CLOCK = 90_000

SLATE_COLOUR = "0x14161a"
SLATE_RATE = 5

_PICTURES: dict[str, dict[str, Any]] = {
    "vp8": {"c:v": "libvpx", "deadline": "realtime", "cpu-used": 8, "b:v": "150k"},
    "vp9": {
        "c:v": "libvpx-vp9",
        "deadline": "realtime",
        "cpu-used": 8,
        "b:v": "150k",
        "lag-in-frames": 0,
    },
    "h264": {"c:v": "libx264", "preset": "veryfast", "profile:v": "baseline", "crf": 28, "bf": 0},
}

# Encoder and the samples by which it delays sound; the delay is taken back beforehand.
_SOUNDS: dict[str, tuple[dict[str, Any], int]] = {
    "opus": ({"c:a": "libopus", "b:a": "16k"}, 312),
    "aac": ({"c:a": "aac", "b:a": "32k"}, 1024),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A normalised part and what must be found of it in the Full Session. Seconds."""

    step: Step
    path: Path
    duration: float
    tracks: tuple[Track, ...]
    offsets: tuple[float, ...]  # subtract from a track's times to get the piece's clock


def normalise(
    step: Step,
    plan: Plan,
    folder: Path,
    *,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Piece:
    """Write the piece of one part. Raises `CannotMerge` if it does not hold what the part holds."""
    path = folder / f"piece-{step.index:04}.{PIECES[plan.container]}"
    command = _command(step, plan, path, lettering=_lettering(step, folder))
    try:
        ffmpeg.run(command, expected_seconds=step.probe.duration, on_progress=on_progress)
    except Failed:
        # The font or the filter for the lettering may be missing: then the slate is plain.
        if step.picture != "slate":
            raise
        command = _command(step, plan, path, lettering=None)
        ffmpeg.run(command, expected_seconds=step.probe.duration, on_progress=on_progress)
    return _piece(step, plan, path)


def _command(step: Step, plan: Plan, path: Path, lettering: str | None) -> Any:
    part = process.upload(step.path, fflags="+discardcorrupt")
    streams = []
    options: dict[str, Any] = {
        "format": PIECES[plan.container],
        "avoid_negative_ts": "make_zero",
        "map_metadata": -1,
        "map_chapters": -1,
        "c": "copy",
    }
    if plan.container == "mp4":
        options |= {"video_track_timescale": VIDEO_CLOCK, "movie_timescale": VIDEO_CLOCK}
    if plan.video:
        streams.append(
            part["v:0"] if step.picture == "copied" else _slate(step, plan.video, lettering)
        )
        if plan.container == "mp4":
            options["bsf:v"] = lengths(step.probe.video)
        else:
            options["bsf:v"] = f"setts=pts=PTS:dts=DTS:time_base=1/{VIDEO_CLOCK}"
        if step.picture == "slate":
            options |= _PICTURES[plan.video.codec]
            options |= {"g": 10 * SLATE_RATE, "pix_fmt": plan.video.pixel_format}
    if plan.audio:
        streams.append(part["a:0"] if step.sound == "copied" else _silence(step, plan.audio))
        if plan.container == "mp4":
            options["bsf:a"] = lengths(step.probe.audio)
        if step.sound == "silence":
            options |= _SOUNDS[plan.audio.codec][0]
    return builder.output(*streams, f"file:{path}", **options)


def lengths(track: Track | None) -> str:
    """A filter that gives the last packet a length: browsers write none there, and where an edit
    list ends with the moment that a packet begins, players drop it."""
    seconds = track.end - track.last if track else 0.0
    return rf"setts=pts=PTS:dts=DTS:duration=if(gt(DURATION\,0)\,DURATION\,{seconds:.6f}/TB)"


def _slate(step: Step, like: Track, lettering: str | None) -> Any:
    """A plain picture for as long as the sound lasts, never longer."""
    graph = f"color=c={SLATE_COLOUR}:s={like.width}x{like.height}:r={SLATE_RATE}"
    if lettering:
        graph += f",{lettering}"
    frames = max(1, int(step.probe.duration * SLATE_RATE))
    return process.generated(graph).video.filter("trim", end_frame=frames)


def _lettering(step: Step, folder: Path) -> str | None:
    if step.picture != "slate":
        return None
    text = folder / f"slate-{step.index:04}.txt"
    text.write_text(f"{step.label} — sound only", encoding="utf-8")
    return (
        f"drawtext=textfile={text.name}:expansion=none:fontcolor=0x9aa0a6"
        ":fontsize=h/20:x=(w-tw)/2:y=(h-th)/2"
    )


def _silence(step: Step, like: Track) -> Any:
    delay = _SOUNDS[like.codec][1]
    rate = like.sample_rate or 48_000
    layout = "mono" if like.channels == 1 else "stereo"
    frame = 960 if like.codec == "opus" else 1024
    samples = max(frame, int(step.probe.duration * rate) // frame * frame - delay)
    return (
        process.generated(f"anullsrc=r={rate}:cl={layout}")
        .audio.filter("atrim", end_sample=samples)
        .filter("asetpts", f"PTS+{delay}")
    )


def _piece(step: Step, plan: Plan, path: Path) -> Piece:
    """Copied tracks are expected as the part has them; made ones as they came out."""
    recorded = step.probe
    try:
        written = probe(path, formats=PIECES[plan.container]) if step.encoded_seconds else None
    except Unreadable as error:
        raise CannotMerge(f"{step.label} could not be filled up: {error.reason}") from error
    tracks: list[Track] = []
    offsets: list[float] = []
    wanted = ((plan.video, step.picture, "video"), (plan.audio, step.sound, "audio"))
    for like, treatment, kind in wanted:
        if like is None:
            continue
        copied = treatment == "copied"
        track = getattr(recorded if copied else written, kind)
        if track is None:
            raise CannotMerge(f"{step.label} could not be filled up with {kind}")
        tracks.append(track)
        offsets.append(recorded.start if copied else 0.0)
    return Piece(
        step=step,
        path=path,
        duration=recorded.duration,
        tracks=tuple(tracks),
        offsets=tuple(offsets),
    )
