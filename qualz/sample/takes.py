"""Takes: real small recordings, with the Full Session that the merge engine makes of them.

A few are made with ffmpeg, and each interview of a sample gets one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media import full_session, waveform
from qualz.media.disk import digest
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.full_session import Source
from qualz.media.poster import poster

VOICE = Path(__file__).resolve().parent.parent / "ai" / "samples" / "hearing.wav"
GAP = 38.0  # seconds that nothing was recorded between two clips
PICTURE = "gradients=s=320x240:r=10:speed=0.02:c0=0x1d3b53:c1=0x2f6f73:c2=0x8a6d3b"
_VIDEO = {
    "c:v": "libvpx",
    "pix_fmt": "yuv420p",
    "b:v": "120k",
    "deadline": "realtime",
    "cpu-used": 8,
    "g": 100,
}
_AUDIO = {"c:a": "libopus", "b:a": "24k", "ac": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Seconds of each clip, and whether there is a picture."""

    clips: tuple[int, ...]
    has_camera: bool


SHAPES = (
    Shape(clips=(90,), has_camera=False),
    Shape(clips=(40, 20), has_camera=True),
    Shape(clips=(30,), has_camera=False),
    Shape(clips=(60,), has_camera=True),
    Shape(clips=(50, 45), has_camera=False),
    Shape(clips=(20,), has_camera=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    path: Path
    seconds: float
    bytes: int
    content: str  # its digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """`illustrations` are files that go beside the Full Session, by their endings."""

    clips: tuple[Clip, ...]
    has_camera: bool
    full: Path
    illustrations: dict[str, Path]
    report: dict[str, Any]

    @property
    def reported_type(self) -> str:
        return "video/webm;codecs=vp8,opus" if self.has_camera else "audio/webm;codecs=opus"


def make(folder: Path, ffmpeg: FFmpeg, shapes: Sequence[Shape] = SHAPES) -> list[Take]:
    """In a folder of their own. Raises what `full_session.make` and `FFmpeg.run` do."""
    return [_take(folder / str(number), shape, ffmpeg) for number, shape in enumerate(shapes)]


def _take(folder: Path, shape: Shape, ffmpeg: FFmpeg) -> Take:
    folder.mkdir()
    paths = [
        _clip(folder / f"clip-{number}.webm", seconds, shape.has_camera, ffmpeg)
        for number, seconds in enumerate(shape.clips)
    ]
    sources = [
        Source(path=path, label=f"Part {number}", gap_before=GAP if number > 1 else None)
        for number, path in enumerate(paths, 1)
    ]
    full = folder / "full.webm"
    told = full_session.make(
        sources, full, ffmpeg=ffmpeg, workspace=folder, title="A sample", recorded_at=None
    ).as_json()
    return Take(
        clips=tuple(
            Clip(
                path=path,
                seconds=entry["duration"],
                bytes=path.stat().st_size,
                content=digest(path, path.stat().st_size),
            )
            for path, entry in zip(paths, told["parts"], strict=True)
        ),
        has_camera=shape.has_camera,
        full=full,
        illustrations=_illustrations(folder, full, told["duration"], shape.has_camera, ffmpeg),
        report=told,
    )


def _clip(out: Path, seconds: int, has_camera: bool, ffmpeg: FFmpeg) -> Path:
    """As a browser writes it: WebM with clusters of a second."""
    voice = process.source(VOICE, formats="wav", stream_loop=-1).audio
    options = {**_AUDIO, "t": seconds, "format": "webm", "cluster_time_limit": 1000}
    streams = [voice]
    if has_camera:
        streams = [process.generated(PICTURE).video, voice]
        options |= _VIDEO
    ffmpeg.run(builder.output(*streams, f"file:{out}", **options), expected_seconds=seconds)
    return out


def _illustrations(
    folder: Path, full: Path, seconds: float, has_camera: bool, ffmpeg: FFmpeg
) -> dict[str, Path]:
    """What cannot be made is gone without, as for every Full Session."""
    found = {}
    with suppress(Failed):
        peaks = folder / "full.peaks"
        peaks.write_bytes(waveform.peaks(full, seconds, folder, ffmpeg=ffmpeg))
        found["peaks"] = peaks
        if has_camera:
            poster(full, seconds, folder / "full.jpg", ffmpeg=ffmpeg)
            found["jpg"] = folder / "full.jpg"
    return found
