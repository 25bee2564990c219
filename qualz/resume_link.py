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
from qualz.researcher import Researcher
from qualz.tokens import digest, new_token
from qualz.wording import told

if TYPE_CHECKING:
    from qualz.interview import Interview


class ResumeLink(Model):
    __tablename__ = "resume_links"

    class State(StrEnum):
        VALID = "valid"
        EXPIRED = "expired"
        REVOKED = "revoked"
        REPLACED = "replaced"

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), index=True
    )
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    # Who made it, and the link that was made in its place.
    researcher_id: Mapped[int | None] = mapped_column(
        ForeignKey("researchers.id", ondelete="SET NULL")
    )
    replaced_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("resume_links.id", ondelete="SET NULL")
    )

    interview: Mapped[Interview] = relationship(back_populates="resume_links")
    made_by: Mapped[Researcher | None] = relationship()

    @classmethod
    def create(
        cls, interview: Interview, *, validity: timedelta, by: Researcher | None = None
    ) -> tuple[ResumeLink, str]:
        """A new link and its token, which can be read this once and never again."""
        token = new_token()
        link = cls(token_digest=digest(token), expires_at=clock.now() + validity, made_by=by)
        interview.resume_links.append(link)
        return link, token

    @classmethod
    def opened_by(cls, token: str) -> ResumeLink:
        """The link of that token. Raises `LinkUnusable` when it leads nowhere (any more)."""
        found = db.session.scalar(select(cls).where(cls.token_digest == digest(token)))
        if found is None or not found.is_valid:
            raise LinkUnusable(
                told(
                    "Links to an interview are valid for a week. Ask the person who sent it to "
                    "you for a new one."
                )
            )
        return found

    @property
    def state(self) -> State:
        if self.revoked_at:
            is_replaced = self.replaced_by_id is not None
            return ResumeLink.State.REPLACED if is_replaced else ResumeLink.State.REVOKED
        return ResumeLink.State.VALID if clock.now() < self.expires_at else ResumeLink.State.EXPIRED

    @property
    def is_valid(self) -> bool:
        return self.state is ResumeLink.State.VALID

    def use(self) -> None:
        self.last_used_at = clock.now()

    def revoke(self) -> None:
        """Close this way in; whoever came by it is out of the room too."""
        self.revoked_at = self.revoked_at or clock.now()

    def give_way_to(self, newer: ResumeLink) -> None:
        """The same, because another one was made in its place."""
        db.session.flush()
        self.revoke()
        self.replaced_by_id = newer.id
