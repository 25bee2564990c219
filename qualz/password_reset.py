"""Password resets: a link that sets a new password, for an hour and once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, db, rows_changed
from qualz.media.storage import Offload, here
from qualz.researcher import Researcher
from qualz.sign_in import SignIn
from qualz.tokens import digest, new_token

VALID_FOR = timedelta(hours=1)


class PasswordReset(Model):
    __tablename__ = "password_resets"

    id: Mapped[int] = mapped_column(primary_key=True)
    researcher_id: Mapped[int] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE"), index=True
    )
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    researcher: Mapped[Researcher] = relationship()

    @classmethod
    def begin(cls, researcher: Researcher) -> str:
        """The token of its link. Those that ran out are forgotten."""
        db.session.execute(delete(cls).where(cls.created_at <= clock.now() - VALID_FOR))
        token = new_token()
        db.session.add(cls(researcher_id=researcher.id, token_digest=digest(token)))
        return token

    @classmethod
    def opened_by(cls, token: str) -> Self | None:
        is_valid = cls.created_at > clock.now() - VALID_FOR
        return db.session.scalar(select(cls).where(cls.token_digest == digest(token), is_valid))

    def use(self, password: str, *, offload: Offload = here) -> list[str] | None:
        """Sets the password, and ends every sign-in and every other reset. Commits.

        Answers the public ids of the sign-ins that ended, and None where another request has used
        the link meanwhile.
        """
        reset_id, researcher = self.id, self.researcher
        researcher.set_password(password, offload=offload)
        if rows_changed(delete(PasswordReset).where(PasswordReset.id == reset_id)) != 1:
            db.session.rollback()
            return None
        self.forget_all(researcher)
        ended = SignIn.end_all(researcher)
        db.session.commit()
        return ended

    @classmethod
    def forget_all(cls, researcher: Researcher) -> None:
        """Links that were asked for earlier open nothing any more."""
        db.session.execute(
            delete(cls).where(cls.researcher_id == researcher.id),
            execution_options={"synchronize_session": False},
        )
