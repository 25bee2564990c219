"""Presence: when a participant was last known to be in the room. A moment, not a flag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Executable,
    Integer,
    Select,
    String,
    Subquery,
    bindparam,
    exists,
    not_,
    or_,
    select,
    update,
)

from qualz import clock
from qualz.database import PAST, db, lightly, rows_changed
from qualz.drop import PRESENT_FOR, Drop
from qualz.happening import Happening, Kind
from qualz.interview import Interview
from qualz.part import LONGEST_MS, Part
from qualz.personal_link import PersonalLink
from qualz.resume_link import ResumeLink
from qualz.together import as_told, rows_told, together

ABANDONED_AFTER = timedelta(weeks=1)
# What a heartbeat tells in numbers, and the most that is believed.
MOST = {"waiting": 2**50, "part": 100_000, "ms": LONGEST_MS}


class Presence(StrEnum):
    LIVE = "live"
    RECONNECTING = "reconnecting"
    AWAY = "away"


def of(interview: Interview) -> Presence:
    if interview.state is not Interview.State.LIVE:
        return Presence.AWAY
    return Presence.LIVE if interview.is_present else Presence.RECONNECTING


def beat(
    interview: Interview,
    place: str,
    report: dict[str, Any],
    *,
    listening_since: datetime | None = None,
) -> bool:
    """Note a heartbeat. False when it comes from a place that another one took over."""
    if interview.place != place:
        return False
    # What was last said of a part is kept with it before the next part is spoken of.
    if interview.heartbeat.get("part") != report.get("part"):
        interview.recording.note_reported(interview.heartbeat)
    interview.heartbeat = report
    interview.seen(listening_since=listening_since)
    return True


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat from that place. `link_id`: the resume link that the participant came by, which
    must not be revoked; nor must the personal one, if it was that."""

    public_id: str
    place: str
    report: dict[str, Any]
    link_id: int | None = None
    by_personal_link: bool = False

    @property
    def told(self) -> tuple[Any, ...]:
        """As `_beating` has it."""
        report = self.report
        return (
            self.public_id,
            self.place,
            report["part"],
            report,
            self.link_id,
            self.by_personal_link,
        )


@together
def is_as_it_was(beats: Sequence[Beat]) -> list[bool]:
    """Note a heartbeat that changes nothing else. False: look closer, by `beat`. Commits, without
    waiting for the disk: the next one follows in a moment."""
    told = as_told([one.told for one in beats])
    statements = _beating(db.engine.dialect.name)
    lightly()
    if len(beats) > 1 and statements.in_order is not None:
        db.session.execute(statements.in_order, {"told": told})
    now = clock.now()
    known = {"told": told, "now": now, "since": now - PRESENT_FOR}
    rows = db.session.execute(statements.update, known, execution_options=PAST)
    heard = {tuple(row) for row in rows}
    db.session.commit()
    return [(one.public_id, one.place) in heard for one in beats]


@dataclass(frozen=True, slots=True)
class _Statements:
    """Built once for each kind of database: with five hundred a second, building one took longer
    than carrying it out.

    Where rows are locked one by one, `in_order` locks them all in the order in which everybody
    does: else two who hold one each would wait for each other.
    """

    update: Executable
    in_order: Select[Any] | None


@cache
def _beating(dialect: str) -> _Statements:
    told = rows_told(
        named=String(),
        place=String(),
        part=Integer(),
        report=JSON(),
        link=Integer(),
        personal=Boolean(),
    )
    is_named = Interview.public_id == told.c.named
    update_ = (
        update(Interview)
        .where(
            is_named,
            Interview.place == told.c.place,
            Interview.state == Interview.State.LIVE,
            Interview.away_since.is_(None),
            Interview.last_seen_at > bindparam("since"),
            Interview.heartbeat["part"].as_integer() == told.c.part,
            *still_let_in(link=told.c.link, personal=told.c.personal),
        )
        .values(heartbeat=told.c.report, last_seen_at=bindparam("now"))
        .returning(Interview.public_id, Interview.place)
    )
    return _Statements(update_, _in_order(dialect, told, is_named))


def _in_order(dialect: str, told: Subquery, is_meant: ColumnElement[bool]) -> Select[Any] | None:
    if dialect == "sqlite":
        # One writes at a time.
        return None
    locked = select(Interview.id).join(told, is_meant).order_by(Interview.id)
    return locked.with_for_update(of=Interview)


