"""How loud a recording is over time, for a player to draw."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import FFmpeg

PER_SECOND = 20
_RATE = 8000  # hertz: what carries a voice is below half of it
_WINDOW = _RATE // PER_SECOND
_LOUDEST = 1 << 15
_MEMORY = 1024**3
_IN_STEP = {"async": 1, "min_hard_comp": 0.01, "first_pts": 0}
_NARROW = 400  # hertz round a tone that go with it


def peaks(
    path: Path,
    seconds: float,
    folder: Path,
    *,
    ffmpeg: FFmpeg,
    in_step: bool = False,
    without_tone: int | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> bytes:
    """The greatest distance from silence, 0 to 255, in each twentieth of a second of a file.
    `in_step` with those of other files, to be held against them: holes are filled then.
    `without_tone`: hertz of one that is taken out before.

    Raises `ffmpeg.Failed` for a file without sound.
    """
    loud = folder / "loud.nut"
    sound = process.upload(path)["a:0"]
    for _ in range(2 if without_tone else 0):
        sound = sound.filter("bandreject", f=without_tone, width_type="h", w=_NARROW)
    sound = sound.filter("aresample", _RATE, **(_IN_STEP if in_step else {}))
    # One packet for each window, with its time: holes are not filled, so they cost nothing.
    windows = sound.filter("asetnsamples", _WINDOW, 0)
    options = {"format": "nut", "c:a": "pcm_s16le", "ac": 1, "max_error_rate": 1}
    confined = replace(ffmpeg, limits=replace(ffmpeg.limits, memory=_MEMORY))
    confined.run(
        builder.output(windows, f"file:{loud}", **options),
        expected_seconds=seconds,
        on_progress=lambda done: on_progress(done * 0.9),
        file_size=round(seconds + 60) * _RATE * 4,
    )
    return _loudest(loud, round(seconds * PER_SECOND), on_progress)


def _loudest(loud: Path, count: int, on_progress: Callable[[float], None]) -> bytes:
    found = bytearray(count)
    with av.open(str(loud), format="nut") as container:
        for number, packet in enumerate(container.demux(audio=0)):
            if packet.pts is None:
                continue
            samples = array("h", bytes(packet))
            place = int(float(packet.pts * packet.time_base) * PER_SECOND + 0.5)
            if samples and 0 <= place < count:
                peak = max(max(samples), -min(samples))
                found[place] = max(found[place], min(255, peak * 256 // _LOUDEST))
            if number % PER_SECOND == 0:
                on_progress(0.9 + 0.1 * min(1.0, number / max(1, count)))
    return bytes(found)
