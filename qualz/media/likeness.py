"""Whether tracks of different parts can follow one another in one file without re-encoding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Literal

from qualz.media import packets
from qualz.media.track import Track

# What the browsers of today play, by container: pictures, sounds.
WEBM = (frozenset({"vp8", "vp9", "av1"}), frozenset({"opus", "vorbis"}))
MP4 = (frozenset({"h264", "hevc", "vp9", "av1"}), frozenset({"aac", "opus"}))


class CannotMerge(Exception):
    """No Full Session can be made of these parts; `reason` is a sentence for the researcher."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def common(tracks: Sequence[tuple[str, Track]]) -> Track | None:
    """The first of some labelled tracks of one kind, if the others are like it; `None` for none.

    A trait of `None` is one that damage hides; then the packets have to prove themselves.
    Raises `CannotMerge`, naming a part that differs from what was recorded for longest.
    """
    for trait, words in _TRAITS:
        seconds: dict[Hashable, float] = defaultdict(float)
        for _, track in tracks:
            if trait(track) is not None:
                seconds[trait(track)] += track.end - track.start
        usual = max(seconds, key=lambda value: seconds[value], default=None)
        for label, track in tracks:
            if trait(track) not in (None, usual):
                others = next(other for _, other in tracks if trait(other) == usual)
                raise CannotMerge(f"{label} {words(track, others)}")
    return tracks[0][1] if tracks else None


def container_for(
    video: Track | None, audio: Track | None, found: Sequence[str]
) -> Literal["webm", "mp4"]:
    """The container for two tracks whose parts came in the containers `found`.

    MP4 stays MP4 where it can: Chromium's MP4 has an Opus pre-skip of 80 ms, by which ffmpeg 5
    would put the sound of a WebM file ahead of its picture.
    """
    fits_webm, fits_mp4 = _fits(WEBM, video, audio), _fits(MP4, video, audio)
    if fits_webm and not (fits_mp4 and "mp4" in found):
        return "webm"
    if fits_mp4:
        return "mp4"
    codecs = " and ".join(track.codec for track in (video, audio) if track)
    raise CannotMerge(f"no container that browsers play holds {codecs}")


def _fits(
    container: tuple[frozenset[str], frozenset[str]], video: Track | None, audio: Track | None
) -> bool:
    pictures, sounds = container
    return (video is None or video.codec in pictures) and (audio is None or audio.codec in sounds)


def _settings(track: Track) -> Hashable:
    """What a decoder is told before the first packet, as far as it has to be the same.

    Opus packets say themselves whether they are stereo, so two headers may differ in channels,
    pre-skip and the microphone's rate, but not in mapping family (RFC 7845 section 5.1).
    """
    extradata = bytes.fromhex(track.extradata)
    if track.codec == "opus":
        return extradata[18:]
    if track.codec == "h264":
        return packets.parameter_sets(extradata)
    if track.codec == "aac":
        return extradata[:2]  # object type, rate, channels: ISO/IEC 14496-3 section 1.6.2.1
    return None if track.codec in {"vp8", "vp9"} else extradata


def _codec_differs(track: Track, others: Track) -> str:
    return f"was recorded with another codec ({track.codec}, others {others.codec})"


def _size_differs(track: Track, others: Track) -> str:
    sizes = f"{track.width}×{track.height}, others {others.width}×{others.height}"
    return f"was recorded in another size ({sizes})"


def _pixels_differ(track: Track, others: Track) -> str:
    formats = f"{track.pixel_format}, others {others.pixel_format}"
    return f"was recorded in another pixel format ({formats})"


def _settings_differ(track: Track, others: Track) -> str:
    return f"was recorded with other {track.codec} settings than the others"


_TRAITS: tuple[tuple[Callable[[Track], Hashable], Callable[[Track, Track], str]], ...] = (
    (lambda track: track.codec, _codec_differs),
    (lambda track: (track.width, track.height), _size_differs),
    (lambda track: track.pixel_format, _pixels_differ),
    (_settings, _settings_differ),
)
