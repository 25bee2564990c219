"""Renditions: a Full Session in another form, made when somebody asks for it, and kept."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import ForeignKey, Select, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz.database import db, word
from qualz.derivative import Derivative, Maker
from qualz.errors import NoSuchForm, NotFound
from qualz.media import rendition
from qualz.media.rendition import Kind
from qualz.recording import Recording

__all__ = ["Kind", "Rendition"]


class Rendition(Derivative):
    """One row for each kind, of the Full Session that it was last asked for."""

    __tablename__ = "renditions"
    __table_args__ = (UniqueConstraint("recording_id", "kind"),)

    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"))
    kind: Mapped[Kind] = mapped_column(word(Kind))

    recording: Mapped[Recording] = relationship(back_populates="renditions")

    @classmethod
    def offered(cls, recording: Recording) -> list[Kind]:
        """The forms that the Full Session can be had in, besides as it is."""
        if not recording.plays_as_one:
            return []
        has_picture = (recording.full_session_type or "").startswith("video")
        return [Kind.MP4, Kind.SOUND] if has_picture else [Kind.SOUND]

    @classmethod
    def ask(cls, recording: Recording, kind: Kind) -> Rendition:
        """The rendition, put in line unless it is under way or there already.

        One that failed, or belongs to an earlier Full Session, is made anew. Raises `NoSuchForm`.
        Two who ask at once may meet in an `IntegrityError`: see `database.once_more_if_taken`.
        """
        if kind not in cls.offered(recording):
            raise NoSuchForm("This interview has no such download. Reload the page to see which.")
        made_of = recording.full_session or ""
        found = db.session.scalar(
            select(cls).where(cls.recording_id == recording.id, cls.kind == kind)
        )
        if found is None:
            found = cls(recording=recording, kind=kind, made_of=made_of)
            db.session.add(found)
            db.session.flush()
        else:
            found._ask_again()
        return found

    @classmethod
    def of(cls, recording: Recording, public_id: str) -> Rendition:
        """The recording's rendition of that name; `NotFound` for another's, or one removed."""
        found = db.session.scalar(
            select(cls).where(cls.recording_id == recording.id, cls.public_id == public_id)
        )
        if found is None:
            raise NotFound("This interview has no such download any more.")
        return found

    @classmethod
    def _outdated(cls) -> Select[Rendition]:
        return select(cls).join(Recording).where(cls.made_of != Recording.full_session)

    def _maker(self) -> Maker:
        return partial(_make, self.kind)

    @staticmethod
    def _room_for(size: int) -> int:
        return round(rendition.ROOM_NEEDED * size)

    @property
    def _stem(self) -> str:
        return f"{self._of_its_kind}-{self.id}"

    @property
    def _leftovers(self) -> str:
        return f"{self._of_its_kind}-*"

    @property
    def _of_its_kind(self) -> str:
        return f"{self.recording.folder}/rendition-{self.kind}"


def _make(kind: Kind, source: Path, out: Path, **by: Any) -> str:
    rendition.make(source, out, kind=kind, **by)
    return kind.ending
