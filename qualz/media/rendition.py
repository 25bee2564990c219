"""Another form of a Full Session: an MP4 that plays everywhere, or its sound alone.

What already is in the wanted form is copied. The caller publishes by rename.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media import work
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.inspection import DECODED, Broken, Wanted, inspect
from qualz.media.probe import Probe, Unreadable, opened, probe
from qualz.media.progress import Meter
from qualz.media.reencode import bits_a_second, picture_options, sound_options
from qualz.media.target import AAC_RATES, OPUS_RATE, CannotMerge, Picture, Sound
from qualz.media.track import Track

log = logging.getLogger(__name__)

PROBING = 0.05  # of the whole
NICENESS = 19  # a merge beside it goes first
ROOM = 64 * 1024**2  # bytes that a rendition may be larger than twice what is expected
# Of the Full Session's size: half as much again for another codec, and some air.
ROOM_NEEDED = 2.0


class Kind(StrEnum):
    """MP4 is H.264 and AAC; sound is AAC in an M4A."""

    MP4 = "mp4"
    SOUND = "sound"

    @property
    def ending(self) -> str:
        return "mp4" if self is Kind.MP4 else "m4a"

    @property
    def mime_type(self) -> str:
        return "video/mp4" if self is Kind.MP4 else "audio/mp4"


class CannotMake(Exception):
    """The Full Session has no such form; the message is for the researcher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is taken from the Full Session, and what of it has to be made anew."""

    kind: Kind
    source: Path
    probe: Probe
    video: Track | None
    audio: Track | None
    picture: Picture | None  # None where it is copied
    sound: Sound | None

    @property
    def seconds(self) -> float:
        return max(track.end for track in (self.video, self.audio) if track)

    @property
    def weight(self) -> float:
        """Rough seconds of work; see `work`."""
        weight = 2 * work.COPYING * self.seconds + work.DECODING * DECODED
        if self.sound:
            weight += work.RE_ENCODING_SOUND * self.seconds
        if self.picture:
            area = self.picture.width * self.picture.height / (640 * 480)
            weight += work.RE_ENCODING_PICTURE * area * self.seconds
        return weight

    @property
    def most_bytes(self) -> int:
        """How large it may grow: nothing honest takes so much."""
        made = 0.0
        if self.video and self.picture:
            made = bits_a_second(self.video, self.picture) / 8 * self.seconds
        return 2 * round(self.source.stat().st_size + made) + ROOM


def make(
    source: Path,
    out: Path,
    *,
    kind: Kind,
    ffmpeg: FFmpeg,
    workspace: Path,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> None:
    """Write a rendition of the Full Session `source` to `out`, which appears only when verified.

    `workspace` is a private folder on the file system of `out`. `on_progress` gets a fraction that
    never falls; what it raises stops everything and passes through. Raises `CannotMake`,
    `storage.DiskFull`, and `ffmpeg.Stopped` when ffmpeg hangs.
    """
    meter = Meter(on_progress)
    ffmpeg = replace(ffmpeg, limits=replace(ffmpeg.limits, niceness=NICENESS))
    try:
        recipe = _recipe(source, kind, meter.stage(PROBING))
        meter.expect(recipe.weight)
        path = workspace / f"made.{kind.ending}"
        ffmpeg.run(
            _command(recipe, path),
            expected_seconds=recipe.seconds,
            on_progress=meter.stage(recipe.weight - work.DECODING * DECODED),
            file_size=recipe.most_bytes,
        )
        inspect(
            path, _wanted(recipe), ffmpeg=ffmpeg, on_progress=meter.stage(work.DECODING * DECODED)
        )
    except FileNotFoundError as cause:
        raise CannotMake("The Full Session is gone; perhaps a newer one took its place.") from cause
    except Unreadable as cause:
        raise CannotMake(f"The Full Session cannot be read: {cause.reason}.") from cause
    except (Broken, CannotMerge) as cause:
        raise CannotMake(f"What was made was not right: {cause.reason}.") from cause
    except Failed as cause:
        raise CannotMake(f"It could not be made: {cause}.") from cause
    path.replace(out)
    on_progress(1.0)


def _recipe(source: Path, kind: Kind, on_progress: Callable[[float], None]) -> Recipe:
    """Decide what is copied. Raises `CannotMake`, `Unreadable`."""
    found = probe(source, on_progress=on_progress)
    video, audio = (found.video if kind is Kind.MP4 else None), found.audio
    if kind is Kind.MP4 and not video:
        raise CannotMake("The Full Session has no picture. Choose sound only.")
    if kind is Kind.SOUND and not audio:
        raise CannotMake("The Full Session has no sound.")
    return Recipe(
        kind=kind,
        source=source,
        probe=found,
        video=video,
        audio=audio,
        picture=upright_picture(video) if video and not _plays_everywhere(video, source) else None,
        sound=usual_sound(audio) if audio and audio.codec != "aac" else None,
    )


def _plays_everywhere(video: Track, source: Path) -> bool:
    """Whether the picture can stay. A turn that stands in an MP4's header is no hindrance: players
    and slides follow it. Settings that change on the way are: hardware and QuickTime stumble."""
    if video.codec != "h264" or video.pixel_format != "yuv420p" or not video.steady:
        return False
    with opened(source, process.UPLOADED_FORMATS) as container:
        tag = container.streams.video[0].codec_context.codec_tag
    return tag == "avc1" and (video.width or 1) % 2 == (video.height or 1) % 2 == 0


def upright_picture(video: Track) -> Picture:
    """Upright, in square pixels and even numbers of them."""
    as_shown = Picture(
        codec="h264",
        width=video.width or 2,
        height=video.height or 2,
        pixel_format="yuv420p",
        turn=video.turn or 0,
        aspect=video.aspect,
        settings=None,
    )
    width, height = (max(2, length // 2 * 2) for length in as_shown.canvas)
    return Picture(
        codec="h264",
        width=width,
        height=height,
        pixel_format="yuv420p",
        turn=0,
        aspect=1.0,
        settings=None,
    )


def usual_sound(audio: Track) -> Sound:
    rate = audio.sample_rate if audio.sample_rate in AAC_RATES else OPUS_RATE
    channels = 1 if audio.channels == 1 else 2
    return Sound(codec="aac", rate=rate or OPUS_RATE, channels=channels, settings=None)


def _command(recipe: Recipe, path: Path) -> Any:
    # The Full Session's clock is kept, so that chapters and turns stay in their places.
    source = process.upload(recipe.source)
    options: dict[str, Any] = {
        "format": "mp4" if recipe.kind is Kind.MP4 else "ipod",
        "movflags": "+faststart",
        "map_metadata": 0,
        "map_chapters": 0,
        "max_error_rate": 1,
        "c": "copy",
    }
    streams = []
    if recipe.video:
        streams.append(source["v:0"])
    if recipe.audio:
        streams.append(source["a:0"])
    if recipe.video and recipe.picture:
        options |= picture_options(recipe.video, recipe.picture, 0.0)
    if recipe.audio and recipe.sound:
        options |= _sound_options(recipe.audio, recipe.sound)
    return builder.output(*streams, f"file:{path}", **options).global_args("-copyts")


def _sound_options(audio: Track, sound: Sound) -> dict[str, Any]:
    """Filled up to its end should the last of it not decode. The encoder's run-up stays, for here
    players are told to skip it."""
    options = sound_options(sound, audio.end)
    del options["bsf:a"]
    return options | {"af": f"{options['af']},apad=whole_dur={audio.end:.6f}"}


def _wanted(recipe: Recipe) -> Wanted:
    return Wanted(
        source=recipe.source,
        video=recipe.video,
        audio=recipe.audio,
        picture=recipe.picture,
        copies_sound=recipe.sound is None,
        seconds=recipe.seconds,
    )
