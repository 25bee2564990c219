"""What is whole of a damaged fragmented MP4 (ISO/IEC 14496-12 section 8.8), sample by sample.

A fragment (`moof`) says when it begins and where each of its samples lies, so what follows a hole
keeps its time, and of a fragment that is hit only the samples are lost that lie in the hole.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from qualz.media.order import unbroken
from qualz.media.packets import SILENT_OPUS
from qualz.media.stretches import MOST_PACKETS, Bytes, Found, Packet, Stretch, empty_runs

_KNOWN = {
    *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx"),
    *(b"ssix", b"prft", b"emsg", b"mfra", b"meta", b"udta", b"uuid", b"pdin"),
}
_INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"}
_NOT_A_KEY = 0x0001_0000  # sample_is_non_sync_sample
_DEPTH = 8  # boxes in one another, at most
_SHORTEST_PACKET = 0.005  # seconds; a track whose clock says less is damaged
_SHORTEST = 16  # noughts that tell where a hole begins

# One packet in which nothing is heard, and its samples.
_OPUS = (SILENT_OPUS, 960)
_AAC = {
    1: (bytes.fromhex("00c800802380"), 1024),
    2: (bytes.fromhex("210049900219002380"), 1024),
}


@dataclass(frozen=True, slots=True)
class _Box:
    name: bytes
    at: int
    start: int  # of what is in it
    end: int


@dataclass(slots=True)
class _Track:
    number: int = 0
    scale: int = 1  # ticks a second
    kind: bytes = b""
    codec: bytes = b""
    channels: int = 1
    length: int = 0  # what a fragment need not repeat of its samples
    size: int = 0
    flags: int = 0


@dataclass(slots=True)
class _Defaults:
    base: int
    length: int
    size: int
    flags: int


class Fragments:
    """A file whose header can be read. Raises `ValueError` if it cannot, or has no fragments."""

    def __init__(self, data: Bytes, beat: Callable[[], None]) -> None:
        self.data = data
        self.empty = empty_runs(data)
        self.tracks: dict[int, _Track] = {}
        self.written_so_far = 0
        # Each sample takes some bytes, in its fragment and beside it, and is read twice or so.
        self.samples_left = min(len(data), 4 * MOST_PACKETS)
        try:
            self.start = self._read_header()
        except (struct.error, IndexError) as error:
            raise ValueError("the header is damaged") from error
        self.sound = self._first(b"soun")
        self.picture = self._first(b"vide")
        self.found = Found(beat)
        self._read(self.start)

    def _u32(self, at: int) -> int:
        return int.from_bytes(self.data[at : at + 4], "big")

    def _box(self, at: int, until: int) -> _Box | None:
        """The box that begins there; its end may lie beyond the file's, which breaks off then."""
        size, name = self._u32(at), bytes(self.data[at + 4 : at + 8])
        start = at + 8
        if size == 1:
            size, start = int.from_bytes(self.data[at + 8 : at + 16], "big"), at + 16
        if at + 8 > until or size < start - at:
            return None
        return _Box(name, at, start, at + size)

    def _first(self, kind: bytes) -> int | None:
        return next((t.number for t in self.tracks.values() if t.kind == kind), None)

    def _boxes(self, at: int, until: int) -> Iterator[_Box]:
        while (box := self._box(at, until)) and box.end <= until:
            yield box
            at = box.end

    def _all_boxes(self, at: int, until: int, depth: int = 0) -> Iterator[_Box]:
        for box in self._boxes(at, until):
            yield box
            if box.name in _INSIDE and depth < _DEPTH:
                yield from self._all_boxes(box.start, box.end, depth + 1)

    # --- The header ------------------------------------------------------------------------------

    def _read_header(self) -> int:
        """Where the first fragment begins."""
        for box in self._boxes(0, len(self.data)):
            if box.name not in _KNOWN:
                break
            if box.name == b"moov":
                self._read_movie(box)
            if box.name in (b"moof", b"mdat"):
                if self.tracks and box.name == b"moof":
                    return box.at
                break
        raise ValueError("no fragments")

    def _read_movie(self, movie: _Box) -> None:
        track = _Track()
        for box in self._all_boxes(movie.start, movie.end):
            at = box.start
            late = self.data[at] == 1  # versions with 64 bits for each time
            if box.name == b"tkhd":
                track = _Track(number=self._u32(at + (20 if late else 12)))
                self.tracks[track.number] = track
            elif box.name == b"mdhd":
                track.scale = self._u32(at + (20 if late else 12)) or 1
            elif box.name == b"hdlr" and not track.kind:
                track.kind = bytes(self.data[at + 8 : at + 12])
            elif box.name == b"stsd":
                track.codec = bytes(self.data[at + 12 : at + 16])
                if track.kind == b"soun":
                    track.channels = int.from_bytes(self.data[at + 32 : at + 34], "big")
            elif box.name == b"trex" and (told := self.tracks.get(self._u32(at + 4))):
                told.length, told.size, told.flags = (self._u32(at + o) for o in (12, 16, 20))

    # --- The fragments ---------------------------------------------------------------------------

    def _read(self, at: int) -> None:
        samples: list[Packet] = []
        while at < len(self.data):
            box = self._box(at, len(self.data))
            if box is None or box.name not in _KNOWN:
                self._take(samples, self._intact_until(at, samples))
                samples = []
                if len(self.data) - at < 8:
                    return
                again = self._next_fragment(at)
                self.found.skip(again - at)
                at = again
                continue
            if box.name == b"moof" or box.end > len(self.data):
                self._take(samples, at)
                samples = []
            if box.name == b"moof":
                samples = self._samples(box)
                following = self._box(box.end, len(self.data))
                if not samples or following is None or following.name != b"mdat":
                    samples = []
                    again = self._next_fragment(at + 8)
                    self.found.skip(again - at)
                    at = again
                    continue
                if following.end > len(self.data):
                    again = self._next_fragment(box.end)
                    if again == len(self.data):
                        # It breaks off here, as a file does that is still being sent.
                        break
                    self.found.skip(again - at)
                    at, samples = again, []
                    continue
            at = box.end
        self._take(samples, len(self.data))

    def _intact_until(self, at: int, samples: list[Packet]) -> int:
        """Up to where media before damage can be believed."""
        if self.data[at - 1] != 0 and not any(self.data[at : at + _SHORTEST]):
            return at
        back = at
        first = samples[0].at if samples else at
        while back > first and self.data[back - 1] == 0:
            back -= 1
        return back if at - back >= _SHORTEST else first

    def _take(self, samples: list[Packet], until: int) -> None:
        """Keep the samples that lie before an offset, in runs of one track without a hole."""
        whole = [sample for sample in samples if sample.at + sample.size <= until]
        for _, run in groupby(whole, key=lambda sample: sample.track):
            unbroken(list(run), self.empty, self.found)

    def _next_fragment(self, at: int) -> int:
        at += 4
        while (at := self.data.find(b"moof", at)) >= 0:
            box = self._box(at - 4, len(self.data))
            if box and box.end <= len(self.data) and self._samples(box):
                return box.at
            at += 4
        return len(self.data)

    def _samples(self, fragment: _Box) -> list[Packet]:
        """All samples of a fragment; none if it makes no sense."""
        found: list[Packet] = []
        try:
            for box in self._boxes(fragment.start, fragment.end):
                if box.name == b"traf":
                    found += self._samples_of_track(box, fragment.at)
        except (struct.error, KeyError, IndexError):
            return []
        return found

    def _samples_of_track(self, box: _Box, base: int) -> list[Packet]:
        number, time, found = 0, 0, []
        told = _Defaults(base, 0, 0, 0)
        for inner in self._boxes(box.start, box.end):
            if inner.name == b"tfhd":
                number, told = self._track_header(inner.start, base)
            elif inner.name == b"tfdt":
                late = self.data[inner.start] == 1
                time = struct.unpack_from(">Q" if late else ">I", self.data, inner.start + 4)[0]
            elif inner.name == b"trun":
                run = list(self._run(inner, self.tracks[number], time, told))
                found += run
                time += sum(round(p.length * self.tracks[number].scale) for p in run)
        return found

    def _track_header(self, at: int, base: int) -> tuple[int, _Defaults]:
        flags, number = self._u32(at) & 0xFFFFFF, self._u32(at + 4)
        track = self.tracks[number]
        told = _Defaults(base, track.length, track.size, track.flags)
        at += 8
        if flags & 0x01:
            told.base = int.from_bytes(self.data[at : at + 8], "big")
            at += 8
        at += 4 * bool(flags & 0x02)
        for bit, name in ((0x08, "length"), (0x10, "size"), (0x20, "flags")):
            if flags & bit:
                setattr(told, name, self._u32(at))
                at += 4
        return number, told

    def _run(self, box: _Box, track: _Track, time: int, told: _Defaults) -> Iterator[Packet]:
        flags, count = self._u32(box.start) & 0xFFFFFF, self._u32(box.start + 4)
        at, offset = box.start + 8, told.base
        if flags & 0x001:
            offset += struct.unpack_from(">i", self.data, at)[0]
            at += 4
        first = told.flags
        if flags & 0x004:
            first = self._u32(at)
            at += 4
        fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
        if count * len(fields) * 4 > box.end - at:
            raise IndexError("a run is longer than its box")
        # Without fields it is the count alone that says how much there is.
        if offset < 0 or (count and not fields and not 0 < told.size * count <= len(self.data)):
            raise IndexError("a run is longer than the file")
        self.samples_left -= count
        if self.samples_left < 0:
            raise ValueError("more samples than bytes")
        for number in range(count):
            values = struct.unpack_from(f">{len(fields)}I", self.data, at)
            stated = dict(zip(fields, values, strict=True))
            at += 4 * len(fields)
            length, size = stated.get(0x100, told.length), stated.get(0x200, told.size)
            shown = stated.get(0x800, 0)
            yield Packet(
                track=track.number,
                time=time / track.scale,
                length=length / track.scale,
                at=offset,
                size=size,
                key=not stated.get(0x400, first if number == 0 else told.flags) & _NOT_A_KEY,
                shift=shown - (1 << 32) if shown & (1 << 31) else shown,
            )
            time, offset = time + length, offset + size

    # --- Writing ---------------------------------------------------------------------------------

    def header(self) -> bytes:
        return bytes(self.data[: self.start])

    def written(self, stretch: Stretch) -> bytes:
        media = b"".join(bytes(self.data[p.at : p.at + p.size]) for p in stretch.packets)
        return self._fragment(stretch.packets, media)

    def silence(self, start: float, end: float) -> bytes:
        if self.sound is None:
            return b""
        track = self.tracks[self.sound]
        made = _OPUS if track.codec == b"Opus" else None
        made = _AAC.get(track.channels) if track.codec == b"mp4a" else made
        if made is None:
            return b""
        packet, samples = made
        length = samples / track.scale
        if length < _SHORTEST_PACKET:
            return b""
        quiet = [
            Packet(
                track=track.number,
                time=start + number * length,
                length=length,
                at=0,
                size=len(packet),
                key=True,
            )
            for number in range(int((end - start) / length))
        ]
        return self._fragment(quiet, packet * len(quiet)) if quiet else b""

    def _fragment(self, packets_: Sequence[Packet], media: bytes) -> bytes:
        track = self.tracks[packets_[0].track]
        self.written_so_far += 1
        entries = b"".join(
            struct.pack(
                ">IIIi",
                round(packet.length * track.scale),
                packet.size,
                0x0200_0000 if packet.key else 0x0100_0000 | _NOT_A_KEY,
                packet.shift,
            )
            for packet in packets_
        )
        header = _box(b"mfhd", struct.pack(">II", 0, self.written_so_far))
        of_track = _box(b"tfhd", struct.pack(">II", 0x020000, track.number))
        begins = struct.pack(">IQ", 1 << 24, round(packets_[0].time * track.scale))
        of_track += _box(b"tfdt", begins)
        # In front of the media: this fragment's boxes, and the head of the one that holds it.
        length = 8 + len(header) + 8 + len(of_track) + 8 + 12 + len(entries) + 8
        run = struct.pack(">III", 1 << 24 | 0xF01, len(packets_), length) + entries
        whole = _box(b"moof", header + _box(b"traf", of_track + _box(b"trun", run)))
        return whole + _box(b"mdat", media)


def _box(name: bytes, inside: bytes) -> bytes:
    return struct.pack(">I", 8 + len(inside)) + name + inside


def is_intact(path: Path) -> bool:
    """Whether the boxes of a file follow one another to its end. Never raises for what is read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at < size:
            file.seek(at)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length < 8 or head[4:8] not in _KNOWN:
                return length == 0 and head[4:8] == b"mdat"
            at += length
    return at == size
