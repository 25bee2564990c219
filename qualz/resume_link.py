"""Resume links: a secret way back into one interview, valid for one week."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, db
from qualz.errors import LinkUnusable
from qualz.tokens import digest, new_token

if TYPE_CHECKING:
    from qualz.interview import Interview


class ResumeLink(Model):
    __tablename__ = "resume_links"

    class State(StrEnum):
        VALID = "valid"
        EXPIRED = "expired"
        REVOKED = "revoked"

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), index=True
    )
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    interview: Mapped[Interview] = relationship(back_populates="resume_links")

    @classmethod
    def create(cls, interview: Interview, *, validity: timedelta) -> tuple[ResumeLink, str]:
        """A new link and its token, which can be read this once and never again."""
        token = new_token()
        link = cls(token_digest=digest(token), expires_at=clock.now() + validity)
        interview.resume_links.append(link)
        return link, token

    @classmethod
    def opened_by(cls, token: str) -> ResumeLink:
        """The link of that token. Raises `LinkUnusable` when it leads nowhere (any more)."""
        found = db.session.scalar(select(cls).where(cls.token_digest == digest(token)))
        if found is None or not found.is_valid:
            raise LinkUnusable("This link is no longer valid.")
        return found

    @property
    def state(self) -> State:
        if self.revoked_at:
            return ResumeLink.State.REVOKED
        return ResumeLink.State.VALID if clock.now() < self.expires_at else ResumeLink.State.EXPIRED

    @property
    def is_valid(self) -> bool:
        return self.state is ResumeLink.State.VALID

    def use(self) -> None:
        self.last_used_at = clock.now()

    def revoke(self) -> None:
        """Close this way in; whoever came by it is out of the room too."""
        self.revoked_at = self.revoked_at or clock.now()
