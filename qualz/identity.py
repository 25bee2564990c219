"""Identities: who a researcher is at the provider that people sign in by (OpenID Connect)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, db
from qualz.errors import IdentityRefused, NotFound
from qualz.researcher import Researcher

UNKNOWN = (
    "There is no account here for {email}. Ask whoever runs this server for one, or sign in with "
    "your password."
)
UNVERIFIED = (
    "The provider does not vouch for your e-mail address, so it cannot tell which account is "
    "yours. Sign in with your password."
)
ANOTHER = (
    "This account belongs to somebody else at the provider. If that was you under another name, "
    "sign in with your password and take the old one off under Security."
)


class Identity(Model):
    """Issuer and subject say who somebody is for ever; an address may be another's next year."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    researcher_id: Mapped[int] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE"), index=True
    )
    issuer: Mapped[str] = mapped_column(String(500))
    # At most 255 ASCII characters (OpenID Connect Core 1.0, section 2).
    subject: Mapped[str] = mapped_column(String(255))
    # As the provider called them when they first came.
    email: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    researcher: Mapped[Researcher] = relationship()

    @classmethod
    def signing_in(
        cls, issuer: str, subject: str, *, email: str, is_verified: bool
    ) -> tuple[Researcher, bool]:
        """Who that is, and whether they came by this way for the first time.

        Then the address decides, if the provider has verified it. Raises `IdentityRefused`.
        """
        known = db.session.scalar(select(cls).where(cls.issuer == issuer, cls.subject == subject))
        if known is not None:
            return known.researcher, False
        email = email.strip().lower()
        if not email or not is_verified:
            raise IdentityRefused(UNVERIFIED)
        researcher = db.session.scalar(select(Researcher).where(Researcher.email == email))
        if researcher is None:
            raise IdentityRefused(UNKNOWN.format(email=email))
        if any(one.issuer == issuer for one in cls.all_of(researcher)):
            raise IdentityRefused(ANOTHER)
        db.session.add(cls(researcher=researcher, issuer=issuer, subject=subject, email=email))
        return researcher, True

    @classmethod
    def all_of(cls, researcher: Researcher) -> Sequence[Self]:
        mine = select(cls).where(cls.researcher_id == researcher.id)
        return db.session.scalars(mine.order_by(cls.id)).all()

    @classmethod
    def of(cls, researcher: Researcher, public_id: str) -> Self:
        mine = select(cls).where(cls.researcher_id == researcher.id, cls.public_id == public_id)
        found = db.session.scalar(mine)
        if found is None:
            raise NotFound("There is no such way to sign in among yours.")
        return found
