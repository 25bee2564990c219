"""Studies: what a researcher wants to learn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, db, word
from qualz.errors import NotFound
from qualz.guide import Guide, Question
from qualz.invitation import Invitation
from qualz.researcher import Researcher

if TYPE_CHECKING:
    from qualz.interview import Interview

DEFAULT_CONSENT = (
    "This interview is about the topic above and is led by an automated moderator. Your voice is "
    "recorded from the moment you start, and your camera only if you switch it on. The research "
    "team uses the recording and its transcript for this study. Taking part is voluntary: you can "
    "skip any question and stop at any time."
)
DEFAULT_ENDING = "Thank you for your time. Your answers have reached the research team."


class Camera(StrEnum):
    """Whether a study's participants may show themselves. Sound is always recorded."""

    DISABLED = "disabled"
    OFF_BY_DEFAULT = "off_by_default"
    ON_BY_DEFAULT = "on_by_default"

    @property
    def is_allowed(self) -> bool:
        return self is not Camera.DISABLED


class Study(Model):
    __tablename__ = "studies"

    class State(StrEnum):
        DRAFT = "draft"
        LIVE = "live"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    researcher_id: Mapped[int] = mapped_column(ForeignKey("researchers.id"), index=True)
    state: Mapped[State] = mapped_column(word(State), default=State.DRAFT)
    title: Mapped[str] = mapped_column(String(200), default="")
    objective: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(16), default="en")
    consent_text: Mapped[str] = mapped_column(Text, default=DEFAULT_CONSENT)
    camera: Mapped[Camera] = mapped_column(word(Camera), default=Camera.DISABLED)
    time_limit_minutes: Mapped[int] = mapped_column(default=30)
    ending_text: Mapped[str] = mapped_column(Text, default=DEFAULT_ENDING)
    # What was typed into a step of the wizard and could not be saved yet, field by field.
    unsaved: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    researcher: Mapped[Researcher] = relationship()
    guides: Mapped[list[Guide]] = relationship(
        back_populates="study", order_by="Guide.version", cascade="all, delete-orphan"
    )
    invitation: Mapped[Invitation] = relationship(
        back_populates="study", cascade="all, delete-orphan"
    )
    interviews: Mapped[list[Interview]] = relationship(
        back_populates="study", order_by="Interview.number.desc()"
    )

    @classmethod
    def start(cls, researcher: Researcher, **basics: Any) -> Study:
        study = cls(researcher=researcher, invitation=Invitation(), unsaved={}, **basics)
        study.guides.append(Guide(version=1, kept_questions=[]))
        db.session.add(study)
        return study

    @classmethod
    def of(cls, researcher: Researcher, public_id: str) -> Study:
        """The researcher's study of that name; `NotFound` for anybody else's."""
        found = db.session.scalar(
            select(cls).where(cls.public_id == public_id, cls.researcher_id == researcher.id)
        )
        if found is None:
            raise NotFound("There is no such study among yours.")
        return found

    @property
    def guide(self) -> Guide:
        """The newest version, which the next interview will be held by."""
        return self.guides[-1]

    def revise_guide(self, questions: Sequence[Question]) -> Guide:
        """Set the questions; interviews that have started keep the version they started with."""
        if self.guide.frozen_at and list(questions) != self.guide.questions:
            self.guides.append(Guide(version=self.guide.version + 1, kept_questions=[]))
        if not self.guide.frozen_at:
            self.guide.questions = questions
        return self.guide

    def keep_unsaved(self, step: str, typed: dict[str, list[str]]) -> None:
        self.unsaved = {**self.unsaved, step: typed}

    def forget_unsaved(self, step: str) -> None:
        self.unsaved = {name: typed for name, typed in self.unsaved.items() if name != step}

    @property
    def can_open(self) -> bool:
        return bool(self.title and self.guide.kept_questions)

    def open(self) -> None:
        """From now on the share link starts interviews."""
        if self.can_open:
            self.state = Study.State.LIVE
