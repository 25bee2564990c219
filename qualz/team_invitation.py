"""Invitations to the team: a link with which one person makes an account, within a week."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from sqlalchemy import JSON, ForeignKey, String, false, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, db, rows_changed, word
from qualz.errors import LinkUnusable, NotFound, WrongState
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.study import Study
from qualz.study_access import StudyAccess
from qualz.team import demand_giveable
from qualz.tokens import digest, new_token

VALID_FOR = timedelta(days=7)
# Used, expired and revoked ones are listed for so long.
SHOWN_FOR = timedelta(days=30)


class AddressTaken(WrongState):
    """Somebody has an account with that address, or had one before they left."""


class TeamInvitation(Model):
    """Only the digest of its token is kept."""

    __tablename__ = "team_invitations"

    class State(StrEnum):
        OPEN = "open"
        USED = "used"
        EXPIRED = "expired"
        REVOKED = "revoked"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    role: Mapped[Role] = mapped_column(word(Role))
    is_guest: Mapped[bool] = mapped_column(default=False, server_default=false())
    # By their public ids: one that was deleted meanwhile is let into no more.
    studies: Mapped[list[str]] = mapped_column(JSON, default=list)
    made_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("researchers.id", ondelete="SET NULL")
    )
    used_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("researchers.id", ondelete="SET NULL")
    )
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    made_by: Mapped[Researcher | None] = relationship(foreign_keys=[made_by_id])
    used_by: Mapped[Researcher | None] = relationship(foreign_keys=[used_by_id])

    @classmethod
    def create(
        cls,
        *,
        by: Researcher,
        role: Role,
        name: str = "",
        is_guest: bool = False,
        studies: Iterable[Study] = (),
    ) -> tuple[Self, str]:
        """A new one and its token, which can be read this once. Raises `NotAllowed`."""
        demand_giveable(role, by)
        token = new_token()
        invitation = cls(
            token_digest=digest(token),
            name=name,
            role=role,
            is_guest=is_guest and not role.may_manage,
            studies=[study.public_id for study in studies],
            made_by=by,
            created_at=clock.now(),
            expires_at=clock.now() + VALID_FOR,
        )
        db.session.add(invitation)
        return invitation, token

    @classmethod
    def opened_by(cls, token: str) -> Self:
        """Raises `LinkUnusable` for one that lets nobody in (any more)."""
        found = db.session.scalar(select(cls).where(cls.token_digest == digest(token)))
        if found is None or found.state is not cls.State.OPEN:
            raise LinkUnusable(
                "An invitation works once, for a week, and can be taken back. Ask whoever sent it "
                "to you for a new one."
            )
        return found

    @classmethod
    def of(cls, public_id: str) -> Self:
        found = db.session.scalar(select(cls).where(cls.public_id == public_id))
        if found is None:
            raise NotFound("There is no such invitation.")
        return found

    @classmethod
    def newest(cls) -> Sequence[Self]:
        """Those of the last month, which are all that can be open among them."""
        since = clock.now() - SHOWN_FOR
        return db.session.scalars(
            select(cls).where(cls.created_at > since).order_by(cls.id.desc())
        ).all()

    @property
    def state(self) -> State:
        if self.used_at:
            return TeamInvitation.State.USED
        # Who is not of the team any more, or may not give that role any more, invites nobody.
        inviter = self.made_by
        stands = inviter is not None and inviter.is_active and self.role in inviter.role.governs
        if self.revoked_at or not stands:
            return TeamInvitation.State.REVOKED
        is_past = self.expires_at <= clock.now()
        return TeamInvitation.State.EXPIRED if is_past else TeamInvitation.State.OPEN

    def revoke(self) -> None:
        self.revoked_at = self.revoked_at or clock.now()

    def join(self, *, name: str, email: str, password: str) -> Researcher:
        """Make the account that it is for. Raises `AddressTaken`, and `LinkUnusable` where somebody
        else was sooner."""
        address = email.strip().lower()
        taken = select(Researcher.left_at).where(Researcher.email == address)
        if (found := db.session.execute(taken).first()) is not None:
            raise AddressTaken(
                "There is an account with this address already. Sign in with it instead."
                if found.left_at is None
                else "This address belongs to somebody who left the team. Ask to be let back in."
            )
        person = Researcher(
            name=name.strip(), email=address, role=self.role, is_guest=self.is_guest
        )
        # It takes its time by design, so it comes before anything is written.
        person.set_password(password)
        kind = type(self)
        is_free = (kind.id == self.id, kind.used_at.is_(None), kind.revoked_at.is_(None))
        if not rows_changed(update(kind).where(*is_free).values(used_at=clock.now())):
            raise LinkUnusable("This invitation has just been used or revoked. Ask for a new one.")
        db.session.add(person)
        try:
            db.session.flush()
        except IntegrityError as cause:
            db.session.rollback()
            raise AddressTaken("There is an account with this address by now.") from cause
        db.session.expire(self)
        self.used_by_id = person.id
        for study in db.session.scalars(select(Study).where(Study.public_id.in_(self.studies))):
            StudyAccess.let_in(study, [person])
        return person
