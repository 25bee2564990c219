"""Events: what happened in an interview's conversation, in order. Only ever added to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.conversation import Kind
from qualz.database import Model, word

if TYPE_CHECKING:
    from qualz.interview import Interview


class Event(Model):
    """One step of a conversation. Its position is taken once: of two processes that want to add
    the next one, the database lets one through."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("interview_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[int] = mapped_column(ForeignKey("interviews.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[Kind] = mapped_column(word(Kind))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=clock.now)

    interview: Mapped[Interview] = relationship(back_populates="events")

    @property
    def told(self) -> tuple[Kind, Mapping[str, Any]]:
        return self.kind, self.payload
