"""Presence: when a participant was last known to be in the room. A moment, not a flag."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import update

from qualz import clock
from qualz.database import rows_changed
from qualz.interview import Interview
from qualz.part import Part

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


def note_chunk(part: Part) -> None:
    """A chunk of the part that is being recorded is a sign of life; one of a backlog is none."""
    if not part.is_open or part is not part.recording.parts[-1]:
        return
    rows_changed(
        update(Interview)
        .where(Interview.id == part.recording.interview_id, Interview.state == Interview.State.LIVE)
        .values(last_seen_at=clock.now())
    )


def interrupt_lapsed(*, grace: timedelta) -> None:
    """Interviews whose participant has been away for longer than the grace are interrupted.

    By UPDATE: one that is completed or comes back at this moment is left alone.
    """
    rows_changed(
        update(Interview)
        .where(
            Interview.state == Interview.State.LIVE, Interview.last_seen_at < clock.now() - grace
        )
        .values(state=Interview.State.INTERRUPTED, interrupted_at=clock.now())
    )


def complete_again(*, hold: timedelta) -> None:
    """Completed interviews that were reopened, but where nobody came, are completed as before."""
    rows_changed(
        update(Interview)
        .where(
            Interview.state == Interview.State.INTERRUPTED,
            Interview.completed_at.is_not(None),
            Interview.interrupted_at < clock.now() - hold,
        )
        .values(state=Interview.State.COMPLETED, interrupted_at=None)
    )


def abandon_forgotten() -> None:
    """Interviews that nobody came back to for a week are given up."""
    rows_changed(
        update(Interview)
        .where(
            Interview.state == Interview.State.INTERRUPTED,
            Interview.interrupted_at < clock.now() - ABANDONED_AFTER,
        )
        .values(state=Interview.State.ABANDONED)
    )


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
