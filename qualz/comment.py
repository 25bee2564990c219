"""Comments: what a researcher thinks of a turn, in plain text."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text, delete, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, db
from qualz.errors import NotFound, NothingWritten
from qualz.researcher import Researcher
from qualz.turn import Turn

LONGEST = 5_000  # characters


class Comment(Model):
    __tablename__ = "comments"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int | None] = mapped_column(
        ForeignKey("researchers.id", ondelete="SET NULL"), index=True
    )
    made_at: Mapped[datetime] = mapped_column(default=clock.now)

    turn: Mapped[Turn] = relationship(back_populates="comments")
    author: Mapped[Researcher | None] = relationship(lazy="joined")

    @classmethod
    def write(cls, turn: Turn, text: str, *, by: Researcher) -> Comment:
        """Raises `NothingWritten`."""
        plain = written(text)
        if not plain:
            raise NothingWritten("Write a word or two, then save the comment.")
        turn.interview.hold()
        comment = cls(text=plain, author=by)
        turn.comments.append(comment)
        return comment

    @classmethod
    def remove(cls, turn: Turn, public_id: str, *, by: Researcher) -> None:
        """Only its author may; for others it is as if it was not there: `NotFound`."""
        mine = (cls.turn_id == turn.id, cls.public_id == public_id, cls.author_id == by.id)
        found = db.session.scalar(select(cls.id).where(*mine))
        if found is None:
            raise NotFound("That is not a comment of yours, or it was deleted already.")
        db.session.execute(delete(cls).where(cls.id == found))
        db.session.expire(turn, ["comments"])

    @property
    def by(self) -> str:
        return self.author.name if self.author else "Somebody"


def written(text: str, longest: int = LONGEST) -> str:
    """What is kept of a text that somebody typed."""
    return "\n".join(text.replace("\0", "").splitlines()).strip()[:longest]
