"""A stretch of a Full Session as a file of its own, which plays everywhere.

It is made anew from end to end: what is copied could begin at key frames only, seconds before what
was asked for. The caller publishes by rename.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.decoding import told_in_earnest
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.probe import Probe, Unreadable, probe
from qualz.media.progress import Meter
from qualz.media.reencode import picture_options, sound_options
from qualz.media.rendition import CannotMake, upright_picture, usual_sound

LONGEST = 15 * 60.0  # seconds
SHORTEST = 1.0
# Seconds that are decoded before it: a slate shows a new picture only so often, and sound that was
# lost is filled up from before.
LEAD = 6.0
RATE = 30  # pictures a second
DRIFT = 0.15  # seconds by which it may be longer or shorter
MOST_BYTES_A_SECOND = 2_000_000
PROBING, MAKING, LOOKING = 0.3, 0.6, 0.1


def make(
    source: Path,
    out: Path,
    *,
    begins: float,
    ends: float,
    ffmpeg: FFmpeg,
    workspace: Path,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> str:
    """Write what is heard and seen from `begins` to `ends` to `out`, which appears only when it
    was looked at. Answers `mp4`, or `m4a` for sound alone. Times are seconds of the Full Session
    `source`.

    `workspace`, `on_progress` and what is raised are as with `rendition.make`.
    """
    meter = Meter(on_progress)
    meter.expect(PROBING + MAKING + LOOKING)
    try:
        found = probe(source, on_progress=meter.stage(PROBING))
        begins, seconds = _within(found, begins, ends)
        ending = "mp4" if found.video else "m4a"
        path = workspace / f"made.{ending}"
        ffmpeg.run(
            _command(found, source, path, begins, seconds),
            expected_seconds=seconds,
            on_progress=meter.stage(MAKING),
            file_size=round(MOST_BYTES_A_SECOND * (seconds + LEAD)),
        )
        _inspect(path, found, seconds, ffmpeg, meter.stage(LOOKING))
    except FileNotFoundError as cause:
        raise CannotMake("The Full Session is gone; perhaps a newer one took its place.") from cause
    except Unreadable as cause:
        raise CannotMake(f"It cannot be read: {cause.reason}.") from cause
    except Failed as cause:
        raise CannotMake(f"It could not be made: {cause}.") from cause
    path.replace(out)
    on_progress(1.0)
    return ending


def _within(found: Probe, begins: float, ends: float) -> tuple[float, float]:
    """Where it really begins, and how long it is."""
    begins = max(0.0, min(begins, found.end - SHORTEST))
    ends = min(max(ends, begins + SHORTEST), begins + LONGEST, found.end)
    if ends <= begins:
        raise CannotMake("The Full Session holds nothing at that place.")
    return begins, ends - begins


def _command(found: Probe, source: Path, path: Path, begins: float, seconds: float) -> Any:
    lead = min(LEAD, begins)
    read = process.upload(source, ss=f"{begins - lead:.3f}", t=f"{lead + seconds + 1:.3f}")
    stretch = f"start={lead:.3f}:duration={seconds:.3f}"
    options: dict[str, Any] = {
        "format": "mp4" if found.video else "ipod",
        "movflags": "+faststart",
        "map_metadata": -1,
        "map_chapters": -1,
        "max_error_rate": 1,
        "t": f"{seconds:.3f}",
    }
    streams = []
    if found.video:
        # What its first pictures lack lies before the stretch, or is its own beginning.
        video = replace(found.video, leading=0)
        streams.append(read["v:0"])
        options |= picture_options(video, upright_picture(video), 0.0)
        options["vf"] = (
            f"fps={RATE}:start_time=0,{options['vf']},trim={stretch},setpts=PTS-STARTPTS"
        )
    if found.audio:
        streams.append(read["a:0"])
        options |= sound_options(usual_sound(found.audio), seconds)
        del options["bsf:a"]
        options["af"] += (
            f",apad=whole_dur={lead + seconds:.3f},atrim={stretch},asetpts=PTS-STARTPTS"
        )
    return builder.output(*streams, f"file:{path}", **options)


def _inspect(
    path: Path, found: Probe, seconds: float, ffmpeg: FFmpeg, on_progress: Callable[[float], None]
) -> None:
    made = probe(path, formats="mp4,mov")
    wanted = [track.kind for track in found.tracks]
    if [track.kind for track in made.tracks] != wanted:
        raise CannotMake("What was made lacks the picture or the sound.")
    if abs(made.end - seconds) > DRIFT:
        raise CannotMake(f"What was made lasts {made.end:.2f} s instead of {seconds:.2f} s.")
    every = process.source(path, formats="mp4,mov")
    look = builder.output(every, "-", format="null")
    lines = ffmpeg.run(look, expected_seconds=seconds, on_progress=on_progress, verbosity="error")
    if told := told_in_earnest(lines):
        raise CannotMake(f"What was made does not decode: {told[0]}.")
