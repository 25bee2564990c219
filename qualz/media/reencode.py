"""How the picture or the sound of an odd part is made like that of the others.

Both are filtered by graphs of their own: where the picture changes its size ffmpeg builds the graph
anew, and a sound in the same one would lose count of its samples.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import Any

from qualz.media import packets
from qualz.media.orientation import LAID_DOWN
from qualz.media.target import CannotMerge, Picture, Sound
from qualz.media.track import Track

KEY_FRAME_EVERY = 5  # seconds, so that seeking is quick
CLOCK = 1000  # ticks a second of re-encoded pictures; browsers count milliseconds themselves

# Bits a second. What was recorded gets half as much again, for another codec and a second loss.
LEAST, MOST, SURPLUS = 200_000, 8_000_000, 1.5

# Libvpx spins while VP8 waits for a second thread: on two busy cores one alone is six times as
# fast (measured: 60 s of 640×480 in 12 s, not 78 s). A negative speed is one that does not follow
# the load of the machine.
_ENCODERS: dict[str, dict[str, Any]] = {
    "vp8": {"c:v": "libvpx", "deadline": "realtime", "cpu-used": -6, "crf": 10, "threads:v": 1},
    "vp9": {
        "c:v": "libvpx-vp9",
        "deadline": "realtime",
        "cpu-used": 7,
        "crf": 30,
        "row-mt": 1,
        "threads:v": 2,
        "lag-in-frames": 0,
    },
    "h264": {"c:v": "libx264", "preset": "veryfast", "crf": 22, "bf": 0, "threads:v": 2},
}

_PROFILES = {66: "baseline", 77: "main"}  # by profile_idc (ITU-T H.264 annex A); else high
_FULL_HD = 1920 * 1088

# Encoder, bits a second for a channel, and samples by which it delays sound.
_SOUNDS: dict[str, tuple[str, int, int]] = {
    "opus": ("libopus", 64_000, 312),
    "aac": ("aac", 80_000, 1024),
}

TOGETHER = 0.040  # seconds by which re-encoding may move a picture or the edge of a sound
UNSEEN = 0.250  # seconds without picture or sound that are worth a word
LONGEST_PACKET = 0.025  # seconds of the sounds that are made here


def picture_options(track: Track, target: Picture, start: float) -> dict[str, Any]:
    """Output options that make a track like the target; the piece's clock begins at `start`."""
    rate = bits_a_second(track, target)
    options = _ENCODERS[target.codec] | {
        "vf": _fitted(track, target, start),
        "pix_fmt": target.pixel_format or "yuv420p",
        "b:v": rate,
        "g": 600,
        "force_key_frames": f"expr:gte(t,n_forced*{KEY_FRAME_EVERY})",
        "fps_mode:v": "vfr",
        "enc_time_base:v": f"1:{CLOCK}",
    }
    if target.codec == "h264":
        # With constant quality x264 takes a rate for an order; the level it would derive from a
        # thousand ticks a second.
        options.pop("b:v")
        options |= {"maxrate": 2 * rate, "bufsize": 4 * rate, "profile:v": _profile(target)}
        options["level:v"] = "4.0" if target.width * target.height <= _FULL_HD else "5.1"
    return options


def sound_options(target: Sound, duration: float) -> dict[str, Any]:
    """Output options that make a sound like the target, for a piece of `duration` seconds.

    Holes become silence, also before the first packet, so that what follows stays in its place;
    by more than 30 ms it never strays. What is left of an encoder's delay of one AAC packet lies
    before the beginning and holds nothing.
    """
    encoder, rate, delay = _SOUNDS[target.codec]
    held_together = f"aresample={target.rate}:async=1:min_hard_comp=0.03:first_pts=0"
    shifted = f",asetpts=PTS+{delay}" if target.codec == "opus" else ""
    return {
        "c:a": encoder,
        "b:a": rate * target.channels,
        "ac": target.channels,
        "ar": target.rate,
        "af": held_together + shifted,
        "bsf:a": rf"noise=drop=lt(pts\,0)+gte(pts*tb\,{duration:.6f})",
    }


def bits_a_second(track: Track, target: Picture) -> int:
    """What a re-encoded picture may take: as the recording, less where it is made smaller."""
    recorded = 8 * track.size / max(track.seconds, 1.0)
    area = max(1, (track.width or 1) * (track.height or 1))
    smaller = min(1.0, target.width * target.height / area)
    return round(min(MOST, max(LEAST, SURPLUS * recorded * smaller)))


def shortcoming(recorded: Track, made: Track, origin: float) -> str | None:
    """What of a track was lost when it was re-encoded, in words.

    `origin` is what to subtract from the recorded times to get the made ones.
    Raises `CannotMerge` if the two are not at one about when something happens.
    """
    if recorded.kind == "audio":
        return _sound_lost(recorded, made, origin)
    times = sorted(time - origin for time in recorded.times)
    astray = max(_distance(time, times) for time in made.times)
    if astray > TOGETHER:
        raise CannotMerge(f"a re-encoded picture is {astray:.3f} s from where it belongs")
    shown = sorted(made.times)
    unseen = [time for time in times if _distance(time, shown) > UNSEEN]
    if not unseen:
        return None
    return f"{len(unseen)} pictures in it are damaged and left out"


def _sound_lost(recorded: Track, made: Track, origin: float) -> str | None:
    hole = max((later - sooner for sooner, later in pairwise(made.times)), default=0.0)
    if made.start > TOGETHER or hole > LONGEST_PACKET + TOGETHER:
        raise CannotMerge("a re-encoded sound does not go on without a break")
    missing = recorded.end - origin - made.end
    return f"the last {missing:.1f} s of its sound are damaged" if missing > UNSEEN else None


def _distance(time: float, times: list[float]) -> float:
    """Seconds to the nearest of some times in order."""
    at = bisect_left(times, time)
    return min(abs(time - near) for near in times[max(0, at - 1) : at + 1])


def _fitted(track: Track, target: Picture, start: float) -> str:
    """A filter graph that puts pictures of any size into the middle of the canvas.

    ffmpeg has turned them upright by then, whatever their header says.
    """
    width, height = target.canvas
    fitted = [
        rf"scale=w='max(2,2*round(min({width},{height}*dar)/2))'"
        rf":h='max(2,2*round(min({height},{width}/dar)/2))':flags=bicubic",
        "setsar=1",
        f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2",
        *("=".join(filter) for filter in LAID_DOWN[target.turn or 0]),
    ]
    if track.leading:
        # Some decoders show grey for what comes before the first whole picture.
        fitted.insert(0, f"trim=start={track.start - start - 0.0005:.6f}")
    return ",".join(fitted)


def _profile(target: Picture) -> str:
    sets = target.settings if isinstance(target.settings, tuple) else ()
    stated = next((unit[1] for unit in sets if unit[0] & 31 == packets.SPS), None)
    return _PROFILES.get(stated, "high") if stated else "high"
