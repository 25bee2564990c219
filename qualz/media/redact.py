"""A copy of a recording in which nobody can hear, or see, what was said in some spans of it.

The sound is made anew from end to end, for what an encoder keeps from before would run into what
follows. Pictures are copied bit for bit unless they are to be covered. Clock, chapters and title
stay. The caller publishes by rename.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media import work
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.filler import VIDEO_CLOCK
from qualz.media.join import CUE
from qualz.media.normalise import lengths
from qualz.media.probe import Probe, Unreadable, opened, probe
from qualz.media.progress import Meter
from qualz.media.reencode import KEY_FRAME_EVERY, bits_a_second, picture_options, sound_options
from qualz.media.rendition import NICENESS, CannotMake, upright_picture, usual_sound
from qualz.media.span import Span, Treatment
from qualz.media.target import MADE_FORMATS, MADE_PICTURES, OPUS_RATE, Picture, Sound
from qualz.media.track import Track
from qualz.media.unheard import TONE, Leaked, demand_unheard

STEP = 240  # samples at a time in which sound is switched off, 5 ms
PROBING, LOOKING = 0.02, 0.03  # for a second of sound, about
ROOM = 64 * 1024**2
# A file whose holes were filled already need not stray as far as what browsers recorded may.
STRAYS, STAYS = "min_hard_comp=0.03", "min_hard_comp=0.01"


def make(
    source: Path,
    out: Path,
    spans: Sequence[Span],
    *,
    ffmpeg: FFmpeg,
    workspace: Path,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> None:
    """Write `source`, a Full Session, to `out` without what is in the spans. It appears only when
    it was listened to: nothing but silence or the tone is in them, and all else is where it was.

    `workspace`, `on_progress` and what is raised are as with `rendition.make`.
    """
    meter = Meter(on_progress)
    ffmpeg = replace(ffmpeg, limits=replace(ffmpeg.limits, niceness=NICENESS))
    try:
        found = probe(source)
        picture = _picture(found, spans)
        making = _weight(found, picture)
        meter.expect(making + LOOKING * found.end)
        path = workspace / f"redacted.{found.container}"
        ffmpeg.run(
            _command(found, source, path, picture, spans),
            expected_seconds=found.end,
            on_progress=meter.stage(making),
            file_size=_most_bytes(source, found, picture),
        )
        demand_unheard(
            path,
            source,
            found,
            [(one.widened, one) for one in spans],
            is_copied=picture is None,
            ffmpeg=ffmpeg,
            workspace=workspace,
            on_progress=meter.stage(LOOKING * found.end),
        )
    except FileNotFoundError as cause:
        raise CannotMake("The Full Session is gone; perhaps a newer one took its place.") from cause
    except Unreadable as cause:
        raise CannotMake(f"What is to be redacted cannot be read: {cause.reason}.") from cause
    except Leaked as cause:
        raise CannotMake(f"The redacted copy was not right: {cause}.") from cause
    except Failed as cause:
        raise CannotMake(f"The redacted copy could not be made: {cause}.") from cause
    path.replace(out)
    on_progress(1.0)


def _picture(found: Probe, spans: Sequence[Span]) -> Picture | None:
    """What the picture is made into; None where it is copied."""
    if not found.video or not any(span.covers_picture for span in spans):
        return None
    video, upright = found.video, upright_picture(found.video)
    can_stay = video.codec in MADE_PICTURES and video.pixel_format in MADE_FORMATS
    codec = video.codec if can_stay else ("h264" if found.container == "mp4" else "vp8")
    return replace(upright, codec=codec)


def _sound(audio: Track) -> Sound:
    """In its own codec where that can be made, else in Opus."""
    if audio.codec == "aac":
        return usual_sound(audio)
    channels = 1 if audio.channels == 1 else 2
    return Sound(codec="opus", rate=OPUS_RATE, channels=channels, settings=None)


def _weight(found: Probe, picture: Picture | None) -> float:
    weight = (PROBING + work.RE_ENCODING_SOUND) * found.end
    if picture:
        area = picture.width * picture.height / (640 * 480)
        weight += work.RE_ENCODING_PICTURE * area * found.end
    return weight


def _most_bytes(source: Path, found: Probe, picture: Picture | None) -> int:
    made = bits_a_second(found.video, picture) / 8 * found.end if found.video and picture else 0.0
    return 2 * round(source.stat().st_size + made + 32_000 * found.end) + ROOM


def _command(
    found: Probe, source: Path, path: Path, picture: Picture | None, spans: Sequence[Span]
) -> Any:
    read = process.upload(source)
    options: dict[str, Any] = {
        "format": found.container,
        "map_metadata": 0,
        "map_chapters": 0,
        "avoid_negative_ts": "disabled",
        "max_error_rate": 1,
        "c": "copy",
    }
    if found.container == "webm":
        options["reserve_index_space"] = _index_space(found)
    else:
        options |= {"movflags": "+faststart", "movie_timescale": VIDEO_CLOCK}
    streams = []
    if found.video:
        streams.append(read["v:0"])
        options |= _picture_options(found, source, picture, spans)
    if found.audio:
        streams.append(read["a:0"])
        options |= _sound_options(found.audio, spans)
    return builder.output(*streams, f"file:{path}", **options).global_args("-copyts")


def _sound_options(audio: Track, spans: Sequence[Span]) -> dict[str, Any]:
    """The encoder's run-up stays, for here players are told to skip it, and needs no making up."""
    sound = _sound(audio)
    options = sound_options(sound, audio.end)
    del options["bsf:a"]
    held_together = options["af"].partition(",asetpts")[0].replace(STRAYS, STAYS)
    filled = f"apad=whole_dur={audio.end:.6f}"
    return options | {"af": f"{held_together},{_quieted(spans, sound)},{filled}"}


