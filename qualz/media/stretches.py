"""What is whole of a damaged recording: stretches of packets between the places that are not.

Each container has a reader of its own (`clusters`, `fragments`, `ogg_pages`); what follows from
where things lie in time is the same for all and is here.
"""

from __future__ import annotations

import mmap
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Protocol

# Bytes that are nought from here to there. What has been encoded holds no such run, but a journal
# fills what a page took with it when it died.
EMPTY = 512
STRIDE = 128
MOST_RUNS = 100_000
MOST_PACKETS = 5_000_000  # twelve hours of them; each takes memory while a file is mended
ENDING = 32  # bytes by which a packet is known again in another container

KEPT_GOING = 60.0  # seconds that pictures are followed which build on lost ones
AUDIBLE = 0.100  # seconds without sound that have to be filled, so that a player keeps its time
LEAP = 3600.0  # seconds; a clock that jumps further is itself damaged

Bytes = bytes | mmap.mmap


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet: its `time` and `length` in seconds, and where its bytes lie in the file."""

    track: int
    time: float
    length: float
    at: int
    size: int
    key: bool = False
    shift: int = 0  # ticks from its place in the order to when it is shown


@dataclass(frozen=True, slots=True)
class Stretch:
    """Packets that belong together: a cluster, a run of a fragment's samples, a page."""

    packets: Sequence[Packet]

    @property
    def start(self) -> float:
        return min(packet.time for packet in self.packets)


@dataclass(frozen=True, slots=True)
class Break:
    """Bytes between two offsets that are no media, and the moments on either side of them."""

    before: float
    after: float | None  # None at the end of the file
    size: int


@dataclass(slots=True)
class Found:
    """What a reader found, in the order of the file; `beat` is called as it goes on."""

    beat: Callable[[], None]
    stretches: list[Stretch] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    packets: int = 0

    @property
    def is_broken(self) -> bool:
        return bool(self.breaks) and self.breaks[-1].after is None

    @property
    def until(self) -> float:
        if not self.stretches:
            return 0.0
        return max(packet.time + packet.length for packet in self.stretches[-1].packets)

    def skip(self, size: int) -> None:
        """So many bytes from here on are not media."""
        size += self.breaks.pop().size if self.is_broken else 0
        self.breaks.append(Break(self.until, None, size))

    def add(self, stretch: Stretch) -> None:
        """Raises `ValueError` where there is more than any recorder makes."""
        if self.is_broken:
            self.breaks[-1] = replace(self.breaks[-1], after=stretch.start)
        self.stretches.append(stretch)
        self.packets += len(stretch.packets)
        if self.packets > MOST_PACKETS:
            raise ValueError("more packets than any recorder makes")
        self.beat()


class Container(Protocol):
    """A damaged file, as far as it can be understood. Tracks are told by their numbers."""

    found: Found
    sound: int | None
    picture: int | None

    def header(self) -> bytes: ...

    def written(self, stretch: Stretch) -> bytes: ...

    def silence(self, start: float, end: float) -> bytes:
        """Packets without sound; nothing where none can be made."""
        ...


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def empty_runs(data: Bytes) -> list[tuple[int, int]]:
    """Where a file holds nothing but noughts for `EMPTY` bytes or more, in order.

    Raises `ValueError` where there are more of them than any accident leaves.
    """
    found: list[tuple[int, int]] = []
    for run in _each_empty_run(data):
        found.append(run)
        if len(found) > MOST_RUNS:
            raise ValueError("more holes than recording")
    return found


def is_holed(data: Bytes) -> bool:
    return any(True for _ in _each_empty_run(data))


def _each_empty_run(data: Bytes) -> Iterator[tuple[int, int]]:
    sampled = bytes(data[::STRIDE])
    for run in _SAMPLED.finditer(sampled):
        # Searched where it lies: a run may be as long as the file.
        first, last = max(0, (run.start() - 1) * STRIDE), (run.end() + 1) * STRIDE
        for exact in _EXACT.finditer(data, first, last):
            yield exact.span()


