"""What a recording holds, judged by its packets: headers of browser files lie or are silent."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any, Literal

import av

from qualz.media import packets
from qualz.media.containers import declares_video, sniff
from qualz.media.ffmpeg import UPLOADED_FORMATS

__all__ = ["Probe", "Track", "Unreadable", "declares_video", "probe", "sniff"]

Kind = Literal["video", "audio"]


class Unreadable(Exception):
    """There is no media to be had from a file; `reason` says why in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track. Times are seconds on the file's own clock; sizes are pixels.

    `packets` counts what can be kept: a picture starts at its first key frame, and what leads up
    to it (`leading` packets) shows nothing. `digest` is SHA-256 over the kept packets in order.
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
    sizes: tuple[tuple[int, int], ...]  # at key frames, in order of appearance
    start: float
    last: float
    end: float
    monotonic: bool
    digest: str
    times: array[float] = field(repr=False, compare=False)  # of each kept packet

    def as_json(self) -> dict[str, Any]:
        names = [name for name in self.__slots__ if name != "times"]
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A readable file: its container and its tracks, at most one picture and one sound."""

    container: str  # webm, mp4, ogg; otherwise the demuxer's name
    video: Track | None
    audio: Track | None

    @property
    def tracks(self) -> tuple[Track, ...]:
        return tuple(track for track in (self.video, self.audio) if track)

    @property
    def start(self) -> float:
        return min(track.start for track in self.tracks)

    @property
    def end(self) -> float:
        return max(track.end for track in self.tracks)

    @property
    def duration(self) -> float:
        return self.end - self.start

    def as_json(self) -> dict[str, Any]:
        return {
            "container": self.container,
            "start": self.start,
            "end": self.end,
            "duration": self.duration,
            "tracks": [track.as_json() for track in self.tracks],
        }


def probe(
    path: Path,
    *,
    formats: str = UPLOADED_FORMATS,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Probe:
    """Read every packet of the file, decode none.

    Raises `Unreadable`, with the reason in words.
    """
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        raise Unreadable("it is empty")
    with _opened(path, formats) as container:
        gatherers = {
            stream.index: _Gatherer(stream)
            for stream in (*container.streams.video[:1], *container.streams.audio[:1])
        }
        for number, packet in enumerate(_demuxed(container)):
            if gatherer := gatherers.get(packet.stream.index):
                gatherer.take(packet)
            if number % 4096 == 0:
                on_progress(min(1.0, (packet.pos or 0) / size))
        names = container.format.name.split(",")
    tracks = {gatherer.kind: gatherer.track() for gatherer in gatherers.values()}
    found = Probe(
        container="webm" if "webm" in names else "mp4" if "mp4" in names else names[0],
        video=tracks.get("video"),
        audio=tracks.get("audio"),
    )
    if not found.tracks:
        raise Unreadable("it has a header but no sound or picture")
    return found


def _opened(path: Path, formats: str) -> Any:
    options = {"format_whitelist": formats, "protocol_whitelist": "file"}
    try:
        return av.open(f"file:{path}", options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        if formats == UPLOADED_FORMATS and sniff(_head(path)) is None:
            raise Unreadable("it is not a recording of a known kind") from error
        raise Unreadable("its beginning is missing or damaged") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _demuxed(container: Any) -> Iterator[Any]:
    """Packets until the end, or until the damage that no demuxer gets past."""
    try:
        for packet in container.demux():
            if packet.size and packet.pts is not None:
                yield packet
    except (av.FFmpegError, OSError):
        return


class _Gatherer:
    """Sums up one stream's packets as they pass by."""

    def __init__(self, stream: Any) -> None:
        context = stream.codec_context
        self.stream = stream
        self.kind: Kind = stream.type
        self.codec = context.name
        self.extradata = bytes(context.extradata or b"")
        self.unit = Fraction(stream.time_base)
        self.content = content_of(self.codec, self.extradata)
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
        data = bytes(packet)
        time = float(packet.pts * self.unit)
        self.times.append(time)
        self.hash.update(self.content(data))
        self.end = max(self.end, time + self._length(packet, data))
        order = packet.dts if packet.dts is not None else packet.pts
        if self.last_order is not None and order < self.last_order:
            self.monotonic = False
        self.last_order = order
        if packet.is_keyframe:
            self.keyframes += 1
            if self.codec == "vp8" and (size := packets.vp8_size(data)) not in (None, *self.sizes):
                self.sizes.append(size)

    def _length(self, packet: Any, data: bytes) -> float:
        """Seconds a packet lasts; a picture's are known only once its neighbours are."""
        if self.codec == "opus":
            return packets.opus_seconds(data)
        return float((packet.duration or 0) * self.unit) if self.kind == "audio" else 0.0

    def track(self) -> Track | None:
        if not self.times:
            return None
        context = self.stream.codec_context
        video = self.kind == "video"
        ordered = sorted(self.times)
        if video:
            self.end = ordered[-1] + _usual_step(ordered)
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
            sizes=tuple(self.sizes),
            start=ordered[0],
            last=ordered[-1],
            end=self.end,
            monotonic=self.monotonic,
            digest=self.hash.hexdigest(),
            times=self.times,
        )


def content_of(codec: str, extradata: bytes) -> Callable[[bytes], bytes]:
    """What of a packet counts as its content when two containers are compared."""
    if codec != "h264":
        return bytes
    length_size = packets.avc_length_size(extradata)
    return lambda data: packets.h264_content(data, length_size=length_size)


def _usual_step(times: list[float]) -> float:
    """Median distance in seconds between neighbours; a lone frame counts as a fifth of a second."""
    if len(times) < 2:
        return 0.2
    return float(median(later - sooner for sooner, later in zip(times, times[1:], strict=False)))
