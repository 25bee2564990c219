"""Receipts: what was deleted, when and why, so that it can be shown afterwards.

A receipt holds no name of a participant and no word of theirs: public ids, counts, and the digests
of files, by which whoever still has a copy of one can tell that it was among them. It outlives the
interview and the study that it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from qualz import clock
from qualz.database import Model, PublicId, db, new_public_id, word
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording, folder_of
from qualz.study import Study
from qualz.turn import Turn

# No database takes any number of ids at once.
A_STATEMENT = 1000


class What(StrEnum):
    """What went: the recording alone, an interview, or a study with all that was in it."""

    RECORDING = "recording"
    INTERVIEW = "interview"
    STUDY = "study"


class Cause(StrEnum):
    PERSON = "person"
    RULE = "rule"
    PARTICIPANT = "participant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Who has something deleted: `by` is a researcher's name, as it was then. What goes by one
    decision has one `batch`."""

    cause: Cause = Cause.PERSON
    by: str = ""
    batch: str = field(default_factory=new_public_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an interview held, before it goes. `files` are its parts: their bytes, and their
    SHA-256 where it is known."""

    id: int
    public_id: str
    study: str
    researcher_id: int
    is_counted: bool
    turns: int
    files: tuple[dict[str, Any], ...]

    @property
    def folder(self) -> str:
        return folder_of(self.public_id)

    @property
    def bytes(self) -> int:
        return sum(int(file["bytes"]) for file in self.files)


class Receipt(Model):
    __tablename__ = "receipts"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    researcher_id: Mapped[int] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime] = mapped_column(default=clock.now)
    what: Mapped[What] = mapped_column(word(What))
    cause: Mapped[Cause] = mapped_column(word(Cause))
    by: Mapped[str] = mapped_column(String(200), default="")
    batch: Mapped[str] = mapped_column(String(24), index=True)
    # By their public ids. A study's own receipt names no interview: each has one of its own.
    study: Mapped[str] = mapped_column(String(24))
    interview: Mapped[str | None] = mapped_column(String(24), index=True)
    parts: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    turns: Mapped[int] = mapped_column(default=0)
    files: Mapped[list[dict[str, Any]]] = mapped_column(default=list)

    @classmethod
    def write(cls, facts: Iterable[Facts], what: What, why: Why) -> None:
        """One for each, with the transaction in which it goes. Nobody took part in a preview or a
        sample, so they leave none."""
        db.session.add_all(
            cls(
                researcher_id=one.researcher_id,
                what=what,
                cause=why.cause,
                by=why.by,
                batch=why.batch,
                study=one.study,
                interview=one.public_id,
                parts=len(one.files),
                bytes=one.bytes,
                turns=0 if what is What.RECORDING else one.turns,
                files=list(one.files),
            )
            for one in facts
            if one.is_counted
        )

    @classmethod
    def write_of_study(cls, study: Study, why: Why) -> None:
        if not study.is_sample:
            row = cls(
                researcher_id=study.researcher_id,
                what=What.STUDY,
                cause=why.cause,
                by=why.by,
                batch=why.batch,
                study=study.public_id,
                files=[],
            )
            db.session.add(row)

    @classmethod
    def all(cls) -> Sequence[Receipt]:
        """The newest first."""
        return db.session.scalars(select(cls).order_by(cls.id.desc())).all()

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.public_id,
            "at": self.at.isoformat(),
            "what": self.what.value,
            "cause": self.cause.value,
            "by": self.by,
            "batch": self.batch,
            "study": self.study,
            "interview": self.interview,
            "parts": self.parts,
            "bytes": self.bytes,
            "turns": self.turns,
            "files": self.files,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """The receipts of one batch together, as a list shows them."""

    batch: str
    at: datetime
    cause: Cause
    by: str
    study: str
    studies: int
    interviews: int
    recordings: int
    parts: int
    bytes: int
    turns: int


def decisions(most: int) -> list[Decision]:
    """The newest first."""

    def counted(what: What) -> Any:
        return func.count(Receipt.id).filter(Receipt.what == what)

    found = db.session.execute(
        select(
            *(Receipt.batch, func.max(Receipt.at), Receipt.cause, Receipt.by, Receipt.study),
            *(counted(What.STUDY), counted(What.INTERVIEW), counted(What.RECORDING)),
            *(func.sum(Receipt.parts), func.sum(Receipt.bytes), func.sum(Receipt.turns)),
        )
        .group_by(Receipt.batch, Receipt.cause, Receipt.by, Receipt.study)
        .order_by(func.max(Receipt.id).desc())
        .limit(most)
    )
    return [Decision(*row) for row in found]


def facts_of(interviews: Sequence[int]) -> list[Facts]:
    """Of those of the interviews that are there, by their ids, however many."""
    steps = range(0, len(interviews), A_STATEMENT)
    return [one for start in steps for one in _facts(interviews[start : start + A_STATEMENT])]


def _facts(interviews: Sequence[int]) -> list[Facts]:
    among = Interview.id.in_(interviews)
    counted = (
        select(Turn.interview_id, func.count(Turn.id))
        .where(Turn.interview_id.in_(interviews))
        .group_by(Turn.interview_id)
    )
    turns = {row[0]: int(row[1]) for row in db.session.execute(counted)}
    files: dict[int, list[dict[str, Any]]] = {}
    for interview, count, digest, digested in db.session.execute(
        select(Recording.interview_id, Part.bytes_durable, Part.content, Part.content_bytes)
        .join(Part, Part.recording_id == Recording.id)
        .where(Recording.interview_id.in_(interviews), Part.bytes_durable > 0)
        .order_by(Recording.interview_id, Part.number)
    ):
        # A digest is of all that is there, or it says nothing.
        known = digest if digested == count else None
        files.setdefault(interview, []).append({"bytes": count, "sha256": known})
    held = select(
        *(Interview.id, Interview.public_id, Study.public_id, Study.researcher_id),
        *(Interview.is_preview, Study.is_sample),
    )
    return [
        Facts(
            id=id_,
            public_id=public_id,
            study=study,
            researcher_id=researcher_id,
            is_counted=not (is_preview or is_sample),
            turns=turns.get(id_, 0),
            files=tuple(files.get(id_, ())),
        )
        for id_, public_id, study, researcher_id, is_preview, is_sample in db.session.execute(
            held.join(Study, Interview.study_id == Study.id).where(among).order_by(Interview.id)
        )
    ]
