"""Guides: what the moderator must cover, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model

if TYPE_CHECKING:
    from qualz.study import Study


class FollowUp(StrEnum):
    NEVER = "never"
    IF_SHORT = "if_short"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question and when the moderator asks for more.

    `short` is the number of words below which an answer counts as short; `most` is how many
    follow-ups may be asked; `probes` are the researcher's own follow-up questions, in order.
    """

    id: str
    text: str
    follow_up: FollowUp = FollowUp.IF_SHORT
    short: int = 12
    most: int = 1
    probes: tuple[str, ...] = field(default=())

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Question:
        return cls(
            **{
                **kept,
                "follow_up": FollowUp(kept["follow_up"]),
                "probes": tuple(kept.get("probes", ())),
            }
        )

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "probes": list(self.probes)}


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

    @property
    def questions(self) -> list[Question]:
        return [Question.from_json(kept) for kept in self.kept_questions]

    @questions.setter
    def questions(self, questions: Iterable[Question]) -> None:
        self.kept_questions = [question.as_json() for question in questions]

    def freeze(self) -> None:
        self.frozen_at = self.frozen_at or clock.now()
