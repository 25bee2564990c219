"""A recording's tally: what its recorders said that they recorded, against what is stored.

Nothing in it is a guess. Where a recorder never said how long it ran, what may be missing of its
part is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qualz.part import Part
from qualz.recording import Recording

# A shorter pause between two parts is the time that a recorder takes to start.
SHORTEST_GAP = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Seconds of the interview that are not in the recording, after a part.

    `at`: where on the recording's clock. `was_recorded`: there was a recorder, but what it held
    never came, or came with `damage`; else none ran.
    """

    after: Part
    at: float
    seconds: float
    was_recorded: bool
    damage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Seconds recorded in all, of which `missing` never came or are damaged, and where gaps are.

    `unknown`: the parts of which nobody can say whether anything is missing.
    """

    recorded: float
    missing: float
    gaps: tuple[Gap, ...]
    unknown: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """An interview that is under way: seconds recorded, seconds durable here, bytes waiting."""

    recorded: float
    safe: float
    waiting: int


def so_far(recording: Recording) -> SoFar:
    """As of the last heartbeat, which tells of the part that is being recorded."""
    heartbeat = recording.interview.heartbeat
    reported = heartbeat.get("part"), (heartbeat.get("ms") or 0) / 1000
    return SoFar(
        recorded=sum(
            max(part.recorded, reported[1]) if part.number == reported[0] else part.recorded
            for part in recording.parts
        ),
        safe=sum(
            part.stored if part.is_open else part.recorded - (part.missing or 0.0)
            for part in recording.parts
        ),
        waiting=int(heartbeat.get("waiting") or 0),
    )


def of(recording: Recording) -> Tally:
    closed = [part for part in recording.parts if not part.is_open]
    return Tally(
        recorded=sum(part.recorded for part in closed),
        missing=sum((part.missing or 0.0) + (part.damaged or 0.0) for part in closed),
        gaps=tuple(_gaps(recording)),
        unknown=tuple(part for part in closed if None in (part.missing, part.damaged)),
    )


def _gaps(recording: Recording) -> Iterator[Gap]:
    at, before = 0.0, None
    for part in recording.parts:
        pause = recording.gap_before(part)
        if before and pause and pause >= SHORTEST_GAP:
            yield Gap(after=before, at=at, seconds=pause, was_recorded=False)
        lost = 0.0 if part.is_open else part.missing or 0.0
        cut = 0.0
        for start, seconds, reason in part.holes:
            if seconds:
                yield Gap(
                    after=part, at=at + start, seconds=seconds, was_recorded=True, damage=reason
                )
                # In the middle there is silence; the end, or the whole, is not there.
                cut += seconds if start >= part.playable else 0.0
        at += max(0.0, part.recorded - lost - cut)
        if lost:
            yield Gap(after=part, at=at, seconds=lost, was_recorded=True)
        before = part
