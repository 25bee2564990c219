"""Notifications: what a researcher is told of in the workplace, and what they chose to be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, Select, UniqueConstraint, func, select, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, db, rows_changed
from qualz.errors import NotFound
from qualz.happening import Happening, Kind
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import Study

# E-mail interrupts people, so unless they say otherwise it is for what waits for them.
IN_THE_APP = tuple(Kind)
BY_MAIL = (Kind.READY, Kind.MERGE_FAILED, Kind.DISTRESS, Kind.DELETION_DUE)


class NotificationChoice(Model):
    """Which kinds a researcher wants to be told of, and how. Without one the usual ones."""

    __tablename__ = "notification_choices"

    researcher_id: Mapped[int] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE"), primary_key=True
    )
    app: Mapped[list[str]] = mapped_column(JSON, default=lambda: list(IN_THE_APP))
    mail: Mapped[list[str]] = mapped_column(JSON, default=lambda: list(BY_MAIL))

    @classmethod
    def of(cls, researcher_id: int) -> Self:
        """What they chose; where they never did, the usual, which is not kept."""
        found = db.session.get(cls, researcher_id)
        return found or cls(researcher_id=researcher_id, app=list(IN_THE_APP), mail=list(BY_MAIL))

    def mails(self, *, is_theirs: bool) -> Sequence[str]:
        """What is told by e-mail, of a study that they made or of another's. Of that only who
        chose so: a team would be flooded otherwise."""
        return self.mail if is_theirs or self in db.session else ()

    @classmethod
    def set(cls, researcher_id: int, *, app: Iterable[Kind], mail: Iterable[Kind] | None) -> None:
        """`mail` is None where it was not asked for, and stays as it is."""
        chosen = cls.of(researcher_id)
        chosen.app = list(app)
        if mail is not None:
            chosen.mail = list(mail)
        db.session.add(chosen)


class Notification(Model):
    """One researcher is told of one happening."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("happening_id", "researcher_id"),
        Index("ix_notifications_unread", "researcher_id", "read_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    happening_id: Mapped[int] = mapped_column(ForeignKey("happenings.id", ondelete="CASCADE"))
    researcher_id: Mapped[int] = mapped_column(ForeignKey("researchers.id", ondelete="CASCADE"))
    read_at: Mapped[datetime | None]

    happening: Mapped[Happening] = relationship()

    @classmethod
    def of(cls, researcher: Researcher, public_id: str) -> Self:
        found = db.session.scalar(cls._of(researcher).where(cls.public_id == public_id))
        if found is None:
            raise NotFound("This notification is gone, and perhaps its interview with it.")
        return found

    @classmethod
    def _of(cls, researcher: Researcher) -> Select[Self]:
        """Theirs, but for those of studies that they may not see any more."""
        of_interviews = select(cls).join(cls.happening).join(Happening.interview)
        seen = of_interviews.join(Interview.study).where(Study.seen_by(researcher))
        return seen.where(cls.researcher_id == researcher.id)

    @classmethod
    def unread(cls, researcher: Researcher) -> int:
        unread = cls._of(researcher).where(cls.read_at.is_(None))
        return db.session.scalar(unread.with_only_columns(func.count(cls.id))) or 0

    @classmethod
    def newest(cls, researcher: Researcher, most: int) -> Sequence[Self]:
        interview = joinedload(cls.happening).joinedload(Happening.interview)
        with_all = cls._of(researcher).options(interview.joinedload(Interview.study))
        return db.session.scalars(with_all.order_by(cls.id.desc()).limit(most)).all()

    @classmethod
    def read_all(cls, researcher: Researcher) -> int:
        """Answers how many there were to read."""
        mine = (cls.researcher_id == researcher.id, cls.read_at.is_(None))
        return rows_changed(update(cls).where(*mine).values(read_at=clock.now()))

    def read(self) -> None:
        self.read_at = self.read_at or clock.now()

    @classmethod
    def give(cls, happening: Happening, researcher_id: int) -> None:
        known: dict[str, Any] = {"happening_id": happening.id, "researcher_id": researcher_id}
        db.session.add(cls(**known))
