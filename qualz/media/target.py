"""What the Full Session is to look and sound like, so that the fewest seconds are re-encoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from qualz.media import packets
from qualz.media.probe import Probe
from qualz.media.track import Kind, Track

Container = Literal["webm", "mp4"]

# What the browsers of today play, by container: pictures, sounds.
_PLAYED: dict[Container, tuple[frozenset[str], frozenset[str]]] = {
    "webm": (frozenset({"vp8", "vp9", "av1"}), frozenset({"opus", "vorbis"})),
    "mp4": (frozenset({"h264", "hevc", "vp9", "av1"}), frozenset({"aac", "opus"})),
}

# What can be made here, quickly enough and in every ffmpeg.
MADE_PICTURES = ("vp8", "vp9", "h264")
MADE_FORMATS = ("yuv420p", "yuvj420p")
MADE_SOUNDS = ("opus", "aac")

OPUS_RATE = 48_000
AAC_LC = 2  # object type, and rates by their numbers: ISO/IEC 14496-3 section 1.6.2.1
AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000)

# Chromium's MP4 has players skip the first 80 ms of Opus. In the WebM file of other parts ffmpeg 5
# would put sound ahead of its picture by that. Encoders need 6.5 ms.
USUAL_SKIP = 0.020


class CannotMerge(Exception):
    """No Full Session can be made of these parts; `reason` is a sentence for the researcher."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What pictures share that follow one another. Sizes are as encoded, before they are turned."""

    codec: str
    width: int
    height: int
    pixel_format: str | None  # damage may hide it; then the packets have to prove themselves
    turn: int | None
    aspect: float
    settings: Hashable  # what a decoder is told beforehand; `None` if that need not be the same

    @property
    def kind(self) -> Kind:
        return "video"

    @property
    def canvas(self) -> tuple[int, int]:
        """Width and height as shown."""
        width = round(self.width * self.aspect)
        return (self.height, width) if self.turn in (90, 270) else (width, self.height)

    @property
    def can_be_made(self) -> bool:
        if self.turn is None or self.aspect != 1 or self.pixel_format not in (None, *MADE_FORMATS):
            return False
        even = self.width % 2 == self.height % 2 == 0
        return self.codec in MADE_PICTURES and (even or self.codec != "h264")

    def __str__(self) -> str:
        turned = f", turned by {self.turn}°" if self.turn else ""
        return f"{self.codec} {self.width}×{self.height} {self.pixel_format}{turned}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What sounds share that follow one another. `rate` in hertz."""

    codec: str
    rate: int
    channels: int
    settings: Hashable

    @property
    def kind(self) -> Kind:
        return "audio"

    @property
    def can_be_made(self) -> bool:
        return self.codec in MADE_SOUNDS and self.settings in (None, _made_settings(self))

    def __str__(self) -> str:
        return f"{self.codec} {self.rate} Hz, {'mono' if self.channels == 1 else 'stereo'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    container: Container
    video: Picture | None
    audio: Sound | None


def choose(probes: Sequence[Probe], odd: Collection[int] = ()) -> Target:
    """The target that leaves the fewest seconds of picture to be re-encoded, then of sound.

    Parts at the places `odd` are to be re-encoded in any case. Among equals: the codec and the
    container that ran for longest, then the larger picture.
    """
    return min(_possible(probes, odd), key=lambda target: _cost(target, probes, odd))


def why_not_copied(track: Track, target: Target) -> str | None:
    """In what a track is unlike the target; `None` where its packets can be copied."""
    if track.kind == "video":
        assert target.video  # nosec B101 # tells the type checker what is so
        return _picture_differs(track, target.video)
    assert target.audio  # nosec B101 # tells the type checker what is so
    return _sound_differs(track, target.audio, target.container)


# --- Candidates ----------------------------------------------------------------------------------


def _possible(probes: Sequence[Probe], odd: Collection[int]) -> Iterator[Target]:
    # Without repetitions, and in the same order at each run: so the same parts have one plan.
    pictures = dict.fromkeys(_pictures([probe.video for probe in probes if probe.video]))
    sounds = dict.fromkeys(_sounds([probe.audio for probe in probes if probe.audio]))
    for container, video, audio in product(_PLAYED, pictures or [None], sounds or [None]):
        played_pictures, played_sounds = _PLAYED[container]
        if video and (video.codec not in played_pictures or (video.turn and container == "webm")):
            continue
        if audio and audio.codec not in played_sounds:
            continue
        target = Target(container=container, video=video, audio=audio)
        if _can_be_reached(target, probes, odd):
            yield target


def _pictures(tracks: Sequence[Track]) -> list[Picture]:
    """As the parts have them, and as they could be made."""
    if not tracks:
        return []
    steady = [_picture(track) for track in tracks if track.steady]
    as_recorded = [picture for picture in steady if picture.pixel_format] or steady
    width, height = _longest_canvas(tracks)
    made = Picture(
        codec="vp8",
        width=width,
        height=height,
        pixel_format="yuv420p",
        turn=0,
        aspect=1.0,
        settings=None,
    )
    return [*as_recorded, *(replace(made, codec=codec) for codec in MADE_PICTURES)]


def _sounds(tracks: Sequence[Track]) -> list[Sound]:
    if not tracks:
        return []
    channels: Counter[int] = Counter()
    for track in tracks:
        channels[1 if track.channels == 1 else 2] += round(1000 * track.seconds)
    usual = channels.most_common(1)[0][0]
    made = (
        Sound(codec=codec, rate=OPUS_RATE, channels=usual, settings=None) for codec in MADE_SOUNDS
    )
    settled = (replace(sound, settings=_made_settings(sound)) for sound in made)
    return [*(_sound(track, usual) for track in tracks), *settled]


