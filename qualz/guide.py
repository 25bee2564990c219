"""Guides: what the moderator must cover, in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model
from qualz.derived import derived_from
from qualz.question import (
    Condition,
    FollowUp,
    Option,
    Question,
    Stimulus,
    Wording,
)

if TYPE_CHECKING:
    from qualz.study import Study

__all__ = [
    "Condition",
    "FollowUp",
    "Guide",
    "Option",
    "Question",
    "Section",
    "Stimulus",
    "Wording",
    "in_sections",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Questions that belong together. One without a title is not told of."""

    id: str = ""
    title: str = ""
    questions: tuple[Question, ...] = ()

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Section:
        questions = tuple(Question.from_json(one) for one in kept["questions"])
        return cls(id=kept["id"], title=kept["title"], questions=questions)

    def as_json(self) -> dict[str, Any]:
        questions = [question.as_json() for question in self.questions]
        return {"id": self.id, "title": self.title, "questions": questions}


def in_sections(given: Iterable[Section] | Iterable[Question]) -> list[Section]:
    """Questions without sections are one section without a title."""
    ones = list(given)
    sections = [one for one in ones if isinstance(one, Section)]
    if len(sections) == len(ones):
        return sections
    return [Section(questions=tuple(one for one in ones if isinstance(one, Question)))]


def _kept(guide: Guide) -> list[dict[str, Any]]:
    return guide.kept_questions


class Guide(Model):
    """One version of a study's guide. An interview keeps the version that it started with."""

    __tablename__ = "guides"
    __table_args__ = (UniqueConstraint("study_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    version: Mapped[int]
    kept_questions: Mapped[list[dict[str, Any]]] = mapped_column("questions", default=list)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    frozen_at: Mapped[datetime | None]

    study: Mapped[Study] = relationship(back_populates="guides")

    @derived_from(_kept)
    def _sections(self) -> tuple[Section, ...]:
        if all("questions" in kept for kept in self.kept_questions):
            return tuple(Section.from_json(kept) for kept in self.kept_questions)
        return (Section(questions=tuple(Question.from_json(one) for one in self.kept_questions)),)

    @property
    def sections(self) -> list[Section]:
        """In order. What was kept before there were sections is one without a title."""
        return [*self._sections]

    @sections.setter
    def sections(self, sections: Iterable[Section] | Iterable[Question]) -> None:
        held = in_sections(sections)
        if all(not section.title for section in held):
            self.kept_questions = [one.as_json() for section in held for one in section.questions]
        else:
            self.kept_questions = [section.as_json() for section in held]

    @property
    def questions(self) -> list[Question]:
        """Of all sections, in order."""
        return [question for section in self._sections for question in section.questions]

    @property
    def digest(self) -> str:
        """Of exactly these questions: kept with each interview that they were asked in."""
        kept = json.dumps(self.kept_questions, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(kept.encode()).hexdigest()

    def freeze(self) -> None:
        self.frozen_at = self.frozen_at or clock.now()
