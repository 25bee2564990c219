"""Whose clock is believed: stretches of a damaged recording by their time, each packet once.

One flipped bit moves a packet, or a whole cluster, by seconds or by years. What is at odds with
most of the file is not taken, and told as a break.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from math import inf

from qualz.media.stretches import LEAP, Break, Found, Packet, Stretch, is_empty

SLACK = 1.0  # seconds by which tracks may run ahead of one another
LONGEST_CLUSTER = 32.767  # seconds: 32767 ticks of a millisecond
ROUNDED = 0.25  # seconds

_Span = tuple[float, float]  # from when to when


def is_in_order(stretches: Sequence[Stretch]) -> bool:
    """Tracks may run ahead of one another by a little."""
    return all(later.start > sooner.start - SLACK for sooner, later in pairwise(stretches))


def astray(times: Sequence[float]) -> set[int]:
    """Numbers of the moments that break the longest row of them that never goes back."""
    latest = -inf
    for time in times:
        if time < latest - SLACK:
            break
        latest = max(latest, time)
    else:
        return set()
    row, found, place = _longest_rise(times), set(), 0
    for number, time in enumerate(times):
        while place < len(row) and row[place] < number:
            place += 1
        sooner = times[row[place - 1]] if place else -inf
        later = times[row[place]] if place < len(row) else inf
        if not sooner - SLACK <= time <= later + SLACK:
            found.add(number)
    return found


def _longest_rise(times: Sequence[float]) -> list[int]:
    """By patience sorting: in n log n, as a file may be hostile."""
    tops: list[float] = []
    tops_at: list[int] = []
    before: list[int] = []
    for number, time in enumerate(times):
        pile = bisect_right(tops, time)
        before.append(tops_at[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [time]
        tops_at[pile : pile + 1] = [number]
    row: list[int] = []
    at = tops_at[-1]
    while at >= 0:
        row.append(at)
        at = before[at]
    return row[::-1]


def unbroken(
    packets: Sequence[Packet],
    runs: Sequence[tuple[int, int]],
    found: Found,
    began: float | None = None,
) -> None:
    """Add what lies outside of runs of noughts and keeps its time. `began`: the moment by which
    all of it is told."""
    lead = [] if began is None else [began]
    off = {number - len(lead) for number in astray([*lead, *(p.time for p in packets)])}
    kept: list[Packet] = []
    for number, packet in enumerate(packets):
        if number not in off and not is_empty(runs, packet.at, packet.size):
            kept.append(packet)
            continue
        if kept:
            found.add(Stretch(kept))
            kept = []
        found.skip(packet.size)
    if kept:
        found.add(Stretch(kept))


def in_order(stretches: Sequence[Stretch]) -> tuple[list[Stretch], int, list[Break]]:
    """Stretches by their time, each packet once; how many came again; what has lost its clock."""
    spans = [_span(stretch) for stretch in stretches]
    believed = set(_largest(stretches, spans, _in_place(stretches, spans)))
    seen: set[tuple[int, float, int]] = set()
    ordered: list[Stretch] = []
    again = 0
    for number in sorted(believed, key=lambda number: spans[number]):
        packets = stretches[number].packets
        new = []
        for packet in packets:
            if _name(packet) not in seen:
                seen.add(_name(packet))
                new.append(packet)
        again += len(packets) - len(new)
        if new:
            ordered.append(Stretch(new))
    return ordered, again, list(_left_out(stretches, spans, believed))


def _in_place(stretches: Sequence[Stretch], spans: Sequence[_Span]) -> Collection[int]:
    """Without those that are out of the file's order and fit nowhere in its time either.

    What only changed places fits where it was cut out; what came twice is there already.
    """
    off = astray([start for start, _ in spans])
    if not off:
        return range(len(stretches))
    settled = [number for number in range(len(stretches)) if number not in off]
    known = {_name(packet) for number in settled for packet in stretches[number].packets}
    taken = _taken(stretches[number] for number in settled)
    fitting = [number for number in off if not _is_taken(stretches[number], known, taken)]
    # What was cut out of its place tore one cluster, or fragment, on either side.
    torn = min(LONGEST_CLUSTER, max(end - start for start, end in spans)) + ROUNDED
    runs = _runs(spans, [*settled, *fitting], torn)
    return [number for run in runs if not off.issuperset(run) for number in run]


def _taken(stretches: Iterator[Stretch]) -> dict[int, list[_Span]]:
    """By track: from when to when there is something already, in order."""
    found: dict[int, list[_Span]] = {}
    for stretch in stretches:
        for track in {packet.track for packet in stretch.packets}:
            times = [packet.time for packet in stretch.packets if packet.track == track]
            found.setdefault(track, []).append((min(times), max(times)))
    return {track: sorted(spans) for track, spans in found.items()}


def _is_taken(stretch: Stretch, known: Collection[object], taken: dict[int, list[_Span]]) -> bool:
    """Whether something else is there already at the time that it claims."""
    new = [packet for packet in stretch.packets if _name(packet) not in known]
    if not new:
        return False
    middle = new[len(new) // 2]
    spans = taken.get(middle.track, [])
    at = bisect_right(spans, (middle.time, inf)) - 1
    return at >= 0 and middle.time < spans[at][1]


def _largest(
    stretches: Sequence[Stretch], spans: Sequence[_Span], numbers: Collection[int]
) -> Sequence[int]:
    """Those that lie together and hold the most bytes: a clock that jumps further is damaged.

    A hole is filled with silence, so a few bytes could ask for days of it. A recorder has no such
    holes: a browser that sleeps loses its connection and ends the part. So there may be an hour of
    nothing more than there is of something; the recorder's own word on how long it ran comes from
    the same hand as the file, and is not asked.
    """
    leap = LEAP
    while True:
        runs = _runs(spans, numbers, leap)
        best = max(runs, key=lambda run: _bytes(stretches, run), default=[])
        there, missing = _filled([stretches[number] for number in best])
        if len(best) < 2 or missing <= LEAP + there:
            return best
        leap, numbers = leap / 2, best


def _runs(spans: Sequence[_Span], numbers: Collection[int], leap: float) -> list[list[int]]:
    runs: list[list[int]] = []
    until = -inf
    for number in sorted(numbers, key=lambda number: spans[number]):
        start, end = spans[number]
        if start - until > leap:
            runs.append([])
        runs[-1].append(number)
        until = max(until, end)
    return runs


def _bytes(stretches: Sequence[Stretch], numbers: Collection[int]) -> int:
    return sum(packet.size for number in numbers for packet in stretches[number].packets)


def _filled(stretches: Sequence[Stretch]) -> tuple[float, float]:
    """Seconds in which there is something, and in which there is nothing."""
    packets = sorted(
        (packet.time, packet.time + packet.length) for s in stretches for packet in s.packets
    )
    missing, until = 0.0, packets[0][0] if packets else 0.0
    start = until
    for begins, ends in packets:
        missing += begins - until if begins - until > SLACK else 0.0
        until = max(until, ends)
    return until - start - missing, missing


def _left_out(
    stretches: Sequence[Stretch], spans: Sequence[_Span], believed: Collection[int]
) -> Iterator[Break]:
    before, size = 0.0, 0
    for number, (start, end) in enumerate(spans):
        if number not in believed:
            size += _bytes(stretches, [number])
            continue
        if size:
            yield Break(min(before, start), start, size)
        before, size = end, 0
    if size:
        yield Break(before, None, size)


def _span(stretch: Stretch) -> _Span:
    return stretch.start, max(packet.time + packet.length for packet in stretch.packets)


def _name(packet: Packet) -> tuple[int, float, int]:
    return packet.track, packet.time, packet.size
