"""Turns: one utterance each, of the moderator or the participant."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, ForeignKey, String, Text, UniqueConstraint, exists, or_
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column, relationship

from qualz import clock
from qualz.conversation import Act, Manner
from qualz.database import Model, word
from qualz.mask import masked
from qualz.redaction import Redaction
from qualz.repetition import MOST, Repetition

if TYPE_CHECKING:
    from qualz.comment import Comment
    from qualz.correction import Correction
    from qualz.hearing import Hearing
    from qualz.highlight import Highlight
    from qualz.interview import Interview
    from qualz.part import Part


class Speaker(StrEnum):
    MODERATOR = "moderator"
    PARTICIPANT = "participant"


class Turn(Model):
    """What was said, by whom, and where in which part. Never changed once it is written, but for
    where it is heard, which is known when it sounds, and for what a researcher makes it read."""

    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("interview_id", "position"),
        UniqueConstraint("interview_id", "key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[int] = mapped_column(ForeignKey("interviews.id", ondelete="CASCADE"))
    position: Mapped[int]
    # The page's own name for an answer, so that one sent twice is kept once.
    key: Mapped[str | None] = mapped_column(String(64))
    speaker: Mapped[Speaker] = mapped_column(word(Speaker))
    act: Mapped[Act | None] = mapped_column(word(Act))
    manner: Mapped[Manner | None] = mapped_column(word(Manner))
    question_id: Mapped[str | None] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(Text, default="")
    # What it reads by its newest correction; see there.
    corrected: Mapped[str | None] = mapped_column(Text)
    said_at: Mapped[datetime] = mapped_column(default=clock.now)
    part_id: Mapped[int | None] = mapped_column(
        ForeignKey("parts.id", ondelete="SET NULL"), index=True
    )
    # Milliseconds on the part's own clock, which starts with its recorder.
    begins_ms: Mapped[int | None]
    ends_ms: Mapped[int | None]
    # Its participant took it back then; its sound is no longer in its part since.
    taken_back_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    interview: Mapped[Interview] = relationship(back_populates="turns")
    part: Mapped[Part | None] = relationship()
    hearings: Mapped[list[Hearing]] = relationship(
        back_populates="turn", order_by="Hearing.id", cascade="all, delete-orphan"
    )

    corrections: Mapped[list[Correction]] = relationship(
        back_populates="turn", order_by="Correction.number", cascade="all, delete-orphan"
    )
    comments: Mapped[list[Comment]] = relationship(
        back_populates="turn", order_by="Comment.id", cascade="all, delete-orphan"
    )
    highlights: Mapped[list[Highlight]] = relationship(
        back_populates="turn", order_by="Highlight.start", cascade="all, delete-orphan"
    )
    redactions: Mapped[list[Redaction]] = relationship(
        back_populates="turn",
        order_by=[Redaction.start, Redaction.id],
        cascade="all, delete-orphan",
        lazy="selectin",
    )

    repetitions: Mapped[list[Repetition]] = relationship(
        order_by=Repetition.id, cascade="all, delete-orphan"
    )

    @property
    def words(self) -> str:
        """What it reads, with blocks for letters that were redacted."""
        return masked(self.original_words, [(one.start, one.quote) for one in self.redactions])

    @property
    def original_words(self) -> str:
        """As it was corrected, else as it was typed or heard, with what was redacted."""
        text = self.text if self.corrected is None else self.corrected
        return (text or "").replace("\r\n", "\n")

    @property
    def correction(self) -> Correction | None:
        """The one that stands."""
        return self.corrections[-1] if self.corrected is not None and self.corrections else None

    @property
    def to_erase(self) -> list[Turn | Repetition]:
        """Where it can still be heard, though it was taken back."""
        if self.taken_back_at is None:
            return []
        here = [self] if self.part_id is not None and self.erased_at is None else []
        return [*here, *(one for one in self.repetitions if one.erased_at is None)]

    @classmethod
    def is_left_in(cls, interview_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
        """The same as a condition, of any turn of an interview."""
        again = exists().where(Repetition.turn_id == cls.id, Repetition.erased_at.is_(None))
        here = cls.part_id.is_not(None) & cls.erased_at.is_(None)
        mine = (cls.interview_id == interview_id, cls.taken_back_at.is_not(None))
        return exists().where(*mine, or_(here, again)).correlate(interview_id.class_)

    def sounds(self, part: Part, ms: int) -> None:
        """The moderator's words are heard from there on. What was heard before stays where it
        was: they are said again to who comes back."""
        if self.begins_ms is None:
            self.part, self.begins_ms = part, ms
            return
        known = [(one.part_id, one.begins_ms) for one in self.repetitions]
        known.append((self.part_id or 0, self.begins_ms))
        if (part.id, ms) not in known and len(known) <= MOST:
            self.repetitions.append(Repetition(part_id=part.id, begins_ms=ms))

    @property
    def heard(self) -> Hearing | None:
        """What put it into words last."""
        done = [one for one in self.hearings if one.state == "done"]
        return done[-1] if done else None

    @property
    def seconds(self) -> float:
        """How long a spoken answer took."""
        return max(0, (self.ends_ms or 0) - (self.begins_ms or 0)) / 1000
