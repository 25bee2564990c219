"""Excerpts: what a highlight quotes, cut out of the Full Session as a file to download.

Made when somebody asks for it, kept with the interview, and made anew after a newer Full Session.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import ForeignKey, Select, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz.database import db
from qualz.derivative import Derivative, Maker
from qualz.errors import NoSuchForm
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.media import excerpt
from qualz.media.rendition import CannotMake
from qualz.recording import Recording
from qualz.turn import Turn

# Seconds before and after the words: engines tell their times only so exactly.
MARGIN = 0.3
ROOM = 64 * 1024**2  # bytes


class Excerpt(Derivative):
    """One row a highlight, of the Full Session that it was last asked for."""

    __tablename__ = "excerpts"

    highlight_id: Mapped[int] = mapped_column(
        ForeignKey("highlights.id", ondelete="CASCADE"), unique=True
    )

    highlight: Mapped[Highlight] = relationship(back_populates="excerpt")

    @property
    def interview(self) -> Interview:
        return self.highlight.turn.interview

    @property
    def recording(self) -> Recording:
        return self.interview.recording

    @classmethod
    def ask(cls, highlight: Highlight) -> Excerpt:
        """The excerpt, put in line unless it is under way or there already. One that failed, or is
        of an earlier Full Session, is made anew. Raises `NoSuchForm`.

        Two who ask at once may meet in an `IntegrityError`: see `database.once_more_if_taken`.
        """
        made_of = highlight.turn.interview.recording.full_session
        if made_of is None or highlight.span is None:
            raise NoSuchForm("It is not in the Full Session, so there is no clip of it.")
        found = highlight.excerpt
        if found is None:
            found = highlight.excerpt = cls(made_of=made_of)
            db.session.flush()
        else:
            found._ask_again()
        return found

    @property
    def ending(self) -> str:
        return (self.file or ".mp4").rpartition(".")[2]

    @property
    def mime_type(self) -> str:
        return "video/mp4" if self.ending == "mp4" else "audio/mp4"

    @classmethod
    def _outdated(cls) -> Select[Excerpt]:
        return (
            select(cls)
            .join(cls.highlight)
            .join(Highlight.turn)
            .join(Recording, Recording.interview_id == Turn.interview_id)
            .where(cls.made_of != Recording.full_session)
        )

    def _maker(self) -> Maker:
        span = self.highlight.span
        if span is None:
            raise CannotMake("It is not in the Full Session.")
        return partial(excerpt.make, begins=span[0] - MARGIN, ends=span[1] + MARGIN)

    @staticmethod
    def _room_for(size: int) -> int:
        return ROOM

    @property
    def _stem(self) -> str:
        return f"{self.recording.folder}/excerpt-{self.id}"
