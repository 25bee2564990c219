"""Brings one part into the common layout: [video, audio] or one of them, its clock from zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import FFmpeg
from qualz.media.filler import FORMATS, clock_options, silence, slate
from qualz.media.plan import Plan, Step
from qualz.media.probe import Probe, Unreadable, probe
from qualz.media.reencode import bits_a_second, picture_options, shortcoming, sound_options
from qualz.media.target import CannotMerge
from qualz.media.track import Track

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
    notes: tuple[str, ...] = ()  # what could not be kept

    @property
    def label(self) -> str:
        return self.step.label


def as_it_is(step: Step) -> Piece:
    """The part itself."""
    tracks = step.probe.tracks
    return Piece(
        step=step,
        path=step.source.path,
        formats=process.UPLOADED_FORMATS,
        duration=step.probe.duration,
        tracks=tracks,
        origins=tuple(step.probe.start for _ in tracks),
    )


def piece_path(step: Step, plan: Plan, folder: Path) -> Path:
    return folder / f"piece-{step.index:04}.{FORMATS[plan.container]}"


def normalise(
    step: Step,
    plan: Plan,
    folder: Path,
    *,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Piece:
    """Write one part anew in the common layout, copying whatever it has that is like the others.

    Raises `CannotMerge` if what is missing could not be made up, `ffmpeg.Failed`.
    """
    path = piece_path(step, plan, folder)
    ffmpeg.run(
        _command(step, plan, path, ffmpeg),
        expected_seconds=step.probe.duration,
        on_progress=on_progress,
        file_size=_most_bytes(step, plan),
    )
    return _piece(step, plan, path, on_progress)


def _most_bytes(step: Step, plan: Plan) -> int:
    """How large a piece may grow: nothing honest takes so much."""
    made = 0
    if plan.video and step.probe.video and step.picture == "re-encoded":
        made = round(bits_a_second(step.probe.video, plan.video) / 8 * step.probe.duration)
    return 2 * (step.source.path.stat().st_size + made) + ROOM


def _command(step: Step, plan: Plan, path: Path, ffmpeg: FFmpeg) -> Any:
    container, seconds, start = plan.container, step.probe.duration, step.probe.start
    # Times stay as they are recorded but for a part's own beginning: what ffmpeg would take for
    # that stands in a header.
    part = process.upload(step.source.path, fflags="+discardcorrupt", itsoffset=f"{-start:.6f}")
    options: dict[str, Any] = {
        "format": FORMATS[container],
        "avoid_negative_ts": "make_non_negative",
        "map_metadata": -1,
        "map_chapters": -1,
        "max_error_rate": 1,
        "c": "copy",
        **clock_options(container),
    }
    if container == "mp4":
        options |= {"bsf:v": lengths(step.probe.video), "bsf:a": lengths(step.probe.audio)}
    streams = []
    if plan.video and step.picture == "slate":
        words, stem = f"{step.label} — sound only", path.with_name(f"slate-{step.index:04}")
        filler = slate(plan.video, seconds, words, container=container, stem=stem, ffmpeg=ffmpeg)
        streams.append(filler["v:0"])
    elif plan.video:
        streams.append(part["v:0"])
    if plan.audio and step.sound == "silence":
        stem = path.with_name(f"silence-{step.index:04}")
        filler = silence(plan.audio, seconds, container=container, stem=stem, ffmpeg=ffmpeg)
        streams.append(filler["a:0"])
    elif plan.audio:
        streams.append(part["a:0"])
    if plan.video and step.probe.video and step.picture == "re-encoded":
        options |= picture_options(step.probe.video, plan.video, start)
    if plan.audio and step.sound == "re-encoded":
        options |= sound_options(plan.audio, seconds)
    return builder.output(*streams, f"file:{path}", **options).global_args("-copyts")


def lengths(track: Track | None) -> str:
    """A filter that gives the last packet a length: browsers write none there, and where an edit
    list ends with the moment that a packet begins, players drop it."""
    seconds = track.end - track.last if track else 0.0
    return rf"setts=pts=PTS:dts=DTS:duration=if(gt(DURATION\,0)\,DURATION\,{seconds:.6f}/TB)"


def _piece(step: Step, plan: Plan, path: Path, on_progress: Callable[[float], None]) -> Piece:
    """Copied tracks are expected to be as the part has them, made ones as they came out."""
    formats = FORMATS[plan.container]
    tracks: list[Track] = []
    origins: list[float] = []
    notes: list[str] = []
    made_any = step.fills_up or step.re_encodes
    written = as_written(step, path, formats, on_progress) if made_any else step.probe
    for wanted, how, recorded, made in (
        (plan.video, step.picture, step.probe.video, written.video),
        (plan.audio, step.sound, step.probe.audio, written.audio),
    ):
        if not wanted:
            continue
        track = recorded if how == "copied" else made
        if track is None:
            raise CannotMerge(f"{step.label} could not be given {wanted}, {how}")
        if how == "re-encoded" and recorded:
            lost = shortcoming(recorded, track, step.probe.start)
            notes += [lost] if lost else []
        tracks.append(track)
        origins.append(step.probe.start if how == "copied" else 0.0)
    return Piece(
        step=step,
        path=path,
        formats=formats,
        duration=step.probe.duration,
        tracks=tuple(tracks),
        origins=tuple(origins),
        notes=tuple(notes),
    )


def as_written(step: Step, path: Path, formats: str, on_progress: Callable[[float], None]) -> Probe:
    """What a piece holds. Raises `CannotMerge` if that is nothing."""
    try:
        return probe(path, formats=formats, on_progress=on_progress)
    except Unreadable as error:
        raise CannotMerge(f"{step.label} could not be rewritten: {error.reason}") from error
