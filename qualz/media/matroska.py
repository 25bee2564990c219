"""Matroska and WebM as far as joining needs them: blocks are read as they lie, elements written.

Names, numbers and types of the elements: RFC 9559; how they are wrapped: RFC 8794. Whatever comes
from a browser may be torn, damaged or malicious: it is read until it makes no sense any more.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from qualz.media.containers import (
    CLUSTER,
    SEGMENT,
    TRACK_ENTRY,
    TRACK_TYPE,
    TRACKS,
    element_at,
)

TIMESTAMP, SIMPLE_BLOCK, BLOCK_GROUP, BLOCK, REFERENCE = 0xE7, 0xA3, 0xA0, 0xA1, 0xFB
INFO, TIMESTAMP_SCALE = 0x1549A966, 0x2AD7B1
TRACK_NUMBER, ENCODINGS, VOID = 0xD7, 0x6D80, 0xEC

KINDS = {1: "video", 2: "audio"}
MILLISECONDS = 1_000_000  # the TimestampScale, in nanoseconds, that all browsers write
KEY, LACING = 0x80, 0x06  # flags of a SimpleBlock

HEAD = 12  # bytes that an identifier and a size take at most
AT_ONCE = 1 << 20  # bytes that are read in one go
LARGEST = 64 << 20  # bytes: no picture of a browser comes near it


class Block(NamedTuple):
    """One packet with its wrapping. `at`: where in it the track's number and the time stand."""

    track: int
    time: int  # milliseconds on its file's clock
    flags: int
    element: bytes
    at: int

    @property
    def is_key(self) -> bool:
        return bool(self.flags & KEY)

    @property
    def is_simple(self) -> bool:
        return self.element[0] == SIMPLE_BLOCK

    @property
    def is_laced(self) -> bool:
        return bool(self.flags & LACING)


@dataclass(frozen=True, slots=True)
class TrackEntry:
    """A track as its file describes it. `fields`: all that is said but for its number."""

    number: int
    kind: str  # video, audio; otherwise empty
    fields: bytes

    @property
    def is_encoded(self) -> bool:
        """Whether its packets are packed once more, in a way that the entry tells."""
        return any(name == ENCODINGS for name, _ in children(self.fields))


class Reader:
    """Goes through a file once, from the front to where it ends or stops making sense."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._data = b""
        self._at = 0
        self.tracks: list[TrackEntry] = []
        self.scale = MILLISECONDS

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes that have been read."""
        return self._file.tell() - len(self._data) + self._at

    def blocks(self) -> Iterator[Block]:
        """All blocks in their order. `tracks` and `scale` are known when the first one comes."""
        time = 0
        while True:
            yield from self._simple_blocks(time)
            self._has(HEAD)
            head = element_at(self._data[self._at : self._at + HEAD])
            if head is None:
                return
            name, size, length = head
            if name in (SEGMENT, CLUSTER):
                self._at += length
                continue
            if size is None or size > LARGEST or not self._has(length + size):
                return
            begin = self._at
            self._at = begin + length + size
            body = self._data[begin + length : self._at]
            if name in (SIMPLE_BLOCK, BLOCK_GROUP):
                if block := _block(name, body, time):
                    yield block
            elif name == TIMESTAMP:
                # Eight bytes are the most that a number may have.
                time = int.from_bytes(body[:8], "big")
            elif name == INFO:
                self.scale = _number_in(body, TIMESTAMP_SCALE, MILLISECONDS)
            elif name == TRACKS:
                self.tracks = [
                    _track(entry) for ident, entry in children(body) if ident == TRACK_ENTRY
                ]

    def _simple_blocks(self, time: int) -> Iterator[Block]:
        """The next ones of a usual length, as far as they are in hand.

        An hour has 300,000 of them: here they cost a third of what they do above.
        """
        data, at = self._data, self._at
        safe = len(data) - HEAD
        while at < safe and data[at] == SIMPLE_BLOCK:
            first = data[at + 1]
            if 0x40 <= first < 0x7F:
                size, length = (first & 0x3F) << 8 | data[at + 2], 3
            elif 0x84 <= first < 0xFF:
                size, length = first & 0x7F, 2
            else:
                return
            begin, end = at + length, at + length + size
            if end > len(data) or size < 4 or data[begin] < 0x80:
                return
            track, relative, flags = _BLOCK_HEAD.unpack_from(data, begin)
            yield Block(track & 0x7F, time + relative, flags, data[at:end], length)
            self._at = at = end

    def _has(self, count: int) -> bool:
        """Whether so many bytes more can be looked at; they are then in hand."""
        if len(self._data) - self._at < count:
            self._data = self._data[self._at :] + self._file.read(max(count, AT_ONCE))
            self._at = 0
        return len(self._data) - self._at >= count


_BLOCK_HEAD = struct.Struct(">BhB")  # track, time relative to the cluster, flags


def _block(name: int, body: bytes, cluster_time: int) -> Block | None:
    """A block, perhaps with words about it. One that refers to no other is a key frame then."""
    about = dict(children(body)) if name == BLOCK_GROUP else {BLOCK: body}
    block = about.get(BLOCK, b"")
    if len(block) < 4 or block[0] < 0x80:
        return None
    track, relative, flags = _BLOCK_HEAD.unpack_from(block)
    if name == BLOCK_GROUP:
        # There the flag means nothing.
        flags = flags & ~KEY if REFERENCE in about else flags | KEY
    whole = element(name, body)
    at = len(whole) - len(body) + body.index(block)
    return Block(track & 0x7F, cluster_time + relative, flags, whole, at)


def _track(entry: bytes) -> TrackEntry:
    fields = b"".join(
        element(name, body) for name, body in children(entry) if name not in (TRACK_NUMBER, VOID)
    )
    kind = KINDS.get(_number_in(entry, TRACK_TYPE, 0), "")
    return TrackEntry(_number_in(entry, TRACK_NUMBER, 0), kind, fields)


def _number_in(body: bytes, wanted: int, otherwise: int) -> int:
    found = (int.from_bytes(value, "big") for name, value in children(body) if name == wanted)
    return next(found, otherwise)


def children(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements inside of another, as far as they make sense."""
    at = 0
    while head := element_at(body[at : at + HEAD]):
        name, size, length = head
        at += length
        if size is None or at + size > len(body):
            return
        yield name, body[at : at + size]
        at += size


def element(name: int, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return identifier(name) + size_field(len(body)) + body


def identifier(name: int) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big")


def size_field(size: int, width: int | None = None) -> bytes:
    """`width` bytes wide, or as few as will do; that with all bits set would mean “unknown”."""
    width = width or next(n for n in range(1, 9) if size < (1 << 7 * n) - 1)
    return (size | 1 << 7 * width).to_bytes(width, "big")


def number(name: int, value: int, width: int | None = None) -> bytes:
    return element(name, value.to_bytes(width or max(1, (value.bit_length() + 7) // 8), "big"))


def text(name: int, value: str) -> bytes:
    return element(name, value.encode())


def real(name: int, value: float) -> bytes:
    return element(name, struct.pack(">d", value))


def void(size: int) -> bytes:
    """An element of `size` bytes in all (nine at least) that means nothing."""
    return identifier(VOID) + size_field(size - 9, 8) + bytes(size - 9)
