"""Invitations: the links that start an interview."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, db
from qualz.errors import NotFound
from qualz.tokens import new_token
from qualz.wording import told

if TYPE_CHECKING:
    from qualz.study import Study


class Invitation(Model):
    """A study's share link. It is handed to many and shown again and again, so it is kept as it is.

    It opens nothing but the welcome page; the way back into an interview is a resume link.
    """

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), unique=True)
    token: Mapped[str] = mapped_column(String(64), unique=True, default=new_token)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    study: Mapped[Study] = relationship(back_populates="invitation")

    @classmethod
    def opened_by(cls, token: str) -> Invitation:
        # PostgreSQL takes no such letter, be it only to compare with.
        is_text = "\0" not in token
        found = db.session.scalar(select(cls).where(cls.token == token)) if is_text else None
        if found is None:
            raise NotFound(
                told("This link leads to no interview. Ask whoever sent it for the right one.")
            )
        return found
