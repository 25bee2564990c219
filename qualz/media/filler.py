"""Pictures and sound for parts that have none: a few seconds are encoded, then repeated by copy.

So an hour without camera costs no more than a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qualz.media import ffmpeg as process
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.orientation import LAID_DOWN
from qualz.media.target import Picture, Sound

# A piece is written, and so filled up, in a format that suits the container it is for: through
# Matroska ffmpeg 5 moves Opus by its pre-skip on each passage, NUT does not; MP4 alone keeps the
# decoding order of H.264 exact.
FORMATS = {"webm": "nut", "mp4": "mp4"}

# The concat demuxer takes its clock from the first file and never converts, so all of them have
# to count alike. Sound counts in samples by itself.
VIDEO_CLOCK = 90_000

COLOUR = "0x14161a"
LETTERS = "0x9aa0a6"
RATE = 5  # pictures a second
PICTURES = 50  # in one round, the first of them a key frame
PACKETS = 400  # in one round of silence

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
# beforehand, so that the first packet lies at nought.
_SOUNDS: dict[str, tuple[dict[str, Any], int, int]] = {
    "opus": ({"c:a": "libopus", "b:a": "16k"}, 960, 312),
    "aac": ({"c:a": "aac", "b:a": "32k"}, 1024, 1024),
}


def clock_options(container: str) -> dict[str, Any]:
    """Output options that make all files for a container count alike."""
    if container == "mp4":
        return {"video_track_timescale": VIDEO_CLOCK, "movie_timescale": VIDEO_CLOCK}
    return {"bsf:v": f"setts=pts=PTS:dts=DTS:time_base=1/{VIDEO_CLOCK}"}


def slate(
    like: Picture, seconds: float, words: str, *, container: str, stem: Path, ffmpeg: FFmpeg
) -> Any:
    """An input with a quiet picture like `like`, never longer than the sound it goes with.

    Files are written beside `stem`. `words` stand in the middle, if ffmpeg can write.
    """
    width, height = like.canvas
    size = f"{width}x{height}"
    plain = process.generated(f"color=c={COLOUR}:s={size}:r={RATE}").video
    text = stem.with_suffix(".txt")
    text.write_text(words, encoding="utf-8")
    lettered = plain.filter(
        "drawtext",
        textfile=str(text),
        expansion="none",
        fontcolor=LETTERS,
        fontsize="h/20",
        x="(w-tw)/2",
        y="(h-th)/2",
    )
    laid_down = LAID_DOWN[like.turn or 0]
    options = clock_options(container) | _PICTURES[like.codec]
    options |= {"g": PICTURES, "frames:v": PICTURES, "pix_fmt": like.pixel_format or "yuv420p"}
    # libvpx spins while it waits for its threads: on a busy machine one is ten times as fast.
    options["threads"] = 1

    def encode(picture: Any, path: Path) -> None:
        for name, *arguments in laid_down:
            picture = picture.filter(name, *arguments)
        ffmpeg.run(picture.output(f"file:{path}", format=FORMATS[container], **options))

    def round_of_pictures(path: Path) -> None:
        try:
            encode(lettered, path)
        except Failed:
            # The filter or a font may be missing.
            encode(plain, path)

    count = max(1, int(seconds * RATE))
    return _repeated(round_of_pictures, count, PICTURES, 1 / RATE, container, stem)


def silence(like: Sound, seconds: float, *, container: str, stem: Path, ffmpeg: FFmpeg) -> Any:
    """An input with silence like `like`, never longer than the picture it goes with."""
    encoder, packet, delay = _SOUNDS[like.codec]
    rate = like.rate
    layout = "mono" if like.channels == 1 else "stereo"
    quiet = process.generated(f"anullsrc=r={rate}:cl={layout}").audio
    quiet = quiet.filter("asetpts", f"PTS+{delay}")
    options = encoder | {"frames:a": PACKETS, "format": FORMATS[container]}

    def round_of_silence(path: Path) -> None:
        ffmpeg.run(quiet.output(f"file:{path}", **options))

    count = max(1, int(seconds * rate) // packet)
    return _repeated(round_of_silence, count, PACKETS, packet / rate, container, stem)


def _repeated(
    write: Callable[[Path], None],
    count: int,
    in_round: int,
    unit: float,
    container: str,
    stem: Path,
) -> Any:
    """An input of `count` packets of `unit` seconds, read from one round over and over."""
    block = stem.with_suffix(f".{FORMATS[container]}")
    write(block)
    rounds = -(-count // in_round)
    entry = f"file {block.name}\nduration {in_round * unit:.6f}\n"
    listing = stem.with_suffix(".ffconcat")
    listing.write_text("ffconcat version 1.0\n" + entry * rounds, encoding="utf-8")
    # Half a packet less than what is wanted: the last one begins before that, the next after.
    return process.source(
        listing,
        formats=f"concat,{FORMATS[container]}",
        format="concat",
        auto_convert=0,
        t=f"{(count - 0.5) * unit:.6f}",
    )
