"""What a recorder writes, for ever: the seconds of a real recording, again and again.

Nothing of it has to be remembered, since it can be had anew. So a thousand participants take no
memory for what they recorded, and at the end every byte can be held against what was kept.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from qualz.media.containers import CLUSTER, SEGMENT, element_at
from qualz.media.matroska import HEAD, SIMPLE_BLOCK, TIMESTAMP, VOID, Block, Reader, element

SAMPLE = Path(__file__).parent / "samples" / "sound.webm"
SLICE = 1000  # milliseconds: what browsers hand over at once, as the room's page asks them to
SHORT = 100  # milliseconds that the last second of a recording may lack
SIZE_UNKNOWN = b"\x01" + 7 * b"\xff"


class NoMedia(Exception):
    """The file cannot be cut into seconds; the message says why."""


@dataclass(frozen=True)
class Media:
    """A WebM recording, cut into seconds. `head`: what stands in front of the first of them."""

    head: bytes
    seconds: tuple[bytes, ...]
    has_camera: bool

    @classmethod
    def read(cls, path: Path = SAMPLE) -> Self:
        """Raises `NoMedia`."""
        with Reader(path) as reader:
            blocks = [block for block in reader.blocks() if block.element[0] == SIMPLE_BLOCK]
            kinds = {track.kind for track in reader.tracks}
        whole = (blocks[-1].time + SHORT) // SLICE if blocks else 0
        if whole < 1:
            raise NoMedia(f"{path} is no WebM recording of a second or more.")
        seconds = [[block for block in blocks if block.time // SLICE == n] for n in range(whole)]
        return cls(_endless(path), tuple(map(_without_place, seconds)), "video" in kinds)

    @property
    def reported_type(self) -> str:
        return "video/webm" if self.has_camera else "audio/webm;codecs=opus"


def _endless(path: Path) -> bytes:
    """All in front of the first cluster, of a file whose length nobody knows yet."""
    data = path.read_bytes()
    front = data[: data.index(CLUSTER.to_bytes(4, "big"))]
    name = SEGMENT.to_bytes(4, "big")
    at = front.index(name)
    head = element_at(front[at : at + HEAD])
    if head is None:
        raise NoMedia(f"{path} is damaged.")
    return front[:at] + name + SIZE_UNKNOWN + front[at + head[2] :]


def _without_place(blocks: Iterable[Block]) -> bytes:
    """The blocks of a second, whichever second it becomes."""
    return b"".join(
        block.element[: block.at + 1]
        + struct.pack(">h", block.time % SLICE)
        + block.element[block.at + 3 :]
        for block in blocks
    )


class Take:
    """One run of a participant's recorder: slices of a second each, counted from 0.

    `whose` is in every slice, so that bytes which came into another recording are found.
    """

    def __init__(self, media: Media, whose: int) -> None:
        self._media = media
        self._whose = whose
        lengths = [len(_cluster(0, blocks, 0, 0)) for blocks in media.seconds]
        self._ends = [sum(lengths[: n + 1]) for n in range(len(lengths))]

    def slice(self, n: int) -> bytes:
        blocks = self._media.seconds[n % len(self._media.seconds)]
        made = _cluster(n * SLICE, blocks, self._whose, n)
        return made if n else self._media.head + made

    def length(self, count: int) -> int:
        """Bytes of the first `count` slices."""
        if count == 0:
            return 0
        rounds, more = divmod(count, len(self._ends))
        return (
            len(self._media.head) + rounds * self._ends[-1] + (self._ends[more - 1] if more else 0)
        )

    def slices_within(self, length: int) -> int:
        """How many slices are whole in the first `length` bytes."""
        rounds, more = divmod(max(0, length - len(self._media.head)), self._ends[-1])
        return rounds * len(self._ends) + bisect_right(self._ends, more)

    def read(self, at: int, until: int, most: int) -> tuple[bytes, int]:
        """Bytes from `at` on: whole slices up to the one with the number `until`, as many as are
        not more than `most` bytes, but one at least. Answers the number after the last one too."""
        first = after = self.slices_within(at)
        pieces: list[bytes] = []
        count = self.length(first) - at
        while after < until and (not pieces or count + self._size(after) <= most):
            pieces.append(self.slice(after))
            count += len(pieces[-1])
            after += 1
        return b"".join(pieces)[at - self.length(first) :], after

    def _size(self, n: int) -> int:
        return self.length(n + 1) - self.length(n)


def _cluster(ms: int, blocks: bytes, whose: int, n: int) -> bytes:
    """A cluster at its time, the mark in front of it."""
    mark = element(VOID, struct.pack(">QQ", whose, n))
    return mark + element(CLUSTER, element(TIMESTAMP, ms.to_bytes(8, "big")), blocks)
