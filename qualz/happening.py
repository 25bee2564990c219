"""Happenings: what others want to know of, written down with the very change that it tells of.

Nothing is told that did not happen, and nothing that happened is left untold: a happening is a row
of the same transaction, and `telling` hands on each one that is committed, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock, conversation
from qualz.database import Model, PublicId, db, delete_old, word

if TYPE_CHECKING:
    from qualz.interview import Interview

Told: TypeAlias = Mapping[str, Any]
# After that a happening goes, and with it who was told of it and how.
KEPT = timedelta(days=90)


class Kind(StrEnum):
    """What can happen, by the names that webhooks carry."""

    COMPLETED = "interview.completed"
    INTERRUPTED = "interview.interrupted"
    READY = "recording.ready"
    MERGE_FAILED = "merge.failed"
    DISTRESS = "interview.distress"
    # Of several interviews of a study: it is told with one of them. See `promises`.
    DELETION_DUE = "deletion.due"


class Happening(Model):
    """Something that happened in an interview; `occurrence` tells it from its like, so that what
    is done twice is told once."""

    __tablename__ = "happenings"
    __table_args__ = (UniqueConstraint("interview_id", "kind", "occurrence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    interview_id: Mapped[int] = mapped_column(ForeignKey("interviews.id", ondelete="CASCADE"))
    kind: Mapped[Kind] = mapped_column(word(Kind))
    occurrence: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    # When it was handed on to those whom it concerns.
    told_at: Mapped[datetime | None] = mapped_column(index=True)

    interview: Mapped[Interview] = relationship()

    @classmethod
    def note(cls, interview: Interview, kind: Kind, occurrence: str) -> None:
        """It happens with the present transaction, or not at all. What happens to a preview
        concerns nobody."""
        if interview.is_preview:
            return
        known = select(cls.id).where(
            cls.interview_id == interview.id, cls.kind == kind, cls.occurrence == occurrence
        )
        if interview.id is None or db.session.scalar(known) is None:
            db.session.add(cls(interview=interview, kind=kind, occurrence=occurrence))

    @classmethod
    def note_said(cls, interview: Interview, kind: conversation.Kind, payload: Told) -> None:
        """What the newest event of its conversation means to others, if anything."""
        occurrence = f"event-{len(interview.events)}"
        if kind is conversation.Kind.ENDED:
            cls.note(interview, Kind.COMPLETED, occurrence)
        if kind is conversation.Kind.SAID and payload["act"] == conversation.Act.SAFEGUARD:
            cls.note(interview, Kind.DISTRESS, occurrence)

    @property
    def path(self) -> str:
        """Where in the workplace it can be looked into."""
        if self.kind is Kind.DELETION_DUE:
            return f"/studies/{self.interview.study.public_id}/settings#retention"
        return f"/studies/{self.interview.study.public_id}/transcripts/{self.interview.public_id}"

    @classmethod
    def clear_old(cls) -> None:
        delete_old(cls, cls.at < clock.now() - KEPT)
