"""What is whole of a damaged WebM or Matroska file (RFC 9559), cluster by cluster.

A cluster says when it begins, so what follows a hole keeps its time. Where something in a cluster
cannot be read, the rest of it has no place in time any more: reading goes on at the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qualz.media import packets
from qualz.media.containers import (
    CLUSTER,
    CUES,
    EBML,
    SEGMENT,
    TRACK_ENTRY,
    TRACK_TYPE,
    TRACKS,
    element_at,
)
from qualz.media.matroska import (
    BLOCK,
    BLOCK_GROUP,
    INFO,
    REFERENCE,
    SIMPLE_BLOCK,
    TIMESTAMP,
    TIMESTAMP_SCALE,
    TRACK_NUMBER,
    VOID,
)
from qualz.media.order import unbroken
from qualz.media.packets import SILENT_OPUS, SILENT_SECONDS
from qualz.media.stretches import (
    MOST_PACKETS,
    Bytes,
    Found,
    Packet,
    Stretch,
    empty_runs,
)

SEEK_HEAD, TAGS, CHAPTERS, ATTACHMENTS = 0x114D9B74, 0x1254C367, 0x1043A770, 0x1941A469
CHECKSUM, POSITION, PREVIOUS_SIZE, CODEC = 0xBF, 0xA7, 0xAB, 0x86
VOID_HEAD = 9  # bytes

_OF_A_SEGMENT = {INFO, SEEK_HEAD, TAGS, CHAPTERS, ATTACHMENTS, TRACKS, CUES, VOID, CHECKSUM}
_BESIDE_BLOCKS = {POSITION, PREVIOUS_SIZE, VOID, CHECKSUM}
_MARK = CLUSTER.to_bytes(4, "big")
_LACED, _KEY = 0x06, 0x80

VIDEO, AUDIO = 1, 2
ROUND = 5.0  # seconds of silence in one cluster
# Ticks from a cluster's time to that of a block in it, which has two bytes for them.
NEAREST, FURTHEST = -(1 << 15), (1 << 15) - 1
# Nanoseconds a tick: a thousand times finer or ten times coarser than what browsers write.
SCALES = range(1_000, 10_000_001)


@dataclass(frozen=True, slots=True)
class _Track:
    number: int
    kind: int
    codec: str


class Clusters:
    """A file whose header can be read. Raises `ValueError` if it cannot."""

    def __init__(self, data: Bytes, beat: Callable[[], None]) -> None:
        self.data = data
        self.empty = empty_runs(data)
        self.unit = 0.001  # seconds a tick
        self.tracks: dict[int, _Track] = {}
        self.start = self._read_header()
        self.sound = self._first(AUDIO)
        self.picture = self._first(VIDEO)
        self.found = Found(beat)
        self._read(self.start)

    # --- The header ------------------------------------------------------------------------------

    def _read_header(self) -> int:
        """Where the first cluster begins."""
        at = 0
        while True:
            read = element_at(self.data[at : at + 12])
            if read is None:
                raise ValueError("no cluster")
            name, size, length = read
            if name == CLUSTER:
                return at
            at += length
            if name == SEGMENT:
                continue
            if size is None or name not in _OF_A_SEGMENT | {int.from_bytes(EBML, "big")}:
                raise ValueError("no cluster")
            self._note(name, at, size)
            at += size

    def _note(self, name: int, at: int, size: int) -> None:
        if name == INFO:
            for child, start, length in self._children(at, at + size):
                if child == TIMESTAMP_SCALE:
                    scale = self._number(start, length)
                    if scale not in SCALES:
                        raise ValueError("its clock cannot be read")
                    self.unit = scale / 1e9
        elif name == TRACKS:
            for child, start, length in self._children(at, at + size):
                if child == TRACK_ENTRY:
                    track = self._track(start, start + length)
                    self.tracks[track.number] = track

    def _track(self, at: int, end: int) -> _Track:
        told = {name: (start, size) for name, start, size in self._children(at, end)}
        start, size = told.get(CODEC, (at, 0))
        return _Track(
            self._number(*told.get(TRACK_NUMBER, (at, 0))),
            self._number(*told.get(TRACK_TYPE, (at, 0))),
            bytes(self.data[start : start + size]).decode("ascii", "replace"),
        )

    def _first(self, kind: int) -> int | None:
        return next((t.number for t in self.tracks.values() if t.kind == kind), None)

    def _children(self, at: int, end: int) -> Iterator[tuple[int, int, int]]:
        while at < end and (read := element_at(self.data[at : at + 12])):
            name, size, length = read
            if size is None or at + length + size > end:
                return
            yield name, at + length, size
            at += length + size

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self.data[at : at + size], "big")

    # --- The clusters ----------------------------------------------------------------------------

    def _read(self, at: int) -> None:
        while at < len(self.data):
            end, is_whole = self._element_of_segment(at)
            if not is_whole and end < len(self.data):
                again = self._next_cluster(end)
                self.found.skip(again - end)
                end = again
            at = end

    def _element_of_segment(self, at: int) -> tuple[int, bool]:
        """Where it ends, or where it can be read no further."""
        read = element_at(self.data[at : at + 12])
        if read is None:
            return at, False
        name, size, length = read
        if name == CLUSTER:
            return self._cluster(at + length, None if size is None else at + length + size)
        if name not in _OF_A_SEGMENT or size is None or at + length + size > len(self.data):
            return at, False
        return at + length + size, True

    def _cluster(self, at: int, end: int | None) -> tuple[int, bool]:
        began: int | None = None
        kept: list[Packet] = []
        whole = True
        while at < (len(self.data) if end is None else end):
            read = element_at(self.data[at : at + 12])
            if read is None:
                whole = False
                break
            name, size, length = read
            if end is None and (name == CLUSTER or name in _OF_A_SEGMENT - _BESIDE_BLOCKS):
                break
            past = at + length + (size or 0)
            packet = None
            if name in (SIMPLE_BLOCK, BLOCK_GROUP) and began is not None and size is not None:
                packet = self._packet(name, at, length, size, began)
            elif name == TIMESTAMP and began is None and size is not None and size <= 8:
                began = self._number(at + length, size)
            elif name not in _BESIDE_BLOCKS:
                size = None
            if packet and past > len(self.data) and self._next_cluster(at) == len(self.data):
                # It breaks off here, as a file does that is still being sent.
                at = len(self.data)
                break
            if size is None or past > len(self.data) or (name == SIMPLE_BLOCK and packet is None):
                whole = False
                break
            if packet:
                kept.append(packet)
                if len(kept) > MOST_PACKETS:
                    raise ValueError("more packets than any recorder makes")
            at = past
        if not whole and at < len(self.data) - 12 and kept and self._is_torn(kept[-1]):
            # What follows is not where it ends, so it may hold anything: another cluster, even.
            at = kept.pop().at + 4
        unbroken(kept, self.empty, self.found, (began or 0) * self.unit)
        return at, whole

    def _packet(self, name: int, at: int, length: int, size: int, began: int) -> Packet | None:
        start = at + length
        inside: dict[int, int] = {}
        if name == BLOCK_GROUP:
            inside = {child: found for child, found, _ in self._children(start, start + size)}
            if BLOCK not in inside:
                return None
            start = inside[BLOCK]
        head = self.data[start : start + 6]
        if len(head) < 6 or head[0] & 0x7F not in self.tracks or not head[0] & 0x80:
            return None
        track = self.tracks[head[0] & 0x7F]
        time = (began + int.from_bytes(head[1:3], "big", signed=True)) * self.unit
        opus = track.codec == "A_OPUS" and not head[3] & _LACED
        seconds = packets.opus_seconds(head[4:6]) if opus else 0.0
        return Packet(
            track=track.number,
            time=time,
            length=seconds,
            at=at,
            size=length + size,
            key=REFERENCE not in inside if inside else bool(head[3] & _KEY),
        )

    def _is_torn(self, packet: Packet) -> bool:
        """Whether a packet before damage may be hit: not where noughts begin just behind it."""
        end = packet.at + packet.size
        return self.data[end - 1] == 0 or any(self.data[end : end + 16])

    def _next_cluster(self, at: int) -> int:
        while (at := self.data.find(_MARK, at)) >= 0:
            read = element_at(self.data[at : at + 12])
            if read and self._begins_with_its_time(at + read[2]):
                return at
            at += 1
        return len(self.data)

    def _begins_with_its_time(self, at: int) -> bool:
        for _ in range(4):
            read = element_at(self.data[at : at + 12])
            if read is None or read[1] is None:
                return False
            if read[0] == TIMESTAMP:
                return read[1] <= 8
            if read[0] not in _BESIDE_BLOCKS:
                return False
            at += read[2] + read[1]
        return False

    # --- Writing ---------------------------------------------------------------------------------

    def header(self) -> bytes:
        """As it was, but for what it says about the rest: its length and where things lie."""
        head = bytearray(self.data[: self.start])
        at = 0
        while at < len(head) and (read := element_at(bytes(head[at : at + 12]))):
            name, size, length = read
            if name == SEGMENT:
                width = length - 4
                head[at + 4 : at + length] = bytes([(1 << (9 - width)) - 1]) + b"\xff" * (width - 1)
            if name == SEEK_HEAD and size is not None:
                void = length + size - VOID_HEAD
                if void >= 0:
                    head[at : at + VOID_HEAD] = bytes([VOID, 0x01]) + void.to_bytes(7, "big")
            at += length if name == SEGMENT else length + (size or 0)
        return bytes(head)

    def written(self, stretch: Stretch) -> bytes:
        """One cluster with the packets' own times; more where these lie too far apart for one."""
        clusters: list[tuple[int, list[bytes]]] = []
        began = self._ticks(stretch.start)
        for packet in stretch.packets:
            ticks = self._ticks(packet.time)
            if clusters and not NEAREST <= ticks - began <= FURTHEST:
                began = ticks
            if not clusters or clusters[-1][0] != began:
                clusters.append((began, []))
            block = bytearray(self.data[packet.at : packet.at + packet.size])
            self._set_time(block, ticks - began)
            clusters[-1][1].append(bytes(block))
        return b"".join(_cluster_of(began, blocks) for began, blocks in clusters)

    def _ticks(self, time: float) -> int:
        # A cluster cannot begin before nought; a demuxer takes no packet from before it either.
        return max(0, round(time / self.unit))

    def _set_time(self, block: bytearray, ticks: int) -> None:
        at = 0
        for name, start, _ in self._all_inside(block):
            if name in (SIMPLE_BLOCK, BLOCK):
                at = start
        block[at + 1 : at + 3] = ticks.to_bytes(2, "big", signed=True)

    def _all_inside(self, block: bytearray) -> Iterator[tuple[int, int, int]]:
        at = 0
        while read := element_at(bytes(block[at : at + 12])):
            name, size, length = read
            yield name, at + length, size or 0
            at += length if name == BLOCK_GROUP else length + (size or 0)

    def silence(self, start: float, end: float) -> bytes:
        if self.sound is None or self.tracks[self.sound].codec != "A_OPUS":
            return b""
        count = int((end - start) / SILENT_SECONDS)
        in_round = round(min(ROUND, FURTHEST * self.unit) / SILENT_SECONDS) or 1
        written = []
        for first in range(0, count, in_round):
            began = round((start + first * SILENT_SECONDS) / self.unit)
            blocks = []
            for number in range(first, min(count, first + in_round)):
                ticks = round((start + number * SILENT_SECONDS) / self.unit) - began
                inside = bytes([0x80 | self.sound]) + ticks.to_bytes(2, "big") + b"\x80"
                inside += SILENT_OPUS
                blocks.append(bytes([SIMPLE_BLOCK, 0x80 | len(inside)]) + inside)
            written.append(_cluster_of(began, blocks))
        return b"".join(written)


def _cluster_of(began: int, blocks: list[bytes]) -> bytes:
    inside = bytes([TIMESTAMP, 0x88]) + began.to_bytes(8, "big") + b"".join(blocks)
    return _MARK + b"\x01" + len(inside).to_bytes(7, "big") + inside
