"""Tokens for the API: what another program shows instead of signing in. They read and no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from sqlalchemy import ForeignKey, String, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, db, lightly, rows_changed
from qualz.errors import NotFound, TokenRefused
from qualz.researcher import Researcher
from qualz.tokens import digest, new_token

# So that whoever finds one in a log or a repository knows what it opens.
PREFIX = "qualz_"
# Its last use is not written down more often than this.
NOTED_EVERY = timedelta(minutes=1)


class ApiToken(Model):
    """It sees what whoever made it may see at that moment, and nothing once they left the team."""

    __tablename__ = "api_tokens"

    class State(StrEnum):
        VALID = "valid"
        EXPIRED = "expired"
        REVOKED = "revoked"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    researcher_id: Mapped[int] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(120))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    researcher: Mapped[Researcher] = relationship()

    @classmethod
    def create(
        cls, researcher: Researcher, name: str, *, validity: timedelta | None
    ) -> tuple[Self, str]:
        """A new one and its text, which can be read this once and never again."""
        text = PREFIX + new_token()
        expires_at = clock.now() + validity if validity else None
        token = cls(
            researcher=researcher, name=name, token_digest=digest(text), expires_at=expires_at
        )
        db.session.add(token)
        return token, text

    @classmethod
    def opened_by(cls, text: str) -> Self:
        """Raises `TokenRefused` for one that opens nothing (any more)."""
        found = db.session.scalar(select(cls).where(cls.token_digest == digest(text)))
        is_usable = found is not None and found.researcher.is_active
        if found is None or not is_usable or found.state is not cls.State.VALID:
            raise TokenRefused("This token is not valid. Create one under Settings → API tokens.")
        return found

    @classmethod
    def of(cls, researcher: Researcher, public_id: str) -> Self:
        mine = select(cls).where(cls.researcher_id == researcher.id, cls.public_id == public_id)
        found = db.session.scalar(mine)
        if found is None:
            raise NotFound("There is no such token among yours.")
        return found

    @classmethod
    def all_of(cls, researcher: Researcher) -> Sequence[Self]:
        mine = select(cls).where(cls.researcher_id == researcher.id)
        return db.session.scalars(mine.order_by(cls.id.desc())).all()

    @property
    def state(self) -> State:
        if self.revoked_at:
            return ApiToken.State.REVOKED
        is_past = self.expires_at is not None and self.expires_at <= clock.now()
        return ApiToken.State.EXPIRED if is_past else ApiToken.State.VALID

    def use(self) -> None:
        """Commits where it writes."""
        now, kind = clock.now(), type(self)
        if self.last_used_at and now - self.last_used_at < NOTED_EVERY:
            return
        db.session.commit()
        lightly()
        is_old = or_(kind.last_used_at.is_(None), kind.last_used_at < now - NOTED_EVERY)
        rows_changed(update(kind).where(kind.id == self.id, is_old).values(last_used_at=now))
        db.session.commit()

    def revoke(self) -> None:
        self.revoked_at = self.revoked_at or clock.now()
