"""Drops: the moments after which a participant was no longer there, and when they were back."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, word

if TYPE_CHECKING:
    from qualz.interview import Interview

# Heartbeats come every 2 s and chunks every second: one of each may be lost and the next one late.
# With the sweep's second on top a silent loss is noticed within 5 s.
PRESENT_FOR = timedelta(seconds=3.5)
# A server that was killed, or is brought up to date, is back by then.
STARTS_WITHIN = timedelta(seconds=60)


class Cause(StrEnum):
    """Why a participant was away. None is known until they are back, or said that they leave, or
    that they pause."""

    CONNECTION = "connection"
    SERVER = "server"
    LEFT = "left"
    RELOAD = "reload"
    CLOSED = "closed"
    CRASHED = "crashed"
    MOVED = "moved"
    PAUSED = "paused"


class Came(StrEnum):
    """How a page came to the room, in its own words; see static/js/helpers/traces.js."""

    FIRST = "first"
    RETURN = "return"
    RELOAD = "reload"
    REOPENED = "reopened"
    CRASHED = "crashed"


CAUSES = {
    Came.FIRST: Cause.MOVED,
    Came.RETURN: Cause.CONNECTION,
    Came.RELOAD: Cause.RELOAD,
    Came.REOPENED: Cause.CLOSED,
    Came.CRASHED: Cause.CRASHED,
}


class Drop(Model):
    __tablename__ = "drops"

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), index=True
    )
    cause: Mapped[Cause | None] = mapped_column(word(Cause))
    # The last sign of life, when its absence was noticed, and the next sign of life.
    left_at: Mapped[datetime]
    noticed_at: Mapped[datetime] = mapped_column(default=clock.now)
    returned_at: Mapped[datetime | None]

    interview: Mapped[Interview] = relationship(back_populates="drops")

    @property
    def seconds(self) -> float | None:
        """How long they were away; None while they are."""
        if self.returned_at is None:
            return None
        return max(0.0, (self.returned_at - self.left_at).total_seconds())

    def end(self, came: Came, *, listening_since: datetime) -> None:
        """They are back. `listening_since`: when the server that hears it began to run."""
        self.returned_at = clock.now()
        if self.cause is Cause.PAUSED:
            # However they came back, that is why they were away.
            return
        # Nobody was there to hear them. The sweep may run on, or start a moment earlier.
        was_deaf = self.left_at < listening_since <= self.noticed_at + STARTS_WITHIN
        self.cause = Cause.SERVER if came is Came.RETURN and was_deaf else CAUSES[came]
