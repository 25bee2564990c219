"""Interviews: one participant's conversation in a study."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, func, select, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship, selectinload
from sqlalchemy.sql.base import ExecutableOption

from qualz import clock, door, passenger
from qualz.answers_link import AnswersLink
from qualz.attendance import LISTED_BY
from qualz.consent import Consent
from qualz.conversation import Act, Kind
from qualz.database import PublicId, db, new_public_id, rows_changed, word
from qualz.dialogue import Dialogue
from qualz.drop import Came, Drop
from qualz.errors import InterviewWithdrawn, NotFound, StudyClosed
from qualz.event import Event
from qualz.guide import Guide
from qualz.happening import Happening
from qualz.moderator import Origin, Utterance
from qualz.recording import Recording
from qualz.resume_link import ResumeLink
from qualz.search import Searchable
from qualz.study import Camera, Study
from qualz.tag import Tag, tagged_interviews
from qualz.tokens import new_receipt
from qualz.turn import Turn

if TYPE_CHECKING:
    from qualz.invitation import Invitation
    from qualz.personal_link import PersonalLink

LONGEST_NAME = 120


class Interview(Dialogue):
    __tablename__ = "interviews"
    __table_args__ = (UniqueConstraint("study_id", "number"), *LISTED_BY)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    guide_id: Mapped[int] = mapped_column(ForeignKey("guides.id"))
    number: Mapped[int]
    # What the researcher calls it; the participant never reads it.
    name: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    # As the study had them when it began: what is changed there is for those that begin later.
    camera: Mapped[Camera] = mapped_column(word(Camera))
    time_limit_minutes: Mapped[int]
    consent_text: Mapped[str] = mapped_column(Text)
    consented_at: Mapped[datetime] = mapped_column(default=clock.now)
    completed_at: Mapped[datetime | None]
    # The participant took back all that they said, and holds this receipt for it.
    withdrawn_at: Mapped[datetime | None]
    receipt: Mapped[str | None] = mapped_column(String(16))
    ended_early: Mapped[bool] = mapped_column(default=False)
    # A researcher tries the study: it is listed, counted, merged and exported nowhere.
    is_preview: Mapped[bool] = mapped_column(default=False)
    # What the link carried that it was begun by, of what the study keeps.
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")

    study: Mapped[Study] = relationship(back_populates="interviews")
    guide: Mapped[Guide] = relationship()
    recording: Mapped[Recording] = relationship(
        back_populates="interview", cascade="all, delete-orphan"
    )
    turns: Mapped[list[Turn]] = relationship(
        back_populates="interview", order_by=Turn.position, cascade="all, delete-orphan"
    )
    events: Mapped[list[Event]] = relationship(
        back_populates="interview", order_by=Event.position, cascade="all, delete-orphan"
    )
    drops: Mapped[list[Drop]] = relationship(
        back_populates="interview", order_by=Drop.id, cascade="all, delete-orphan"
    )
    resume_links: Mapped[list[ResumeLink]] = relationship(
        back_populates="interview",
        order_by=ResumeLink.id.desc(),
        cascade="all, delete-orphan",
    )
    answers_links: Mapped[list[AnswersLink]] = relationship(
        back_populates="interview", order_by=AnswersLink.id, cascade="all, delete-orphan"
    )
    consent: Mapped[Consent | None] = relationship(
        back_populates="interview", cascade="all, delete-orphan"
    )
    tags: Mapped[list[Tag]] = relationship(secondary=tagged_interviews, order_by=Tag.folded)
    searchable: Mapped[Searchable | None] = relationship(
        back_populates="interview", cascade="all, delete-orphan"
    )

    @classmethod
    def with_all_said(cls) -> tuple[ExecutableOption, ...]:
        """Loads with an interview what is asked for when somebody speaks."""
        return (
            joinedload(cls.study),
            joinedload(cls.guide),
            joinedload(cls.consent).joinedload(Consent.text),
            joinedload(cls.searchable),
            joinedload(cls.recording).selectinload(Recording.parts),
            selectinload(cls.events),
            selectinload(cls.turns),
        )

    # ---- coming and going

    @classmethod
    def begin(
        cls,
        invitation: Invitation | PersonalLink,
        consent: Consent | None = None,
        *,
        is_preview: bool = False,
        carried: Mapping[str, str] | None = None,
    ) -> Interview:
        """The participant has read the consent text and agreed to it.

        Without `consent` nothing is known but that. Who gave it, and not for the camera, is in an
        interview without one. A preview may be of a draft, and leaves its guide open to changes.
        `carried` are the parameters of the link's address.
        """
        study = invitation.study
        # Those who begin at the same moment are numbered, and counted, one after the other.
        db.session.execute(select(Study.id).where(Study.id == study.id).with_for_update())
        if not (is_preview and study.can_open):
            cls.demand_open(study)
        if not is_preview:
            study.guide.freeze()
        interview = cls(
            public_id=new_public_id(),
            study=study,
            guide=study.guide,
            number=cls._next_number(study, is_preview),
            is_preview=is_preview,
            camera=study.camera if consent is None or consent.to_camera else Camera.DISABLED,
            time_limit_minutes=study.time_limit_minutes,
            consent=consent,
            parameters=passenger.kept(study.parameters, carried or {}),
            consent_text=study.consent_text,
            recording=Recording(),
        )
        interview.make_findable()
        interview._note(Kind.BEGAN, study.terms.as_json())
        db.session.add(interview)
        return interview

    @classmethod
    def demand_open(cls, study: Study) -> None:
        """Raises `StudyClosed` where the study takes nobody new at the moment."""
        if reason := cls.shut_because(study):
            heading, text = reason
            raise StudyClosed(text, heading=heading)

    @classmethod
    def shut_because(cls, study: Study) -> tuple[str, str] | None:
        completed = cls._completed_in(study) if study.quota else 0
        return door.shut_because(study, completed=completed, at=clock.now())

    @classmethod
    def _completed_in(cls, study: Study) -> int:
        """Of the study's own people, who came through: what a quota counts."""
        counted = select(func.count(cls.id)).where(
            cls.study_id == study.id,
            cls.is_preview.is_(False),
            cls.state == Interview.State.COMPLETED,
            cls.screened_out.is_(False),
            cls.ended_early.is_(False),
        )
        return db.session.scalar(counted) or 0

    @property
    def way_on(self) -> str | None:
        """The address where who has finished goes on; None for all others."""
        came_through = self.is_over and not self.screened_out and not self.ended_early
        if not came_through or not self.study.redirect:
            return None
        return passenger.filled(self.study.redirect, self.parameters)

    @classmethod
    def _next_number(cls, study: Study, is_preview: bool) -> int:
        """Previews count downwards from 0, so that participants' numbers have no holes."""
        edge = func.min(cls.number) if is_preview else func.max(cls.number)
        held = select(edge).where(cls.study_id == study.id, cls.is_preview == is_preview)
        found = db.session.scalar(held)
        return (0 if found is None else found - 1) if is_preview else (found or 0) + 1

    @classmethod
    def of(cls, study: Study, public_id: str) -> Interview:
        found = db.session.scalar(
            select(cls).where(
                cls.study_id == study.id, cls.public_id == public_id, cls.is_preview.is_(False)
            )
        )
        if found is None:
            raise NotFound("This study has no such interview.")
        return found

    @property
    def label(self) -> str:
        return self.name or f"Participant {self.number}"

    def rename(self, name: str) -> None:
        """Call it so; by its number again where nothing is left of the name."""
        printed = "".join(char if char.isprintable() else " " for char in name)
        self.name = " ".join(printed.split())[:LONGEST_NAME].strip() or None
        # Whoever writes to the log at this moment has written, or waits, so no word is missed.
        db.session.flush()
        db.session.expire(self, ["turns"])
        self.make_findable()

    @property
    def title(self) -> str:
        return f"{self.study.title} — {self.label}"

    def complete(self, *, early: bool = False) -> None:
        if not self.is_over:
            if self.away_since:
                self._return(Came.RETURN, None)
            self.state = Interview.State.COMPLETED
            self.completed_at = clock.now()
            self.ended_early = early
            # The room is empty: whoever reopens it need not ask a tab that only says thank you.
            self.place = None
            how = "screened_out" if self.screened_out else "stopped" if early else "finished"
            self._note(Kind.ENDED, {"how": how})

    def withdraw(self) -> bool:
        """Nothing more is taken, from now on; see `withdrawal` for what was. False where the
        participant had done so before.

        By UPDATE: of those who write to it at this moment each has committed, or is refused.
        """
        held = update(Interview).where(Interview.id == self.id, Interview.withdrawn_at.is_(None))
        nothing = dict.fromkeys(
            ("name", "place", "page", "away_since", "interrupted_at", "completed_at")
        )
        return bool(
            rows_changed(
                held.values(
                    **nothing,
                    state=Interview.State.WITHDRAWN,
                    withdrawn_at=clock.now(),
                    receipt=new_receipt(),
                    heartbeat={},
                    parameters={},
                    ended_early=False,
                    screened_out=False,
                )
            )
        )

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None

    def demand_kept(self) -> None:
        """Raises `InterviewWithdrawn` where the participant has taken it back."""
        if self.is_withdrawn:
            raise InterviewWithdrawn(self.receipt or "", self.study.language)

    def hold(self) -> None:
        """The same, asked of the database, whose answer holds until this transaction ends."""
        if self.id is None:
            return
        kept = update(Interview).where(Interview.id == self.id, Interview.withdrawn_at.is_(None))
        # What is to be written with it goes out with all the rest, in one go.
        with db.session.no_autoflush:
            if not rows_changed(kept.values(withdrawn_at=None)):
                db.session.refresh(self, ["withdrawn_at", "receipt"])
                self.demand_kept()

    def reopen(self) -> None:
        """Somebody with a resume link wants to go on, even after the goodbye."""
        if self.state not in (Interview.State.COMPLETED, Interview.State.ABANDONED):
            return
        self.state = Interview.State.INTERRUPTED
        self.interrupted_at = clock.now()
        self._note(Kind.REOPENED, {})
        talk = self.conversation
        if talk.is_closed:
            welcome = talk.terms.speech.said["reopening"]
            self.say(Utterance(act=Act.REOPENING, text=welcome, origin=Origin.SCRIPT))

    def _note(self, kind: Kind, payload: dict[str, Any]) -> None:
        super()._note(kind, payload)
        Happening.note_said(self, kind, payload)