# Each begins behind something else, or a run would be tried from each of its noughts.
_SAMPLED = re.compile(rb"(?<!\0)\0{%d,}" % (EMPTY // STRIDE - 1))
_EXACT = re.compile(rb"(?<!\0)\0{%d,}" % EMPTY)


def is_empty(runs: Sequence[tuple[int, int]], at: int, size: int) -> bool:
    """Whether bytes lie in a run of noughts, be it in part. The runs are in order."""
    first_behind = bisect_left(runs, (at + size,))
    return first_behind > 0 and at < runs[first_behind - 1][1]


def smears(
    stretches: Sequence[Stretch], breaks: Sequence[Break], picture: int | None
) -> list[tuple[float, float]]:
    """From when to when pictures build on lost ones: until the next whole one, or the end."""
    pictures = [p for s in stretches for p in s.packets if p.track == picture]
    times = [p.time for p in pictures]
    keys = [p.time for p in pictures if p.key]
    found: list[tuple[float, float]] = []
    for broken in sorted(breaks, key=lambda broken: broken.before):
        first = bisect_right(times, broken.before)
        if broken.after is None or first == len(times):
            continue
        whole = bisect_right(keys, broken.before)
        until = keys[whole] if whole < len(keys) else times[-1]
        if until > times[first] and (not found or times[first] >= found[-1][1]):
            found.append((times[first], until))
    return found


def without(
    stretches: Sequence[Stretch], data: Bytes, bad: Collection[tuple[float, bytes]]
) -> tuple[list[Stretch], list[Break]]:
    """Without the packets that at about that time end so, and where these were."""
    times: dict[bytes, list[float]] = {}
    for time, ending in bad:
        times.setdefault(ending, []).append(time)
    kept: list[Stretch] = []
    lost: list[Break] = []
    for stretch in stretches:
        good: list[Packet] = []
        for packet in stretch.packets:
            end = packet.at + packet.size
            named = times.get(bytes(data[max(packet.at, end - ENDING) : end]), ())
            if not any(abs(time - packet.time) < AUDIBLE for time in named):
                good.append(packet)
                continue
            lost.append(Break(packet.time, packet.time + packet.length, packet.size))
            # In an MP4 only the first of a run says when it is.
            kept += [Stretch(good)] if good else []
            good = []
        kept += [Stretch(good)] if good else []
    return kept, lost


def around(
    stretches: Sequence[Stretch], breaks: Sequence[Break], picture: int | None
) -> list[tuple[float, float]]:
    """From when to when something has to be decoded to see what damage spoils: from the whole
    picture before it to the second one after, be that far away."""
    keys = [p.time for s in stretches for p in s.packets if p.key and p.track == picture]
    found: list[tuple[float, float]] = []
    for broken in sorted(breaks, key=lambda broken: broken.before):
        after = broken.before if broken.after is None else max(broken.before, broken.after)
        before, behind = bisect_right(keys, broken.before), bisect_right(keys, after) + 1
        start = keys[before - 1] - AUDIBLE if before else broken.before
        end = keys[behind] + AUDIBLE if behind < len(keys) else after + KEPT_GOING
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((min(start, broken.before - 1.0), end))
    return found


def gaps(stretches: Sequence[Stretch], track: int | None) -> list[tuple[float, float]]:
    """From when to when a track has nothing, in seconds on the file's clock."""
    packets = [
        packet for stretch in stretches for packet in stretch.packets if packet.track == track
    ]
    if not packets:
        return []
    packets.sort(key=lambda packet: packet.time)
    steps = [later.time - sooner.time for sooner, later in pairwise(packets)]
    usual = median(steps) if steps else 0.0
    return [
        (sooner.time + (sooner.length or usual), later.time)
        for sooner, later in pairwise(packets)
        if later.time - sooner.time - (sooner.length or usual) > AUDIBLE
    ]
