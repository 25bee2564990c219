"""Sign-ins: each browser that a researcher is signed in with, until it is ended or runs out.

The browser holds a random token in its signed cookie; here is only its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import ColumnElement, ForeignKey, String, func, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock, user_agent
from qualz.database import Model, PublicId, db, delete_old, lightly, rows_changed
from qualz.errors import NotFound
from qualz.researcher import Researcher
from qualz.tokens import digest, new_token

# When it was last seen is not written down more often than this.
NOTED_EVERY = timedelta(minutes=1)
# So long after its end it is forgotten, with the address that it came from.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Lengths:
    """A sign-in ends without a request of its own for so long, and after so long in any case."""

    idle: timedelta
    longest: timedelta


class SignIn(Model):
    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    researcher_id: Mapped[int] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE"), index=True
    )
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    # For people to recognise it by: an IP address, and a browser in words.
    address: Mapped[str] = mapped_column(String(45), default="")
    browser: Mapped[str] = mapped_column(String(120), default="")
    ended_at: Mapped[datetime | None]
    # When whoever is inside has shown once more who they are.
    proven_at: Mapped[datetime | None]

    researcher: Mapped[Researcher] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def begin(
        cls, researcher: Researcher, *, address: str = "", agent: str = ""
    ) -> tuple[Self, str]:
        """A new one and the token that its browser is to keep."""
        token = new_token()
        begun = cls(
            researcher=researcher,
            token_digest=digest(token),
            address=address[:45],
            browser=user_agent.in_words(agent),
        )
        db.session.add(begun)
        return begun, token

    @classmethod
    def opened_by(cls, token: str, lengths: Lengths) -> Self | None:
        """The living one that this token belongs to."""
        mine = select(cls).where(cls.token_digest == digest(token), cls._is_alive(lengths))
        return db.session.scalar(mine)

    @classmethod
    def living_of(cls, researcher: Researcher, lengths: Lengths) -> Sequence[Self]:
        mine = select(cls).where(cls.researcher_id == researcher.id, cls._is_alive(lengths))
        return db.session.scalars(mine.order_by(cls.last_seen_at.desc(), cls.id.desc())).all()

    @classmethod
    def last_seen(cls) -> dict[int, datetime]:
        """When each researcher was last here, by their ids; nobody who was not here lately."""
        seen = select(cls.researcher_id, func.max(cls.last_seen_at)).group_by(cls.researcher_id)
        return {row[0]: row[1] for row in db.session.execute(seen)}

    @classmethod
    def of(cls, researcher: Researcher, public_id: str) -> Self:
        mine = select(cls).where(cls.researcher_id == researcher.id, cls.public_id == public_id)
        found = db.session.scalar(mine)
        if found is None:
            raise NotFound("There is no such sign-in among yours.")
        return found

    @classmethod
    def _is_alive(cls, lengths: Lengths) -> ColumnElement[bool]:
        now = clock.now()
        is_used = cls.last_seen_at > now - lengths.idle
        return cls.ended_at.is_(None) & is_used & (cls.created_at > now - lengths.longest)

    def was_proven(self, within: timedelta) -> bool:
        """Whether who is inside has shown lately who they are."""
        return (self.proven_at or self.created_at) > clock.now() - within

    def prove(self) -> None:
        self.proven_at = clock.now()

    def see(self) -> None:
        """Its browser has asked for something. Commits where it writes."""
        now, kind = clock.now(), type(self)
        if now - self.last_seen_at < NOTED_EVERY:
            return
        db.session.commit()
        lightly()
        is_old = kind.last_seen_at < now - NOTED_EVERY
        rows_changed(update(kind).where(kind.id == self.id, is_old).values(last_seen_at=now))
        db.session.commit()

    def end(self) -> None:
        self.ended_at = self.ended_at or clock.now()

    @classmethod
    def end_all(cls, researcher: Researcher, *, but: SignIn | None = None) -> list[str]:
        """Answers the public ids of those that were ended."""
        mine = select(cls).where(cls.researcher_id == researcher.id, cls.ended_at.is_(None))
        others = [one for one in db.session.scalars(mine) if one is not but]
        for one in others:
            one.end()
        return [one.public_id for one in others]

    @classmethod
    def clear_old(cls, lengths: Lengths) -> None:
        before = clock.now() - lengths.idle - KEPT
        is_over = (cls.last_seen_at < before) | (cls.ended_at < clock.now() - KEPT)
        delete_old(cls, is_over)
