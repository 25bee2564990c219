"""Turns: one utterance each, of the moderator or the participant."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, word
from qualz.moderator import WORDS_PER_SECOND, Act

if TYPE_CHECKING:
    from qualz.interview import Interview
    from qualz.part import Part


class Speaker(StrEnum):
    MODERATOR = "moderator"
    PARTICIPANT = "participant"


class Manner(StrEnum):
    """How an answer was given."""

    TYPED = "typed"
    SPOKEN = "spoken"
    SKIPPED = "skipped"


class Turn(Model):
    """What was said, by whom, and where in which part. Never changed once it is written."""

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
    said_at: Mapped[datetime] = mapped_column(default=clock.now)
    part_id: Mapped[int | None] = mapped_column(ForeignKey("parts.id", ondelete="SET NULL"))
    # Milliseconds on the part's own clock, which starts with its recorder.
    begins_ms: Mapped[int | None]
    ends_ms: Mapped[int | None]

    interview: Mapped[Interview] = relationship(back_populates="turns")
    part: Mapped[Part | None] = relationship()

    @property
    def words(self) -> int:
        """How many words an answer has, or about how many while nobody has heard it yet."""
        if self.manner is Manner.SPOKEN and not self.text:
            seconds = ((self.ends_ms or 0) - (self.begins_ms or 0)) / 1000
            return max(1, round(seconds * WORDS_PER_SECOND))
        return len(self.text.split())
