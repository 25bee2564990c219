"""Presence: when a participant was last known to be in the room. A moment, not a flag."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Update, bindparam, exists, select, update

from qualz import clock
from qualz.database import db, rows_changed
from qualz.drop import PRESENT_FOR, Drop
from qualz.happening import Happening, Kind
from qualz.interview import Interview
from qualz.part import LONGEST_MS, Part
from qualz.personal_link import PersonalLink
from qualz.resume_link import ResumeLink

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


def is_as_it_was(
    public_id: str,
    place: str,
    report: dict[str, Any],
    *,
    link_id: int | None,
    by_personal_link: bool = False,
) -> bool:
    """Note a heartbeat that changes nothing else, in one UPDATE. False: look closer, by `beat`.

    `link_id`: the resume link that the participant came by, which must not be revoked; nor must
    the personal one, if it was that.
    """
    now = clock.now()
    known = {"named": public_id, "where": place, "reported": int(report["part"])}
    known |= {} if link_id is None else {"link": link_id}
    beaten = _beaten(by_link=link_id is not None, by_personal_link=by_personal_link)
    return bool(rows_changed(beaten, **known, report=report, now=now, since=now - PRESENT_FOR))


@cache
def _beaten(*, by_link: bool, by_personal_link: bool) -> Update:
    """Built once: with five hundred a second, building it took longer than carrying it out."""
    return (
        update(Interview)
        .where(
            Interview.public_id == bindparam("named"),
            Interview.place == bindparam("where"),
            Interview.state == Interview.State.LIVE,
            Interview.away_since.is_(None),
            Interview.last_seen_at > bindparam("since"),
            Interview.heartbeat["part"].as_integer() == bindparam("reported"),
            *still_let_in(by_link=by_link, by_personal_link=by_personal_link),
        )
        .values(heartbeat=bindparam("report"), last_seen_at=bindparam("now"))
    )


def still_let_in(*, by_link: bool, by_personal_link: bool) -> list[ColumnElement[bool]]:
    """That nobody has revoked the link, of the id `link`, that a participant came by, nor the
    personal one if it was that."""
    revoked = exists().where(ResumeLink.id == bindparam("link"), ResumeLink.revoked_at.is_not(None))
    personal = exists().where(
        PersonalLink.interview_id == Interview.id, PersonalLink.revoked_at.is_(None)
    )
    return [*([~revoked] if by_link else []), *([personal] if by_personal_link else [])]


def note_chunk(part: Part) -> None:
    """A chunk of the part that is being recorded is a sign of life; one of a backlog is none."""
    if part.is_open:
        note_bytes(part.recording.interview_id, part.recording_id, part.number)


def note_bytes(interview_id: int, recording_id: int, number: int) -> None:
    """The same, of an open part by its number."""
    rows_changed(
        _heard_by_chunk(),
        interview=interview_id,
        recording=recording_id,
        part=number,
        now=clock.now(),
    )


@cache
def _heard_by_chunk() -> Update:
    newer = exists().where(
        Part.recording_id == bindparam("recording"), Part.number > bindparam("part")
    )
    return (
        update(Interview)
        .where(
            Interview.id == bindparam("interview"),
            Interview.state == Interview.State.LIVE,
            ~newer,
        )
        .values(last_seen_at=bindparam("now"))
    )


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
