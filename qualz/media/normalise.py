"""Brings one part into the common layout: [video, audio] or one of them, its clock from zero.

Pieces for WebM are NUT files: on each passage through Matroska ffmpeg 5 moves Opus by its
pre-skip. Pieces for MP4 are MP4 files, which alone keep the decoding order of H.264 exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.likeness import CannotMerge
from qualz.media.plan import Plan, Step
from qualz.media.probe import Unreadable, probe
from qualz.media.track import Track

_FORMATS = {"webm": "nut", "mp4": "mp4"}

# The concat demuxer takes its clock from the first piece and never converts, so all of them
# have to count alike. Sound counts in samples by itself.
VIDEO_CLOCK = 90_000

SLATE_COLOUR = "0x14161a"
SLATE_RATE = 5  # frames a second
SLATE_KEYFRAMES = 10 * SLATE_RATE

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

# Encoder, samples in its packets, and samples by which it delays sound: these are taken back
# beforehand, or the part's clock would begin with the delay.
_SOUNDS: dict[str, tuple[dict[str, Any], int, int]] = {
    "opus": ({"c:a": "libopus", "b:a": "16k"}, 960, 312),
    "aac": ({"c:a": "aac", "b:a": "32k"}, 1024, 1024),
}

ROOM = 64 * 1024**2  # bytes that a piece may be larger than twice its part


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part ready to be joined, and what has to be found of it afterwards.

    `origins` holds for each track what to subtract from its times to get the piece's own clock.
    """

    step: Step
    path: Path
    formats: str  # by which ffmpeg may open it
    duration: float  # seconds
    tracks: tuple[Track, ...]
    origins: tuple[float, ...]

    @property
    def label(self) -> str:
        return self.step.label


def as_it_is(step: Step, folder: Path) -> Piece:
    """The part itself under a name that needs no quoting."""
    path = folder / f"piece-{step.index:04}.{step.probe.container}"
    path.symlink_to(step.source.path.resolve())
    tracks = step.probe.tracks
    return Piece(
        step=step,
        path=path,
        formats=process.UPLOADED_FORMATS,
        duration=step.probe.duration,
        tracks=tracks,
        origins=tuple(step.probe.start for _ in tracks),
    )


def normalise(
    step: Step,
    plan: Plan,
    folder: Path,
    *,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Piece:
    """Write one part anew in the common layout, copying whatever it has.

    Raises `CannotMerge` if what is missing could not be made up, `ffmpeg.Failed`.
    """
    path = folder / f"piece-{step.index:04}.{_FORMATS[plan.container]}"

    def write(lettering: Path | None) -> None:
        ffmpeg.run(
            _command(step, plan, path, lettering),
            expected_seconds=step.probe.duration,
            on_progress=on_progress,
            file_size=2 * step.source.path.stat().st_size + ROOM,
        )

    if step.picture != "slate":
        write(None)
    else:
        lettering = folder / f"slate-{step.index:04}.txt"
        lettering.write_text(f"{step.label} — sound only", encoding="utf-8")
        try:
            write(lettering)
        except Failed:
            # The filter or a font for the lettering may be missing: then the slate is plain.
            write(None)
    return _piece(step, plan, path)


def _command(step: Step, plan: Plan, path: Path, lettering: Path | None) -> Any:
    part = process.upload(step.source.path, fflags="+discardcorrupt")
    streams = []
    options: dict[str, Any] = {
        "format": _FORMATS[plan.container],
        "avoid_negative_ts": "make_zero",
        "map_metadata": -1,
        "map_chapters": -1,
        "c": "copy",
    }
    if plan.container == "mp4":
        options |= {"video_track_timescale": VIDEO_CLOCK, "movie_timescale": VIDEO_CLOCK}
        options |= {"bsf:v": lengths(step.probe.video), "bsf:a": lengths(step.probe.audio)}
    else:
        options["bsf:v"] = f"setts=pts=PTS:dts=DTS:time_base=1/{VIDEO_CLOCK}"
    if plan.video and step.picture == "slate":
        streams.append(_slate(step, plan.video, lettering))
        options |= _PICTURES[plan.video.codec]
        options |= {"g": SLATE_KEYFRAMES, "pix_fmt": plan.video.pixel_format}
    elif plan.video:
        streams.append(part["v:0"])
    if plan.audio and step.sound == "silence":
        streams.append(_silence(step, plan.audio))
        options |= _SOUNDS[plan.audio.codec][0]
    elif plan.audio:
        streams.append(part["a:0"])
    return builder.output(*streams, f"file:{path}", **options)


def lengths(track: Track | None) -> str:
    """A filter that gives the last packet a length: browsers write none there, and where an edit
    list ends with the moment that a packet begins, players drop it."""
    seconds = track.end - track.last if track else 0.0
    return rf"setts=pts=PTS:dts=DTS:duration=if(gt(DURATION\,0)\,DURATION\,{seconds:.6f}/TB)"


def _slate(step: Step, like: Track, lettering: Path | None) -> Any:
    """A quiet picture for as long as the sound lasts, never longer."""
    size = f"{like.width}x{like.height}"
    picture = process.generated(f"color=c={SLATE_COLOUR}:s={size}:r={SLATE_RATE}").video
    if lettering:
        picture = picture.filter(
            "drawtext",
            textfile=str(lettering),
            expansion="none",
            fontcolor="0x9aa0a6",
            fontsize="h/20",
            x="(w-tw)/2",
            y="(h-th)/2",
        )
    return picture.filter("trim", end_frame=max(1, int(step.probe.duration * SLATE_RATE)))


def _silence(step: Step, like: Track) -> Any:
    """Whole packets of silence for as long as the picture lasts, never longer."""
    _, packet, delay = _SOUNDS[like.codec]
    rate = like.sample_rate or 48_000
    layout = "mono" if like.channels == 1 else "stereo"
    samples = int(step.probe.duration * rate) // packet * packet - delay
    silence = process.generated(f"anullsrc=r={rate}:cl={layout}").audio
    silence = silence.filter("atrim", end_sample=max(1, samples))
    return silence.filter("asetpts", f"PTS+{delay}")


def _piece(step: Step, plan: Plan, path: Path) -> Piece:
    """Copied tracks are expected to be as the part has them, made ones as they came out."""
    formats = _FORMATS[plan.container]
    tracks: list[Track] = []
    origins: list[float] = []
    try:
        written = probe(path, formats=formats) if step.fills_up else step.probe
    except Unreadable as error:
        raise CannotMerge(f"{step.label} could not be filled up: {error.reason}") from error
    for wanted, how, recorded, made in (
        (plan.video, step.picture, step.probe.video, written.video),
        (plan.audio, step.sound, step.probe.audio, written.audio),
    ):
        if not wanted:
            continue
        track = recorded if how == "copied" else made
        if track is None:
            raise CannotMerge(f"{step.label} could not be filled up with a {how}")
        tracks.append(track)
        origins.append(step.probe.start if how == "copied" else 0.0)
    return Piece(
        step=step,
        path=path,
        formats=formats,
        duration=step.probe.duration,
        tracks=tuple(tracks),
        origins=tuple(origins),
    )