def _picture_options(
    found: Probe, source: Path, picture: Picture | None, spans: Sequence[Span]
) -> dict[str, Any]:
    assert found.video  # nosec B101 # tells the type checker what is so
    if picture:
        options = picture_options(found.video, picture, 0.0)
        covered = _within([span for span in spans if span.covers_picture])
        box = f"drawbox=c=black:t=fill:enable='{covered}'"
        return options | {"vf": f"{options['vf']},{box}"}
    if found.container == "mp4":
        return {"bsf:v": lengths(found.video), "tag:v": _tag(source)}
    return {}


def _tag(source: Path) -> str:
    """Players look there for where the picture's settings are: in the header, or on the way."""
    with opened(source, process.UPLOADED_FORMATS) as container:
        return str(container.streams.video[0].codec_context.codec_tag)


def _index_space(found: Probe) -> int:
    """As `join.index_space`, and for a picture that is made anew."""
    keys = found.video.keyframes if found.video else int(found.end)
    return CUE * (keys + int(found.end / KEY_FRAME_EVERY) + 2) + 4096


def _quieted(spans: Sequence[Span], sound: Sound) -> str:
    """A filter graph. What is switched on or off is asked once a step."""
    off = f"asetnsamples=n={STEP}:p=0,volume=volume=0:enable='{_within(spans)}'"
    beeps = [span for span in spans if span.treatment is Treatment.BEEP]
    if not beeps:
        return off
    # At an eighth of full scale, 18 dB below it.
    tone = (
        f"sine=frequency={TONE}:sample_rate={sound.rate}:samples_per_frame={STEP},"
        f"volume=volume=0:enable='not({_within(beeps)})'"
    )
    return f"{off}[spoken];{tone}[tone];[spoken][tone]amix=inputs=2:duration=first:normalize=0"


def _within(spans: Sequence[Span]) -> str:
    """An expression over the time `t` that is not nought within the spans and their margins."""
    wide = [span.widened for span in spans]
    return "+".join(f"between(t,{span.begins:.3f},{span.ends:.3f})" for span in wide) or "0"
