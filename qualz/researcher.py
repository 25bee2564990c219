"""Researchers: the people who sign in to the workplace."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import String, false, select
from sqlalchemy.orm import Mapped, mapped_column

from qualz import clock
from qualz.database import Model, db, word
from qualz.media.storage import Offload, here
from qualz.role import Role
from qualz.tokens import digest, new_token

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Verified against when nobody has the address, so that the answer takes as long either way."""
    return _hasher.hash(secrets.token_urlsafe())


class Researcher(Model):
    __tablename__ = "researchers"

    # What Flask-Login asks of whoever signs in.
    is_authenticated = True
    is_anonymous = False

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(
        word(Role), default=Role.RESEARCHER, server_default=Role.RESEARCHER.value
    )
    # A guest sees only the studies that they were let into by name.
    is_guest: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    # Since then they are not of the team: they cannot sign in, and what they made stays.
    left_at: Mapped[datetime | None]

    def get_id(self) -> str:
        return str(self.id)

    @property
    def is_active(self) -> bool:
        return self.left_at is None

    @property
    def may_change(self) -> bool:
        return self.role.may_change

    @property
    def may_manage(self) -> bool:
        return self.role.may_manage

    def set_password(self, password: str, *, offload: Offload = here) -> None:
        self.password_hash = offload(lambda: _hasher.hash(password))

    def has_password(self, password: str, *, offload: Offload = here) -> bool:
        kept = self.password_hash
        return offload(lambda: _fits(kept, password))

    @classmethod
    def known_as(cls, email: str) -> Researcher | None:
        """Whoever of the team has that address."""
        mine = (cls.email == email.strip().lower(), cls.left_at.is_(None))
        return db.session.scalar(select(cls).where(*mine))

    @classmethod
    def anybody(cls) -> bool:
        return db.session.scalar(select(cls.id).limit(1)) is not None

    @classmethod
    def signing_in(cls, email: str, password: str, *, offload: Offload = here) -> Researcher | None:
        """The researcher whose address and password these are.

        Argon2 takes its time by design, so it is left to `offload` and no connection waits.
        """
        found = db.session.scalar(select(cls).where(cls.email == email.strip().lower()))
        kept = found.password_hash if found else _nobody()
        db.session.commit()
        if not offload(lambda: _fits(kept, password)) or found is None or not found.is_active:
            return None
        if _hasher.check_needs_rehash(kept):
            found.set_password(password)
        return found


def _fits(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


class SetUpLink(Model):
    """The one-time way to create the owner's account. A newer one replaces the older."""

    __tablename__ = "set_up_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def renew(cls) -> str | None:
        """A fresh token while there is no owner yet; None afterwards."""
        if Researcher.anybody():
            return None
        db.session.query(cls).delete()
        token = new_token()
        db.session.add(cls(token_digest=digest(token)))
        return token

    @classmethod
    def opened_by(cls, token: str) -> SetUpLink | None:
        if Researcher.anybody():
            return None
        return db.session.scalar(select(cls).where(cls.token_digest == digest(token)))

    def create_owner(self, *, name: str, email: str, password: str) -> Researcher:
        owner = Researcher(name=name.strip(), email=email.strip().lower(), role=Role.OWNER)
        owner.set_password(password)
        db.session.add(owner)
        db.session.delete(self)
        return owner
