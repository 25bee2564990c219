"""What was said in a stretch of a part, as the plain sound that listeners take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ffmpeg as builder

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import FFmpeg

# The form of all sound that listeners get: mono PCM, signed 16 bits, little-endian.
RATE = 16_000  # hertz
BYTES_PER_SECOND = 2 * RATE
# Seconds that are taken of one answer, 29 MB of sound: nobody talks for longer without a question,
# and a file of a few bytes can claim to.
LONGEST = 15 * 60.0


def cut(path: Path, begins: float, ends: float, folder: Path, *, ffmpeg: FFmpeg) -> bytes:
    """The sound from `begins` to `ends`, in seconds of the file: mono PCM, 16 kHz, signed 16 bits.

    No more than `LONGEST` of it. The file may still be growing, or have lost its end: then there
    is less. Where sound is missing in between there is silence, so every sample is at its time.
    Raises `ffmpeg.Failed` for a file without sound, and `Stopped`.
    """
    seconds = min(max(0.0, ends - begins), LONGEST)
    out = folder / "speech.pcm"
    stretch = process.upload(path, ss=f"{begins:.3f}", t=f"{seconds:.3f}")["a:0"]
    sound = stretch.filter("aresample", RATE, **{"async": 1, "first_pts": 0})
    options = {"format": "s16le", "c:a": "pcm_s16le", "ac": 1, "max_error_rate": 1}
    # What is read is limited by its own times; what is filled up between them, by this.
    options["t"] = f"{seconds:.3f}"
    # Somebody waits for it, and it is over in a tenth of a second.
    hurried = replace(ffmpeg, limits=replace(ffmpeg.limits, niceness=0))
    hurried.run(
        builder.output(sound, f"file:{out}", **options),
        expected_seconds=seconds,
        file_size=round((seconds + 5) * BYTES_PER_SECOND),
    )
    with out.open("rb") as written:
        return written.read(round(seconds * RATE) * 2)
