"""Studies: what a researcher wants to learn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, Text, false, select, true
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from qualz import clock, wording
from qualz.conversation import Probing, Terms
from qualz.database import Model, PublicId, db, word
from qualz.errors import NotFound, WrongState
from qualz.guide import Guide, Question, Section, in_sections
from qualz.invitation import Invitation
from qualz.passenger import LONGEST_ADDRESS
from qualz.researcher import Researcher
from qualz.study_access import allows
from qualz.wording import told

if TYPE_CHECKING:
    from qualz.interview import Interview

DEFAULT_CONSENT = told(
    "This interview is about the topic above and is led by an automated moderator. Your voice is "
    "recorded from the moment you start, and your camera only if you switch it on. The research "
    "team uses the recording and its transcript for this study. Taking part is voluntary: you can "
    "skip any question and stop at any time."
)
DEFAULT_ENDING = told("Thank you for your time. Your answers have reached the research team.")


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
        PAUSED = "paused"
        CLOSED = "closed"
        ARCHIVED = "archived"

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
    probing: Mapped[Probing] = mapped_column(word(Probing), default=Probing.ADAPTIVE)
    # How many follow-up questions an interview may hold in all.
    most_follow_ups: Mapped[int] = mapped_column(default=30)
    ending_text: Mapped[str] = mapped_column(Text, default=DEFAULT_ENDING)
    # Whom the share link lets in; see `door`.
    quota: Mapped[int | None]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    access_code: Mapped[str] = mapped_column(String(64), default="", server_default="")
    # Which of the link's parameters are kept, and where participants go on; see `passenger`.
    parameters: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    redirect: Mapped[str] = mapped_column(String(LONGEST_ADDRESS), default="", server_default="")
    # The origins of sites that may show its interviews inside their pages; see `embedding`.
    embedders: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    # Whether all of the team sees it, or only who was let in by name; see `study_access`.
    is_for_team: Mapped[bool] = mapped_column(default=True, server_default=true())
    # Nobody took part in it: see `sample`.
    is_sample: Mapped[bool] = mapped_column(default=False, server_default=false())
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
        draft = {
            "state": cls.State.DRAFT,
            "unsaved": {},
            "parameters": [],
            "embedders": [],
            "is_for_team": True,
            **basics,
        }
        study = cls(researcher=researcher, invitation=Invitation(), **draft)
        study.guides.append(Guide(version=1, kept_questions=[]))
        db.session.add(study)
        return study

    @classmethod
    def of(cls, researcher: Researcher, public_id: str) -> Study:
        """The study of that name, where the researcher may see it; else `NotFound`."""
        found = db.session.scalar(
            select(cls).where(cls.public_id == public_id, cls.seen_by(researcher))
        )
        if found is None:
            raise NotFound("There is no such study among yours.")
        return found

    @classmethod
    def seen_by(cls, researcher: Researcher) -> ColumnElement[bool]:
        """A condition: only what the researcher may see. The rule is `study_access.allows`."""
        study = aliased(cls)
        seen = select(study.id).join(Researcher, allows(study, Researcher))
        return cls.id.in_(seen.where(Researcher.id == researcher.id))

    @property
    def audience(self) -> Sequence[Researcher]:
        """All who may see it, by the same rule."""
        seeing = select(Researcher).join(Study, allows(Study, Researcher))
        return db.session.scalars(seeing.where(Study.id == self.id).order_by(Researcher.id)).all()

    def is_governed_by(self, researcher: Researcher) -> bool:
        """Who decides who sees it: whoever made it, and those who manage the team."""
        is_maker = self.researcher_id == researcher.id and researcher.may_change
        return is_maker or researcher.may_manage

    @property
    def name(self) -> str:
        """What it is called where it must be called something."""
        return self.title or "Untitled study"

    @property
    def guide(self) -> Guide:
        """The newest version, which the next interview will be held by."""
        return self.guides[-1]

    def revise_guide(self, given: Sequence[Section] | Sequence[Question]) -> Guide:
        """Set the questions; interviews that have started keep the version they started with."""
        sections = in_sections(given)
        if self.guide.frozen_at and sections != self.guide.sections:
            self.guides.append(Guide(version=self.guide.version + 1, kept_questions=[]))
        if not self.guide.frozen_at:
            self.guide.sections = sections
        return self.guide

    def follow_language(self) -> None:
        """Texts that nobody has written anew are in the study's language."""
        for name, text in (("consent_text", DEFAULT_CONSENT), ("ending_text", DEFAULT_ENDING)):
            if (getattr(self, name) or text) in wording.in_every_language(text).values():
                setattr(self, name, wording.in_language(text, self.language))

    @property
    def terms(self) -> Terms:
        """What an interview that begins now is begun under."""
        return Terms(
            language=self.language,
            seconds=self.time_limit_minutes * 60,
            probing=self.probing,
            most_follow_ups=self.most_follow_ups,
            aim=self.objective,
            ending=self.ending_text,
            guide=self.guide.digest,
        )

    def keep_unsaved(self, step: str, typed: dict[str, list[str]]) -> None:
        self.unsaved = {**self.unsaved, step: typed}

    def forget_unsaved(self, step: str) -> None:
        self.unsaved = {name: typed for name, typed in self.unsaved.items() if name != step}

    @property
    def is_draft(self) -> bool:
        return self.state is Study.State.DRAFT

    @property
    def can_open(self) -> bool:
        return bool(self.title and self.guide.kept_questions)

    def open(self) -> None:
        """From now on the share link starts interviews."""
        self.become(Study.State.LIVE)

    def become(self, state: State) -> None:
        """Go over to another state; to its own, nothing happens. Raises `WrongState`.

        Only who comes by the share link feels it: interviews that have begun go on in any state.
        """
        if state is self.state:
            return
        if state not in self.may_become:
            raise WrongState(f"A {self.state} study cannot become {state}. Reload the page.")
        if state is Study.State.LIVE and not self.can_open:
            raise WrongState("A study needs a title and a question before it can be opened.")
        self.state = state

    @property
    def may_become(self) -> tuple[State, ...]:
        """Out of the archive it comes as it can be told apart: a draft until its guide was used."""
        if self.state is Study.State.ARCHIVED:
            was_used = any(guide.frozen_at for guide in self.guides)
            return (Study.State.CLOSED if was_used else Study.State.DRAFT,)
        return NEXT[self.state]


# What a study may become. One that is live is never put away at a stroke.
NEXT = {
    Study.State.DRAFT: (Study.State.LIVE, Study.State.ARCHIVED),
    Study.State.LIVE: (Study.State.PAUSED, Study.State.CLOSED),
    Study.State.PAUSED: (Study.State.LIVE, Study.State.CLOSED, Study.State.ARCHIVED),
    Study.State.CLOSED: (Study.State.LIVE, Study.State.ARCHIVED),
}
