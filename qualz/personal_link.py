"""Personal links: one person, one link, one interview.

Whoever opens it first begins the interview; after that it leads back into the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, func, select, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, db, rows_changed
from qualz.errors import LinkUnusable
from qualz.interview import Interview
from qualz.people import LONGEST_EMAIL, LONGEST_NAME, Person
from qualz.study import Study
from qualz.tokens import digest, new_token
from qualz.wording import told

STATES = {
    Interview.State.INTERRUPTED: "interrupted",
    Interview.State.ABANDONED: "interrupted",
    Interview.State.COMPLETED: "completed",
    Interview.State.WITHDRAWN: "withdrawn",
}


class PersonalLink(Model):
    __tablename__ = "personal_links"

    class State(StrEnum):
        NOT_OPENED = "not opened"
        OPENED = "opened"
        STARTED = "started"
        INTERRUPTED = "interrupted"
        COMPLETED = "completed"
        WITHDRAWN = "withdrawn"
        REVOKED = "revoked"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    # With an interview goes who gave it.
    interview_id: Mapped[int | None] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), unique=True
    )
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    email: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    # Name and address in small letters, for the search and to tell who is there already.
    sought: Mapped[str] = mapped_column(String(LONGEST_NAME + LONGEST_EMAIL + 1))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    renewed_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    study: Mapped[Study] = relationship()
    interview: Mapped[Interview | None] = relationship()

    @classmethod
    def create(cls, study: Study, people: Sequence[Person]) -> list[tuple[PersonalLink, str]]:
        """A link for each and its token, which can be read this once and never again."""
        made, at = [], clock.now()
        for person in people:
            token = new_token()
            sought = f"{person.name}\n{person.email}".casefold()
            link = cls(
                study_id=study.id,
                name=person.name,
                email=person.email,
                sought=sought[: LONGEST_NAME + LONGEST_EMAIL + 1],
                token_digest=digest(token),
                created_at=at,
            )
            made.append((link, token))
        db.session.add_all(link for link, _ in made)
        return made

    @classmethod
    def opened_by(cls, token: str) -> PersonalLink:
        """The link of that token. Raises `LinkUnusable` when it leads nowhere (any more)."""
        found = db.session.scalar(select(cls).where(cls.token_digest == digest(token)))
        if found is None or found.revoked_at:
            raise LinkUnusable(
                told(
                    "Perhaps you were sent a newer one. If not, ask the person who sent it to you "
                    "for a new link."
                )
            )
        return found

    @classmethod
    def of(cls, interview: Interview) -> PersonalLink | None:
        return db.session.scalar(select(cls).where(cls.interview_id == interview.id))

    @classmethod
    def keys_in(cls, study: Study) -> frozenset[str]:
        """Who has a link there already; see `Person.key`."""
        held = db.session.execute(select(cls.name, cls.email).where(cls.study_id == study.id))
        return frozenset(Person(name, email).key for name, email in held if name or email)

    @property
    def label(self) -> str:
        return self.name or self.email or (self.interview.label if self.interview else "Somebody")

    @property
    def state(self) -> State:
        if self.revoked_at:
            return PersonalLink.State.REVOKED
        if self.interview:
            return PersonalLink.State(STATES.get(self.interview.state, "started"))
        return PersonalLink.State.OPENED if self.opened_at else PersonalLink.State.NOT_OPENED

    def open(self) -> bool:
        """A browser shows what it leads to. Answers whether that is news."""
        is_first = self.opened_at is None
        self.opened_at = self.opened_at or clock.now()
        return is_first

    def begin(self, interview: Interview) -> bool:
        """Make it the link's interview, under the person's name. False where another has become
        that at this moment, or the link was revoked; then the interview must not be kept.

        By UPDATE: of two browsers that begin at once the database lets one through.
        """
        interview.rename(self.name or self.email)
        db.session.flush()
        mine = update(PersonalLink).where(
            PersonalLink.id == self.id,
            PersonalLink.interview_id.is_(None),
            PersonalLink.revoked_at.is_(None),
        )
        opened = func.coalesce(PersonalLink.opened_at, clock.now())
        return bool(rows_changed(mine.values(interview_id=interview.id, opened_at=opened)))

    def renew(self) -> str:
        """A new token, after which the old one leads nowhere; who is inside stays there."""
        token = new_token()
        self.token_digest = digest(token)
        self.renewed_at = clock.now()
        self.revoked_at = None
        return token

    def revoke(self) -> None:
        """Close this way in; whoever came by it is out of the room too."""
        self.revoked_at = self.revoked_at or clock.now()

    def forget(self) -> None:
        """Its interview was taken back: nothing here names who gave it any more."""
        self.name = self.email = self.sought = ""

    # ---- the list of them

    @classmethod
    def page_of(
        cls, study: Study, *, q: str, page: int, size: int
    ) -> tuple[list[PersonalLink], int]:
        """That page, from 1, of those whose name or address holds the words, and how many do.

        The newest list comes first, in its own order.
        """
        found = select(cls).where(cls.study_id == study.id)
        for word in q.casefold().split():
            found = found.where(cls.sought.contains(word, autoescape=True))
        count = db.session.scalar(found.with_only_columns(func.count(cls.id))) or 0
        ordered = found.order_by(cls.created_at.desc(), cls.id)
        shown = ordered.options(joinedload(cls.interview)).offset((page - 1) * size).limit(size)
        return list(db.session.scalars(shown)), count