def still_let_in(*, link: ColumnElement[Any], personal: ColumnElement[Any]) -> list[Any]:
    """That nobody has revoked the link, of that id, that a participant came by, nor the personal
    one if it was that."""
    revoked = exists().where(ResumeLink.id == link, ResumeLink.revoked_at.is_not(None))
    is_valid = exists().where(
        PersonalLink.interview_id == Interview.id, PersonalLink.revoked_at.is_(None)
    )
    return [~revoked, or_(not_(personal), is_valid)]


def note_chunk(part: Part) -> None:
    """A chunk of the part that is being recorded is a sign of life; one of a backlog is none."""
    if part.is_open:
        note_bytes((part.recording.interview_id, part.recording_id, part.number))


def note_bytes(*parts: tuple[int, int, int]) -> None:
    """The same, of open parts, each by the ids of its interview and recording and by its number."""
    statements, told = _hearing(db.engine.dialect.name), as_told(parts)
    if len(parts) > 1 and statements.in_order is not None:
        db.session.execute(statements.in_order, {"told": told})
    known = {"told": told, "now": clock.now()}
    db.session.execute(statements.update, known, execution_options=PAST)


@cache
def _hearing(dialect: str) -> _Statements:
    told = rows_told(interview=Integer(), recording=Integer(), number=Integer())
    newer = exists().where(Part.recording_id == told.c.recording, Part.number > told.c.number)
    is_meant = Interview.id == told.c.interview
    update_ = (
        update(Interview)
        .where(is_meant, Interview.state == Interview.State.LIVE, ~newer)
        .values(last_seen_at=bindparam("now"))
        .returning(Interview.id)
    )
    return _Statements(update_, _in_order(dialect, told, is_meant))


def notice_drops() -> list[Interview]:
    """Participants who are heard no more since a moment have dropped; answer their interviews.

    By UPDATE: one who is heard at this moment is left alone. Should both happen at once, the next
    heartbeat ends the drop.
    """
    heard = Interview.last_seen_at < clock.now() - PRESENT_FOR
    lapsed = [Interview.state == Interview.State.LIVE, Interview.away_since.is_(None), heard]
    return [
        interview
        for interview in db.session.scalars(select(Interview).where(*lapsed)).all()
        if _drop(interview, lapsed)
    ]


def _drop(interview: Interview, lapsed: list[Any]) -> bool:
    gone = rows_changed(
        update(Interview)
        .where(Interview.id == interview.id, *lapsed)
        .values(away_since=Interview.last_seen_at)
    )
    if gone and interview.last_seen_at:
        db.session.add(Drop(interview_id=interview.id, left_at=interview.last_seen_at))
    return bool(gone)


def interrupt_lapsed(*, grace: timedelta) -> list[Interview]:
    """Interviews whose participant has been away for longer than the grace are interrupted.

    By UPDATE: one that is completed or comes back at this moment is left alone.
    """
    lapsed = [
        Interview.state == Interview.State.LIVE,
        Interview.last_seen_at < clock.now() - grace,
    ]
    return [
        interview
        for interview in db.session.scalars(select(Interview).where(*lapsed)).all()
        if _interrupt(interview, lapsed)
    ]


def _interrupt(interview: Interview, lapsed: list[Any]) -> bool:
    now = clock.now()
    interrupted = rows_changed(
        update(Interview)
        .where(Interview.id == interview.id, *lapsed)
        .values(state=Interview.State.INTERRUPTED, interrupted_at=now)
    )
    if interrupted:
        Happening.note(interview, Kind.INTERRUPTED, now.isoformat())
    return bool(interrupted)


def complete_again(*, hold: timedelta) -> None:
    """Completed interviews that were reopened, but where nobody came, are completed as before."""
    rows_changed(
        update(Interview)
        .where(
            Interview.state == Interview.State.INTERRUPTED,
            Interview.completed_at.is_not(None),
            Interview.interrupted_at < clock.now() - hold,
        )
        .values(state=Interview.State.COMPLETED, interrupted_at=None, away_since=None)
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
    """Of what a page says about its recorder, what is known, of the right kind and size."""
    return {
        **{name: bool(report.get(name)) for name in ("recording", "paused", "muted")},
        **{name: _whole(report.get(name), most) for name, most in MOST.items()},
        "level": min(1.0, max(0.0, _number(report.get("level")))),
    }


def _whole(value: Any, most: int) -> int:
    return int(min(most, max(0, _number(value))))


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) < 1e15 else 0
