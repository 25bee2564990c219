"""Presence: when a participant was last known to be in the room. A moment, not a flag."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from qualz import clock
from qualz.database import db
from qualz.interview import Interview

# Heartbeats come every 2 s; one may be lost and the next one late.
PRESENT_FOR = timedelta(seconds=5)
ABANDONED_AFTER = timedelta(weeks=1)


class Presence(StrEnum):
    LIVE = "live"
    RECONNECTING = "reconnecting"
    AWAY = "away"


def of(interview: Interview) -> Presence:
    if interview.state is not Interview.State.LIVE:
        return Presence.AWAY
    return Presence.LIVE if interview.was_seen_within(PRESENT_FOR) else Presence.RECONNECTING


def beat(interview: Interview, place: str, report: dict[str, Any]) -> bool:
    """Note a heartbeat. False when it comes from a place that another one took over."""
    if interview.place != place:
        return False
    interview.heartbeat = report
    interview.seen()
    return True


def interrupt_lapsed(*, grace: timedelta) -> list[Interview]:
    """Interviews whose participant has been away for longer than the grace are interrupted."""
    lapsed = _in(Interview.State.LIVE, Interview.last_seen_at < clock.now() - grace)
    for interview in lapsed:
        interview.interrupt()
    return lapsed


def abandon_forgotten() -> list[Interview]:
    """Interviews that nobody came back to for a week are given up."""
    long_ago = clock.now() - ABANDONED_AFTER
    forgotten = _in(Interview.State.INTERRUPTED, Interview.interrupted_at < long_ago)
    for interview in forgotten:
        interview.abandon()
    return forgotten


def _in(state: Interview.State, condition: Any) -> list[Interview]:
    return list(db.session.scalars(select(Interview).where(Interview.state == state, condition)))


def tidy(report: dict[str, Any]) -> dict[str, Any]:
    """Of what a page says about its recorder, what is known and of the right kind."""
    return {
        **{name: bool(report.get(name)) for name in ("recording", "paused", "muted")},
        **{
            name: max(0, _number(report.get(name))) for name in ("level", "waiting", "part", "safe")
        },
    }


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) and abs(value) < 1e15 else 0
