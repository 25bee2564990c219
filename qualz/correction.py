"""Corrections: what a researcher makes a turn read, with what it read before always kept.

A turn's own text is what was typed or heard and stays so, also when it is heard again later: the
correction stands until somebody changes it or takes it back. Each is a row of its own, so who
wrote what and when is never lost.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.comment import written
from qualz.conversation import Manner
from qualz.database import Model, db
from qualz.errors import CannotCorrect, ChangedMeanwhile
from qualz.researcher import Researcher
from qualz.turn import Speaker, Turn

LONGEST = 50_000  # characters: an hour of speech

CHANGED = "The text of this turn was changed meanwhile. Look at it, then try once more."


class Correction(Model):
    """`text` is None where the one before was taken back; `original` is what the turn's own text
    was at that moment."""

    __tablename__ = "corrections"
    __table_args__ = (UniqueConstraint("turn_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"))
    number: Mapped[int]
    text: Mapped[str | None] = mapped_column(Text)
    original: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int | None] = mapped_column(
        ForeignKey("researchers.id", ondelete="SET NULL"), index=True
    )
    made_at: Mapped[datetime] = mapped_column(default=clock.now)

    turn: Mapped[Turn] = relationship(back_populates="corrections")
    author: Mapped[Researcher | None] = relationship(lazy="joined")

    @property
    def by(self) -> str:
        return self.author.name if self.author else "Somebody"

    @property
    def is_outrun(self) -> bool:
        """Whether the answer was heard anew since, and differently."""
        return self.turn.text != self.original


def may_be_corrected(turn: Turn) -> bool:
    """The moderator's words are known to the letter."""
    by_participant = turn.speaker is Speaker.PARTICIPANT and turn.manner is not Manner.SKIPPED
    return by_participant and not turn.taken_back_at


def version(turn: Turn) -> str:
    """Tells what the turn reads from what it read at another time."""
    digest = hashlib.sha256(turn.words.encode()).hexdigest()[:12]
    return f"{len(turn.corrections)}-{digest}"


def correct(turn: Turn, text: str, *, seen: str, by: Researcher) -> None:
    """Make the turn read so. Its own text again is no correction. Commits.

    Raises `ChangedMeanwhile` where it is not any more as it was `seen`: nothing is changed then.
    """
    if not may_be_corrected(turn):
        raise CannotCorrect("Only what a participant said can be corrected.")
    _demand_open(turn)
    plain = written(text, LONGEST)
    is_its_own = plain == written(turn.text, LONGEST)
    _write(turn, None if is_its_own else plain, seen=seen, by=by)


def take_back(turn: Turn, *, seen: str, by: Researcher) -> None:
    """The turn reads as it was typed or heard. Raises as `correct` does. Commits."""
    _demand_open(turn)
    _write(turn, None, seen=seen, by=by)


def _demand_open(turn: Turn) -> None:
    """What is redacted is found in the text by how it reads."""
    if turn.redactions or turn.taken_back_at:
        raise CannotCorrect(
            "Part of this turn is redacted or taken back. Undo the redaction, then correct it."
        )


def _write(turn: Turn, text: str | None, *, seen: str, by: Researcher) -> None:
    if seen != version(turn):
        raise ChangedMeanwhile(CHANGED)
    if text == turn.corrected:
        return
    turn.interview.hold()
    correction = Correction(
        number=len(turn.corrections) + 1, text=text, original=turn.text, author=by
    )
    turn.corrections.append(correction)
    turn.corrected = text
    try:
        db.session.flush()
        # Whoever else writes words of this interview has written them, or waits for this one.
        db.session.expire_all()
        turn.interview.make_findable()
        db.session.commit()
    except IntegrityError as cause:
        # Two at the same moment: the number is the other one's.
        db.session.rollback()
        raise ChangedMeanwhile(CHANGED) from cause
