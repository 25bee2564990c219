"""One track of a recording, summed up from its packets."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any, Literal, NamedTuple

from qualz.media import packets

Kind = Literal["video", "audio"]

# Pixels in all and in a row: more than any camera has. A few bytes can ask for hundreds of
# megabytes, and all parts take the size of the one that ran for longest.
LARGEST_PICTURE = 4096 * 4096
LONGEST_SIDE = 8192
LONE_FRAME = 0.2  # seconds that a picture lasts when there is no other to tell


class Size(NamedTuple):
    """A picture's size in pixels and for how many seconds it stayed."""

    width: int
    height: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Times are seconds on the file's own clock, sizes pixels, rates hertz.

    `packets` counts what can be kept: a picture starts at its first key frame, and what leads up
    to it (`leading` packets) shows nothing; `corrupt` ones break off in the middle. `digest` is
    SHA-256 over the content of the kept packets in order. `turn` is degrees clockwise by which the
    picture is shown turned, `None` if that is not a multiple of 90; `aspect` how much wider than
    high its pixels are.
    """

    kind: Kind
    codec: str
    extradata: str  # hex
    width: int | None = None
    height: int | None = None
    pixel_format: str | None = None
    sample_rate: int | None = None
    channels: int | None = None
    packets: int
    leading: int
    corrupt: int
    keyframes: int
    size: int  # bytes of the kept packets
    sizes: tuple[Size, ...] = ()  # as VP8 and VP9 pictures state them, in order of appearance
    steady: bool = True  # whether size and settings are as announced, and stay so to the end
    turn: int | None = 0
    aspect: float = 1.0
    start: float
    last: float
    end: float
    monotonic: bool
    digest: str
    times: array[float] = field(repr=False, compare=False)  # of each kept packet

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def is_beyond_measure(self) -> bool:
        """Whether a picture is, for most of the time; single ones may be damaged."""
        shown = [*self.sizes, Size(self.width or 0, self.height or 0, 0.0)]
        width, height, _ = max(shown, key=lambda size: size.seconds)
        width = round(width * max(1.0, self.aspect))
        return width * height > LARGEST_PICTURE or max(width, height) > LONGEST_SIDE

    def __str__(self) -> str:
        if self.kind == "video":
            return f"{self.codec} {self.width}×{self.height} {self.pixel_format}"
        return f"{self.codec} {self.sample_rate} Hz, channels: {self.channels}"

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "times"}


def content_of(codec: str, extradata: bytes) -> Callable[[Any], Any]:
    """What of a packet has to be the same in another container."""
    if codec != "h264":
        return lambda packet: packet
    length_size = packets.avc_length_size(extradata)
    return lambda packet: packets.h264_content(bytes(packet), length_size=length_size)


def settings_of(stream: Any) -> bytes:
    """What a decoder needs before the first packet; empty if there is none."""
    return bytes(stream.codec_context.extradata or b"")


class Gatherer:
    """Sums up one stream of an open container as its packets pass by."""

    def __init__(self, stream: Any, turn: int | None = 0) -> None:
        self.stream = stream
        self.turn = turn
        self.kind: Kind = stream.type
        self.codec: str = stream.codec_context.name
        self.unit = float(stream.time_base)
        self.extradata = settings_of(stream)
        self.content = content_of(self.codec, self.extradata)
        self.stated_size = packets.SIZE_OF_PICTURE.get(self.codec)
        self.hash = hashlib.sha256()
        self.times: array[float] = array("d")
        self.sizes: list[tuple[int, int, float]] = []  # with the time from which on
        self.settings: set[bytes] = set()
        self.leading = self.corrupt = self.keyframes = self.size = 0
        self.end = 0.0
        self.last_order: int | None = None
        self.monotonic = True

    def take(self, packet: Any) -> None:
        if packet.is_corrupt:
            self.corrupt += 1
            return
        if self.kind == "video" and not self.keyframes and not packet.is_keyframe:
            self.leading += 1
            return
        time = packet.pts * self.unit
        self.times.append(time)
        self.size += packet.size
        self.hash.update(self.content(packet))
        if self.kind == "audio":
            self.end = max(self.end, time + self._length(packet))
        order = packet.dts if packet.dts is not None else packet.pts
        if self.last_order is not None and order < self.last_order:
            self.monotonic = False
        self.last_order = order
        if self.kind == "video":
            self._note_picture(packet, time)

    def _length(self, packet: Any) -> float:
        if self.codec == "opus":
            return packets.opus_seconds(memoryview(packet))
        return float((packet.duration or 0) * self.unit)

    def _note_picture(self, packet: Any, time: float) -> None:
        self.keyframes += packet.is_keyframe
        size = self.stated_size(memoryview(packet)) if self.stated_size else None
        if size and (not self.sizes or size != self.sizes[-1][:2]):
            self.sizes.append((*size, time))
        if self.codec == "h264" and packet.is_keyframe:
            width = packets.avc_length_size(self.extradata)
            self.settings.update(packets.picture_settings(bytes(packet), length_size=width))

    def track(self) -> Track | None:
        """The sum, or `None` if nothing came by."""
        if not self.times:
            return None
        context = self.stream.codec_context
        video = self.kind == "video"
        ordered = sorted(self.times)
        end = ordered[-1] + _usual_step(ordered) if video else self.end
        return Track(
            kind=self.kind,
            codec=self.codec,
            extradata=self.extradata.hex(),
            width=context.width if video else None,
            height=context.height if video else None,
            pixel_format=context.pix_fmt if video else None,
            sample_rate=None if video else context.sample_rate,
            channels=None if video else context.layout.nb_channels,
            packets=len(self.times),
            leading=self.leading,
            corrupt=self.corrupt,
            keyframes=self.keyframes,
            size=self.size,
            sizes=self._sizes(end),
            steady=self._is_steady((context.width, context.height) if video else None),
            turn=self.turn,
            aspect=float(self.stream.sample_aspect_ratio or 1) if video else 1.0,
            start=ordered[0],
            last=ordered[-1],
            end=end,
            monotonic=self.monotonic,
            digest=self.hash.hexdigest(),
            times=self.times,
        )

    def _is_steady(self, announced: tuple[int, int] | None) -> bool:
        stated = {size[:2] for size in self.sizes}
        return stated <= {announced} and len(self._settings()) < 2

    def _sizes(self, end: float) -> tuple[Size, ...]:
        ends = [time for _, _, time in self.sizes[1:]] + [end]
        return tuple(
            Size(width, height, until - time)
            for (width, height, time), until in zip(self.sizes, ends, strict=False)
        )

    def _settings(self) -> set[bytes]:
        """All sets of H.264 settings, whether they stand in the header or with the pictures."""
        if self.codec != "h264":
            return set()
        announced = packets.parameter_sets(self.extradata)
        return self.settings | {unit for unit in announced if unit[0] & 31 == packets.SPS}


def _usual_step(times: list[float]) -> float:
    """Median distance in seconds between neighbours."""
    if len(times) < 2:
        return LONE_FRAME
    return float(median(later - sooner for sooner, later in pairwise(times)))
