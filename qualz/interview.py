"""Interviews: one participant's conversation in a study."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, db, new_public_id, word
from qualz.drop import PRESENT_FOR, Came, Cause, Drop
from qualz.errors import ElsewhereInRoom, InterviewEnded, NotFound, StudyClosed
from qualz.guide import Guide
from qualz.moderator import REOPENING, Act, Conversation, Exchange, Moderator, Utterance
from qualz.part import Part
from qualz.recording import Recording
from qualz.resume_link import ResumeLink
from qualz.study import Camera, Study
from qualz.turn import Manner, Speaker, Turn

if TYPE_CHECKING:
    from qualz.invitation import Invitation


class Interview(Model):
    __tablename__ = "interviews"
    __table_args__ = (UniqueConstraint("study_id", "number"),)

    class State(StrEnum):
        JOINED = "joined"
        LIVE = "live"
        INTERRUPTED = "interrupted"
        COMPLETED = "completed"
        ABANDONED = "abandoned"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    guide_id: Mapped[int] = mapped_column(ForeignKey("guides.id"))
    number: Mapped[int]
    state: Mapped[State] = mapped_column(word(State), default=State.JOINED, index=True)
    # As the study had them when it began: what is changed there is for those that begin later.
    camera: Mapped[Camera] = mapped_column(word(Camera))
    time_limit_minutes: Mapped[int]
    consent_text: Mapped[str] = mapped_column(Text)
    consented_at: Mapped[datetime] = mapped_column(default=clock.now)
    # The one live place: which tab on which device is in the room.
    place: Mapped[str | None] = mapped_column(String(64))
    # The page that came there last; a reload is another page in the same place.
    page: Mapped[str | None] = mapped_column(String(64))
    last_seen_at: Mapped[datetime | None]
    # Set while the participant is known to be gone; see `drops`.
    away_since: Mapped[datetime | None]
    heartbeat: Mapped[dict[str, Any]] = mapped_column(default=dict)
    interrupted_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    ended_early: Mapped[bool] = mapped_column(default=False)

    study: Mapped[Study] = relationship(back_populates="interviews")
    guide: Mapped[Guide] = relationship()
    recording: Mapped[Recording] = relationship(
        back_populates="interview", cascade="all, delete-orphan"
    )
    turns: Mapped[list[Turn]] = relationship(
        back_populates="interview", order_by=Turn.position, cascade="all, delete-orphan"
    )
    drops: Mapped[list[Drop]] = relationship(
        back_populates="interview", order_by=Drop.id, cascade="all, delete-orphan"
    )
    resume_links: Mapped[list[ResumeLink]] = relationship(
        back_populates="interview",
        order_by=ResumeLink.id.desc(),
        cascade="all, delete-orphan",
    )

    # ---- coming and going

    @classmethod
    def begin(cls, invitation: Invitation) -> Interview:
        """The participant has read the consent text and agreed to it."""
        study = invitation.study
        if study.state is not Study.State.LIVE:
            raise StudyClosed("This study is not open yet. Ask whoever sent you the link.")
        study.guide.freeze()
        held = select(func.coalesce(func.max(cls.number), 0)).where(cls.study_id == study.id)
        interview = cls(
            public_id=new_public_id(),
            study=study,
            guide=study.guide,
            number=(db.session.scalar(held) or 0) + 1,
            camera=study.camera,
            time_limit_minutes=study.time_limit_minutes,
            consent_text=study.consent_text,
            recording=Recording(),
        )
        db.session.add(interview)
        return interview

    @classmethod
    def of(cls, study: Study, public_id: str) -> Interview:
        found = db.session.scalar(
            select(cls).where(cls.study_id == study.id, cls.public_id == public_id)
        )
        if found is None:
            raise NotFound("This study has no such interview.")
        return found

    @property
    def label(self) -> str:
        return f"Participant {self.number}"

    @property
    def title(self) -> str:
        return f"{self.study.title} — {self.label}"

    @property
    def is_over(self) -> bool:
        return self.state is Interview.State.COMPLETED

    def is_left(self, *, hold: timedelta) -> bool:
        """Whether it is over, or its participant has been away for longer than the hold."""
        if self.state in (Interview.State.COMPLETED, Interview.State.ABANDONED):
            return True
        return self.interrupted_at is not None and clock.now() - self.interrupted_at >= hold

    def arrive(
        self,
        place: str,
        *,
        page: str | None = None,
        came: Came = Came.FIRST,
        listening_since: datetime | None = None,
        take_over: bool = False,
    ) -> bool:
        """The participant enters the room from a tab or device and takes its one live place.

        Answers whether another place was taken over. Raises `ElsewhereInRoom` while another one
        is in use, unless `take_over`.
        """
        if self.is_over:
            raise InterviewEnded("This interview has ended. Thank you.")
        moved = self.place is not None and self.place != place
        if moved and not take_over and self.is_present:
            raise ElsewhereInRoom("This interview is open in another tab or on another device.")
        self.place, self.page = place, page
        self.seen(came, listening_since=listening_since)
        return moved

    def depart(self, place: str, page: str | None = None) -> None:
        """The page in that place is being left. Perhaps it is only loaded anew.

        Its goodbye may be slower than the page that follows it, and then says nothing new.
        """
        is_theirs = (self.place, self.page) == (place, page)
        if self.state is Interview.State.LIVE and is_theirs and not self.away_since:
            self.away_since = clock.now()
            self.drops.append(Drop(left_at=self.away_since, cause=Cause.LEFT))

    def seen(self, came: Came | None = None, *, listening_since: datetime | None = None) -> None:
        """The participant is in the room: a heartbeat or an answer says so, or they `came`."""
        if came is None and self._has_just_left:
            return
        if self.away_since or (self.state is Interview.State.LIVE and not self.is_present):
            self._return(came or Came.RETURN, listening_since)
        self.last_seen_at = clock.now()
        if self.state in (Interview.State.JOINED, Interview.State.INTERRUPTED):
            self.state = Interview.State.LIVE
            self.interrupted_at = None

    def _return(self, came: Came, listening_since: datetime | None) -> None:
        if not any(drop.returned_at is None for drop in self.drops):
            # They were back before anybody had noticed.
            left_at = self.last_seen_at or clock.now()
            self.drops.append(Drop(left_at=left_at, noticed_at=clock.now()))
        for drop in self.drops:
            if drop.returned_at is None:
                drop.end(came, listening_since=listening_since or drop.left_at)
        self.away_since = None

    @property
    def _has_just_left(self) -> bool:
        """Its last heartbeats may come after the goodbye of a page."""
        if self.away_since is None or clock.now() - self.away_since >= PRESENT_FOR:
            return False
        return bool(self.drops) and self.drops[-1].cause is Cause.LEFT

    @property
    def is_present(self) -> bool:
        """Whether the participant was heard a moment ago, and has not said that they leave."""
        is_heard = self.last_seen_at and clock.now() - self.last_seen_at < PRESENT_FOR
        return bool(is_heard) and self.away_since is None

    def complete(self, *, early: bool = False) -> None:
        if not self.is_over:
            if self.away_since:
                self._return(Came.RETURN, None)
            self.state = Interview.State.COMPLETED
            self.completed_at = clock.now()
            self.ended_early = early
            # The room is empty: whoever reopens it need not ask a tab that only says thank you.
            self.place = None

    def reopen(self) -> None:
        """Somebody with a resume link wants to go on, even after the goodbye."""
        if self.state not in (Interview.State.COMPLETED, Interview.State.ABANDONED):
            return
        self.state = Interview.State.INTERRUPTED
        self.interrupted_at = clock.now()
        if self.last_said and self.last_said.act is Act.CLOSING:
            self._say(Utterance(act=Act.REOPENING, text=REOPENING))

    # ---- the conversation

    @property
    def seconds_left(self) -> float:
        """Until the time limit, counting only what was recorded: being away costs nothing."""
        spent = sum(part.seconds for part in self.recording.parts)
        return self.time_limit_minutes * 60 - spent

    @property
    def exchanges(self) -> list[Exchange]:
        answers = {
            turn.position: turn for turn in self.turns if turn.speaker is Speaker.PARTICIPANT
        }
        return [
            Exchange(
                act=turn.act or Act.QUESTION,
                text=turn.text,
                question_id=turn.question_id,
                words=_words_of(answers.get(turn.position + 1)),
            )
            for turn in self.turns
            if turn.speaker is Speaker.MODERATOR
        ]

    @property
    def last_said(self) -> Turn | None:
        """The moderator's last utterance."""
        said = [turn for turn in self.turns if turn.speaker is Speaker.MODERATOR]
        return said[-1] if said else None

    @property
    def has_been_closed(self) -> bool:
        """Whether the moderator has said goodbye."""
        return self.last_said is not None and self.last_said.act is Act.CLOSING

    @property
    def progress(self) -> float:
        """How much of the guide has been asked, from 0 to 1."""
        ids = {question.id for question in self.guide.questions}
        asked = {turn.question_id for turn in self.turns} & ids
        if self.last_said and self.last_said.act in (Act.CLOSING, Act.REOPENING):
            return 1.0
        return max(0, len(asked) - 1) / max(1, len(ids))

    def hear_moderator(self, moderator: Moderator) -> Turn:
        """What the moderator last said; decided anew only when that has been answered."""
        if self.last_said and self.exchanges[-1].words is None:
            return self.last_said
        return self._say(
            moderator.next_utterance(
                Conversation(
                    questions=self.guide.questions,
                    exchanges=self.exchanges,
                    seconds_left=self.seconds_left,
                )
            )
        )

    def answer(self, *, key: str, to: int, manner: Manner, **said: Any) -> None:
        """Keep an answer to the utterance at position `to`, once.

        One that was sent twice, or that answers what has been answered meanwhile, is let go: the
        page is shown where the interview stands.
        """
        last = self.last_said
        if last is None or last.position != to or last.act is Act.CLOSING:
            return
        if any(turn.key == key or turn.position > to for turn in self.turns):
            return
        self._append(
            Turn(
                key=key,
                speaker=Speaker.PARTICIPANT,
                manner=manner,
                question_id=last.question_id,
                **said,
            )
        )

    def _say(self, utterance: Utterance) -> Turn:
        return self._append(
            Turn(
                speaker=Speaker.MODERATOR,
                act=utterance.act,
                text=utterance.text,
                question_id=utterance.question_id,
                part=self._running_part(),
            )
        )

    def _running_part(self) -> Part | None:
        running = [part for part in self.recording.parts if part.is_open]
        return running[-1] if running else None

    def _append(self, turn: Turn) -> Turn:
        turn.position = len(self.turns) + 1
        self.turns.append(turn)
        return turn


def _words_of(answer: Turn | None) -> int | None:
    if answer is None:
        return None
    return 0 if answer.manner is Manner.SKIPPED else answer.words