def _picture(track: Track) -> Picture:
    return Picture(
        codec=track.codec,
        width=track.width or 0,
        height=track.height or 0,
        pixel_format=track.pixel_format,
        turn=track.turn,
        aspect=track.aspect,
        settings=_settings(track),
    )


def _sound(track: Track, usual_channels: int) -> Sound:
    """Opus packets say themselves whether they are stereo, so two headers may differ in that."""
    free = track.codec == "opus"
    return Sound(
        codec=track.codec,
        rate=OPUS_RATE if free else track.sample_rate or OPUS_RATE,
        channels=usual_channels if free else track.channels or 1,
        settings=_settings(track),
    )


def _settings(track: Track) -> Hashable:
    """What a decoder is told before the first packet, as far as it has to be the same.

    Opus headers may differ in channels, pre-skip and the microphone's rate, but not in mapping
    family (RFC 7845 section 5.1). FFmpeg copes with other parameter sets of H.264 further on,
    hardware players may not.
    """
    extradata = bytes.fromhex(track.extradata)
    if track.codec == "opus":
        return extradata[18:]
    if track.codec == "h264":
        return packets.parameter_sets(extradata)
    if track.codec == "aac":
        return extradata[:2]  # object type, rate, channels: ISO/IEC 14496-3 section 1.6.2.1
    return None if track.codec in {"vp8", "vp9"} else extradata


def _made_settings(sound: Sound) -> bytes:
    """What the encoders here would announce."""
    if sound.codec == "opus":
        return b"\0"
    if sound.rate not in AAC_RATES:
        return b""
    rate = AAC_RATES.index(sound.rate)
    return (AAC_LC << 11 | rate << 7 | sound.channels << 3).to_bytes(2, "big")


def _longest_canvas(tracks: Sequence[Track]) -> tuple[int, int]:
    """The size, as shown and in even numbers, that ran for most seconds; of equals the larger."""
    seconds: Counter[tuple[int, int]] = Counter()
    for track in tracks:
        whole = [(track.width or 0, track.height or 0, track.seconds)]
        for width, height, lasted in track.sizes or whole:
            shown = replace(_picture(track), width=width, height=height).canvas
            even = (max(2, shown[0] // 2 * 2), max(2, shown[1] // 2 * 2))
            seconds[even] += round(1000 * lasted)
    return max(seconds, key=lambda size: (seconds[size], size), default=(2, 2))


# --- Comparing -----------------------------------------------------------------------------------


def _can_be_reached(target: Target, probes: Sequence[Probe], odd: Collection[int]) -> bool:
    """Whether all that cannot be copied can be made."""
    for kind in (target.video, target.audio):
        if kind is None or kind.can_be_made:
            continue
        for place, probe in enumerate(probes):
            track = probe.video if kind.kind == "video" else probe.audio
            if track is None or place in odd or why_not_copied(track, target):
                return False
    return True


def _cost(
    target: Target, probes: Sequence[Probe], odd: Collection[int]
) -> tuple[float, float, float, float, int]:
    seconds = {"video": 0.0, "audio": 0.0}
    for place, probe in enumerate(probes):
        for track in probe.tracks:
            if place in odd or why_not_copied(track, target):
                seconds[track.kind] += track.seconds
    same_container = sum(probe.duration for probe in probes if probe.container == target.container)
    same_codec = sum(
        track.seconds
        for probe in probes
        for track in probe.tracks
        if track.codec in {kind.codec for kind in (target.video, target.audio) if kind}
    )
    area = target.video.width * target.video.height if target.video else 0
    return seconds["video"], seconds["audio"], -same_codec, -same_container, -area


def _picture_differs(track: Track, target: Picture) -> str | None:
    own = _picture(track)
    if own.codec != target.codec:
        return f"another codec, {own.codec}"
    if len(track.sizes) > 1:
        return "its size changes on the way, " + ", ".join(
            f"{size.width}×{size.height}" for size in track.sizes
        )
    if track.sizes and not track.steady:
        return "its header states another size than its pictures"
    if not track.steady:
        return f"its {own.codec} settings change on the way"
    if (own.width, own.height) != (target.width, target.height):
        return f"another size, {own.width}×{own.height}"
    if len({own.pixel_format, target.pixel_format} - {None}) > 1:
        return f"another pixel format, {own.pixel_format}"
    if own.turn != target.turn:
        return f"shown turned by {own.turn}°" if own.turn is not None else "shown mirrored"
    if own.aspect != target.aspect:
        return f"its pixels are {own.aspect:.2f} times as wide as high"
    if own.settings != target.settings and own.settings is not None:
        return f"other {own.codec} settings"
    return None


def _sound_differs(track: Track, target: Sound, container: Container) -> str | None:
    if track.codec != target.codec:
        return f"another codec, {track.codec}"
    if track.codec == "opus":
        if _settings(track) != target.settings:
            return "other opus settings"
        return _skips_too_much(track, container)
    if (track.sample_rate, track.channels) != (target.rate, target.channels):
        return f"another format, {track.sample_rate} Hz, channels: {track.channels}"
    return None if _settings(track) == target.settings else f"other {track.codec} settings"


def _skips_too_much(track: Track, container: Container) -> str | None:
    skipped = int.from_bytes(bytes.fromhex(track.extradata)[10:12], "little") / OPUS_RATE
    if container == "webm" and skipped > USUAL_SKIP:
        return f"its first {1000 * skipped:.0f} ms are skipped"
    return None
