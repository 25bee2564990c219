"""Repetitions: what the moderator said once more, to somebody who came back to the question.

A turn tells where it was heard first. What must not be heard of it must not be heard here either.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qualz.database import Model

# Of one turn. Who has it said more often than that hears the rest, and it is not written down.
MOST = 200


class Repetition(Model):
    """`begins_ms` is on the part's own clock; it lasts as long as the turn."""

    __tablename__ = "repetitions"
    __table_args__ = (UniqueConstraint("turn_id", "part_id", "begins_ms"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"))
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id", ondelete="CASCADE"), index=True)
    begins_ms: Mapped[int]
    # The turn was taken back, and its sound is no longer here since.
    erased_at: Mapped[datetime | None]
