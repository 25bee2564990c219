"""Answers links: a participant's secret way to what they said, to read it and to take it back.

It is made when they have reached the end, and holds for a year unless the deployment says
otherwise, until a researcher revokes it, or until the interview is gone.
"""

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
from qualz.wording import told

if TYPE_CHECKING:
    from qualz.interview import Interview

# How many of an interview's are valid at once. Who asks for more loses the oldest, those that
# nobody has opened first.
MOST = 20


class AnswersLink(Model):
    __tablename__ = "answers_links"

    class State(StrEnum):
        NOT_OPENED = "not opened"
        OPENED = "opened"
        EXPIRED = "expired"
        REVOKED = "revoked"

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), index=True
    )
    # None: a link of the time before these were kept, which names the interview and is signed.
    token_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    interview: Mapped[Interview] = relationship(back_populates="answers_links")

    @classmethod
    def create(cls, interview: Interview, *, validity: timedelta) -> tuple[AnswersLink, str]:
        """A new link and its token, which can be read this once and never again."""
        token = new_token()
        link = cls(token_digest=digest(token), expires_at=clock.now() + validity)
        valid = [one for one in interview.answers_links if one.is_valid]
        valid.sort(key=lambda one: (one.last_used_at is not None, one.id))
        for one in valid[: max(0, len(valid) + 1 - MOST)]:
            interview.answers_links.remove(one)
        interview.answers_links.append(link)
        return link, token

    @classmethod
    def opened_by(cls, token: str, *, signed_for: str | None = None) -> AnswersLink:
        """The link of that token, or else the one from before that was signed for the interview of
        that public id. Raises `LinkUnusable` when it leads nowhere (any more)."""
        found = cls._of_token(token) or (cls._signed(signed_for) if signed_for else None)
        if found is None or not found.is_valid:
            raise LinkUnusable(
                told(
                    "Check that you have copied all of the link to your answers. If you have, it "
                    "has run out or was revoked: ask the person who invited you."
                )
            )
        return found

    @classmethod
    def held_by(cls, interview: Interview, token: str) -> AnswersLink | None:
        """The interview's valid link of that token, if it is one."""
        found = cls._of_token(token)
        return found if found and found.is_valid and found.interview is interview else None

    @classmethod
    def _of_token(cls, token: str) -> AnswersLink | None:
        return db.session.scalar(select(cls).where(cls.token_digest == digest(token)))

    @classmethod
    def _signed(cls, public_id: str) -> AnswersLink | None:
        own = cls.interview.has(public_id=public_id)
        return db.session.scalar(select(cls).where(own, cls.token_digest.is_(None)))

    @property
    def state(self) -> State:
        if self.revoked_at:
            return AnswersLink.State.REVOKED
        if clock.now() >= self.expires_at:
            return AnswersLink.State.EXPIRED
        return AnswersLink.State.OPENED if self.last_used_at else AnswersLink.State.NOT_OPENED

    @property
    def is_valid(self) -> bool:
        return self.state in (AnswersLink.State.NOT_OPENED, AnswersLink.State.OPENED)

    def use(self) -> None:
        self.last_used_at = clock.now()

    def revoke(self) -> None:
        self.revoked_at = self.revoked_at or clock.now()
