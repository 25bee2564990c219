"""One track of a recording, summed up from its packets."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any, Literal

from qualz.media import packets

Kind = Literal["video", "audio"]

LONE_FRAME = 0.2  # seconds that a picture lasts when there is no other to tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Times are seconds on the file's own clock, sizes pixels, rates hertz.

    `packets` counts what can be kept: a picture starts at its first key frame, and what leads up
    to it (`leading` packets) shows nothing; `corrupt` ones break off in the middle. `digest` is
    SHA-256 over the content of the kept packets in order.
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
    sizes: tuple[tuple[int, int], ...]  # at VP8 key frames, in order of appearance
    start: float
    last: float
    end: float
    monotonic: bool
    digest: str
    times: array[float] = field(repr=False, compare=False)  # of each kept packet

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

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.kind: Kind = stream.type
        self.codec: str = stream.codec_context.name
        self.unit = float(stream.time_base)
        self.content = content_of(self.codec, settings_of(stream))
        self.hash = hashlib.sha256()
        self.times: array[float] = array("d")
        self.sizes: list[tuple[int, int]] = []
        self.leading = self.corrupt = self.keyframes = 0
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
        self.hash.update(self.content(packet))
        if self.kind == "audio":
            self.end = max(self.end, time + self._length(packet))
        order = packet.dts if packet.dts is not None else packet.pts
        if self.last_order is not None and order < self.last_order:
            self.monotonic = False
        self.last_order = order
        if packet.is_keyframe:
            self.keyframes += 1
            if self.codec == "vp8":
                self._note_size(packets.vp8_size(memoryview(packet)))

    def _length(self, packet: Any) -> float:
        if self.codec == "opus":
            return packets.opus_seconds(memoryview(packet))
        return float((packet.duration or 0) * self.unit)

    def _note_size(self, size: tuple[int, int] | None) -> None:
        if size and size not in self.sizes:
            self.sizes.append(size)

    def track(self) -> Track | None:
        """The sum, or `None` if nothing came by."""
        if not self.times:
            return None
        context = self.stream.codec_context
        video = self.kind == "video"
        ordered = sorted(self.times)
        return Track(
            kind=self.kind,
            codec=self.codec,
            extradata=settings_of(self.stream).hex(),
            width=context.width if video else None,
            height=context.height if video else None,
            pixel_format=context.pix_fmt if video else None,
            sample_rate=None if video else context.sample_rate,
            channels=None if video else context.layout.nb_channels,
            packets=len(self.times),
            leading=self.leading,
            corrupt=self.corrupt,
            keyframes=self.keyframes,
            sizes=tuple(self.sizes),
            start=ordered[0],
            last=ordered[-1],
            end=ordered[-1] + _usual_step(ordered) if video else self.end,
            monotonic=self.monotonic,
            digest=self.hash.hexdigest(),
            times=self.times,
        )


def _usual_step(times: list[float]) -> float:
    """Median distance in seconds between neighbours."""
    if len(times) < 2:
        return LONE_FRAME
    return float(median(later - sooner for sooner, later in pairwise(times)))
