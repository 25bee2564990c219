"""Transcripts: an interview's turns on the Full Session's clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from qualz.conversation import Manner
from qualz.database import db
from qualz.errors import NotFound
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.turn import Speaker, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One turn and where it is heard: seconds into the Full Session and into its own clip.

    Both are None for what has no place in the recording; `at` alone is None while there is no
    Full Session that holds the part.
    """

    turn: Turn
    at: float | None
    at_in_clip: float | None

    @property
    def is_draft(self) -> bool:
        """Whether its words are a machine's, which is known to mishear."""
        if self.turn.corrected is not None:
            return False
        return self.turn.heard is not None and self.turn.heard.is_draft

    @property
    def is_being_heard(self) -> bool:
        return any(hearing.is_under_way for hearing in self.turn.hearings)

    @property
    def by_moderator(self) -> bool:
        return self.turn.speaker is Speaker.MODERATOR


def lines(interview: Interview) -> Iterator[Line]:
    begins = starts(interview)
    # Of a recording that was deleted, by the turns' own numbers.
    heard_at = (interview.recording.report or {}).get("turns", {})
    turns = turns_of(interview)
    for turn, following in zip_longest(turns, turns[1:]):
        if following and _is_only_silence(turn, following):
            continue
        within = seconds_into_part(turn)
        start = begins.get(turn.part.public_id) if turn.part else None
        yield Line(
            turn=turn,
            at=heard_at.get(str(turn.position))
            if start is None or within is None
            else start + within,
            at_in_clip=within,
        )


def _is_only_silence(turn: Turn, following: Turn) -> bool:
    """Whether nothing was heard in the stretch of an answer that goes on in the next."""
    are_one = turn.speaker is following.speaker is Speaker.PARTICIPANT
    # Who typed or skipped in the end is not listened to.
    is_known = turn.heard is not None or turn.manner is not Manner.SPOKEN
    return are_one and is_known and not turn.words and not turn.redactions


def turns_of(interview: Interview) -> Sequence[Turn]:
    """In order, with all that is shown of them, in a few queries for all of them together. The list
    is to be held while they are used: the session itself lets go of them."""
    shown = (Turn.corrections, Turn.highlights, Turn.comments)
    known = [selectinload(one) for one in shown]
    heard = selectinload(Turn.hearings).undefer(Hearing.words)
    mine = select(Turn).where(Turn.interview_id == interview.id).order_by(Turn.position)
    return db.session.scalars(mine.options(heard, selectinload(Turn.part), *known)).all()


def turn_of(interview: Interview, number: int) -> Turn:
    """The turn at that place, counted from 1; `NotFound` where there is none, or none any more."""
    numbered = (Turn.interview_id == interview.id, Turn.position == number)
    found = db.session.scalar(select(Turn).where(*numbered))
    if found is None:
        raise NotFound("This interview has no such turn any more.")
    return found


def starts(interview: Interview) -> dict[str, float]:
    """Where each part begins in the Full Session, by the part's public id."""
    report = interview.recording.report
    if not report:
        return {}
    return {e["part"]: e["start"] for e in report["parts"] if e["start"] is not None}


def seconds_into_part(turn: Turn) -> float | None:
    """Where in its part it is heard, or would be; None for what has no part."""
    if turn.part is None:
        return None
    if turn.begins_ms is not None:
        return turn.begins_ms / 1000
    # The moderator speaks by the server's clock; the part began on it too, within a moment.
    return max(0.0, (turn.said_at - turn.part.started_at).total_seconds())
