"""Recordings that flash and beep at each second, as browsers write them, and who looks and listens.

What is recorded flashes and beeps at 0.5 s, 1.5 s and so on, for a tenth of a second.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import av

from tests.media.conftest import Judge

TOGETHER = 0.045  # seconds that sound may be away from its picture
FIRST = 0.5

_VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-8", "-b:v", "400k", "-g", "60")
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30", "-pix_fmt", "yuv420p")
_OPUS = ("-c:a", "libopus", "-b:a", "64k")
# One at each second at least, as the recorder is asked to deliver.
_FRAGMENTS = ("-movflags", "frag_keyframe+delay_moov+default_base_moof")
_FRAGMENTS += ("-frag_duration", "1000000")

BROWSERS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # Container, order of tracks, options.
    "chrome": ("webm", "av", (*_VP8, *_OPUS, "-frame_duration", "60", "-live", "1")),
    "chrome vp9": ("webm", "va", (*_VP9, *_OPUS, "-frame_duration", "60", "-live", "1")),
    "chrome avc1": ("matroska", "va", (*_H264, *_OPUS, "-live", "1")),
    "chrome mp4": ("mp4", "va", (*_VP9, *_OPUS, *_FRAGMENTS, "-strict", "-2")),
    "firefox": ("webm", "va", (*_VP8, *_OPUS, "-live", "1")),
    "safari": ("mp4", "va", (*_H264, "-c:a", "aac", *_FRAGMENTS)),
    "safari 18": ("webm", "va", (*_VP8, *_OPUS, "-live", "1")),
}


@dataclass(frozen=True)
class Metronome:
    """Makes each recording once and gives it a plain name."""

    folder: Path
    judge: Judge

    def records(
        self,
        browser: str,
        seconds: float = 2,
        *more: object,
        size: str = "320x240",
        fps: int = 30,
        rate: int = 48_000,
        picture: str = "null",
        sound: str = "anull",
        tracks: str | None = None,
    ) -> Path:
        """A part. `picture` and `sound` are filters, `more` are ffmpeg's options for the output."""
        container, order, options = BROWSERS[browser]
        told = (browser, seconds, *more, size, fps, rate, picture, sound, tracks)
        path = self.folder / f"{abs(hash(told))}.{'webm' if container != 'mp4' else 'mp4'}"
        if path.exists():
            return path
        lit = f"color=black:s={size}:r={fps}:d={seconds},format=yuv420p"
        lit += ",drawbox=c=white:t=fill:enable='lt(mod(t+0.5,1),0.1)'"
        beep = "aevalsrc='if(lt(mod(t+0.5,1),0.1),0.5*sin(2*PI*1000*t),0)'"
        self.judge.convert(
            *("-f", "lavfi", "-i", lit),
            *("-f", "lavfi", "-i", f"{beep}:s={rate}:d={seconds}"),
            *(
                word
                for kind in tracks or order
                for word in ("-map", "01"[kind == "a"] + f":{kind}")
            ),
            *("-vf", picture, "-af", sound),
            *("-fps_mode", "passthrough", "-enc_time_base:v", "1:1000"),
            *options,
            *more,
            *("-f", container, path),
        )
        return path

    def copied(
        self, part: Path, name: str, *options: object, before: Iterable[object] = ()
    ) -> Path:
        """A recording written anew by copying, with options of ffmpeg."""
        path = self.folder / f"{part.stem}-{name}"
        if not path.exists():
            self.judge.convert(*before, "-i", part, "-map", "0", "-c", "copy", *options, path)
        return path

    def in_one(self, name: str, *parts: Path) -> Path:
        """One recording that goes on as another: its size or its settings change on the way."""
        path, listing = self.folder / name, self.folder / f"{name}.ffconcat"
        if not path.exists():
            lines = [
                f"file {part.name}\nduration {self.judge.length(part):.3f}\n" for part in parts
            ]
            listing.write_text("ffconcat version 1.0\n" + "".join(lines))
            self.judge.convert("-f", "concat", "-i", listing, "-map", "0", "-c", "copy", path)
        return path


def flashes(path: Path) -> list[float]:
    """When the middle of the picture turns bright, in seconds."""
    found, bright = [], False
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane, line = bytes(frame.planes[0]), frame.planes[0].line_size
            at = frame.height // 2 * line + frame.width // 2
            middle = plane[at - 8 : at + 8]
            was, bright = bright, sum(middle) > 128 * len(middle)
            if bright and not was:
                found.append(frame.time)
    return found


def beeps(path: Path) -> list[float]:
    """When it becomes loud, in seconds."""
    found: list[float] = []
    last_loud = -1.0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = array("f")
            samples.frombytes(bytes(frame.planes[0])[: 4 * frame.samples])
            channels = 1 if frame.format.is_planar else frame.layout.nb_channels
            for number, sample in enumerate(samples[::channels]):
                if abs(sample) > 0.15:
                    now = frame.time + number / frame.sample_rate
                    if now - last_loud > 0.3:
                        found.append(now)
                    last_loud = now
    return found


def sizes(path: Path) -> set[tuple[int, int]]:
    """The sizes of all decoded pictures."""
    with av.open(str(path)) as container:
        return {(frame.width, frame.height) for frame in container.decode(video=0)}


def near(times: list[float], expected: float) -> float:
    """The time next to the expected one."""
    return min(times, key=lambda time: abs(time - expected), default=-1000.0)
