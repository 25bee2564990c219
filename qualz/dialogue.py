"""Dialogues: what was said in an interview, and what may be said next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Mapped, mapped_column

from qualz.attendance import Attendance
from qualz.branching import offered
from qualz.conversation import Conversation, Kind, Manner
from qualz.derived import derived_from
from qualz.event import Event
from qualz.guide import Guide
from qualz.moderator import Utterance
from qualz.part import Part
from qualz.progress import Progress, progress
from qualz.question import Option, Stimulus
from qualz.recording import Recording
from qualz.search import Searchable
from qualz.turn import Speaker, Turn


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is heard: in milliseconds of the part's own clock."""

    part: Part
    begins_ms: int
    ends_ms: int


def _log(dialogue: Dialogue) -> list[tuple[Kind, Mapping[str, Any]]]:
    return [event.told for event in dialogue.events]


class Dialogue(Attendance):
    """What of an interview is about its conversation."""

    __abstract__ = True

    # An answer to a screening question has ended it: the study is about others.
    screened_out: Mapped[bool] = mapped_column(default=False)

    if TYPE_CHECKING:
        number: Mapped[int]
        name: Mapped[str | None]
        guide: Mapped[Guide]
        recording: Mapped[Recording]
        turns: Mapped[list[Turn]]
        events: Mapped[list[Event]]
        searchable: Mapped[Searchable | None]

        def hold(self) -> None: ...

    @derived_from(_log)
    def conversation(self) -> Conversation:
        """Where it stands, folded from the log."""
        return Conversation.of(_log(self))

    @property
    def seconds_recorded(self) -> float:
        """What counts towards the time limit: being away costs nothing."""
        return sum(part.seconds for part in self.recording.parts)

    @property
    def last_said(self) -> Turn | None:
        """The moderator's last utterance."""
        said = [turn for turn in self.turns if turn.speaker is Speaker.MODERATOR]
        return said[-1] if said else None

    @property
    def has_been_closed(self) -> bool:
        """Whether the moderator has said goodbye."""
        return self.conversation.is_closed

    @property
    def progress(self) -> float:
        """How much of the guide has been asked, from 0 to 1."""
        return self.standing.share

    @property
    def standing(self) -> Progress:
        """How far it is: in which section, and for how long it may still last."""
        return progress(self.conversation, self.guide.sections)

    @property
    def offered(self) -> tuple[Option, ...]:
        """The answers to choose from, where the question that stands has some."""
        return offered(self.conversation, self.guide.questions)

    @property
    def stimulus(self) -> Stimulus | None:
        """What is shown beside what stands: for as long as it is about that question."""
        last = self.conversation.last
        shown = {question.id: question.stimulus for question in self.guide.questions}
        return shown.get(last.question_id or "") if last else None

    def answer(
        self,
        *,
        key: str,
        to: int,
        manner: Manner,
        choice: Option | None = None,
        earlier: Sequence[Place] = (),
        **said: Any,
    ) -> None:
        """Keep an answer to the utterance at position `to`, once.

        One that was sent twice, or that answers what has been answered meanwhile, is let go: the
        page is shown where the interview stands. A `choice` is one of those that are `offered`.
        `earlier` is where it was begun, if it was spoken across a drop or a change of device: a
        turn for each stretch of it, before the one in which it ends.
        """
        talk = self.conversation
        if talk.last is None or not talk.takes(key, to):
            return
        if choice:
            said["text"] = choice.text
        recorded = self.seconds_recorded
        begun = [
            self._append(
                Turn(
                    speaker=Speaker.PARTICIPANT,
                    manner=manner,
                    question_id=talk.last.question_id,
                    part=place.part,
                    begins_ms=place.begins_ms,
                    ends_ms=place.ends_ms,
                )
            )
            for place in earlier
        ]
        turn = Turn(
            key=key,
            speaker=Speaker.PARTICIPANT,
            manner=manner,
            question_id=talk.last.question_id,
            **said,
        )
        self._append(turn)
        told: dict[str, Any] = {
            "to": to,
            "turn": turn.position,
            "key": key,
            "manner": manner.value,
            "text": turn.text or "",
            "seconds": sum(one.seconds for one in (*begun, turn) if manner is Manner.SPOKEN),
            "at": recorded,
        } | ({"choice": choice.id} if choice else {})
        self._note(Kind.ANSWERED, told)

    def say(self, utterance: Utterance) -> Turn:
        """Keep what the moderator says. It stands until it is answered."""
        recorded = self.seconds_recorded
        self.screened_out = self.screened_out or utterance.kind == "screened_out"
        turn = self._append(
            Turn(
                speaker=Speaker.MODERATOR,
                act=utterance.act,
                text=utterance.text,
                question_id=utterance.question_id,
                part=self._running_part(),
            )
        )
        told: dict[str, Any] = {
            "turn": turn.position,
            "act": utterance.act.value,
            "text": utterance.text,
            "question": utterance.question_id,
            "origin": utterance.origin.value,
            "kind": utterance.kind,
            "at": recorded,
            **utterance.notes,
        }
        self._note(Kind.SAID, told)
        return turn

    def heard(self, turn: Turn, text: str, *, is_draft: bool = True) -> None:
        """Somebody, or some engine, has listened to it. The sound and corrections stay."""
        turn.text = text
        self.make_findable()
        asked, stretches = self._exchange_of(turn)
        if asked is None:
            return
        whole = " ".join(one.text for one in stretches if one.text)
        self._note(Kind.HEARD, {"to": asked.position, "text": whole, "is_draft": is_draft})

    def know_end_of(self, part: Part) -> None:
        """How long its recorder ran is known by now. An answer that went on in the next part lasts
        until then in this one: the participant was not asked anything else in between."""
        if part.id is None:
            # Its length was known before it was: nothing has been said in it.
            return
        until = round(part.recorded * 1000)
        for turn, following in pairwise(self.turns):
            goes_on = turn.speaker is following.speaker is Speaker.PARTICIPANT
            if goes_on and turn.part_id == part.id and until > (turn.ends_ms or until):
                for one in turn.redactions:
                    one.ends_ms = until if one.ends_ms == turn.ends_ms else one.ends_ms
                for hearing in turn.hearings:
                    # What is heard of it once more is all of it.
                    hearing.is_whole = False
                turn.ends_ms = until

    def _exchange_of(self, turn: Turn) -> tuple[Turn | None, list[Turn]]:
        """What an answer answers, and all stretches of that answer."""
        stretches: list[Turn] = []
        asked = None
        for one in self.turns:
            if one.speaker is Speaker.MODERATOR:
                if turn in stretches:
                    break
                asked, stretches = one, []
            else:
                stretches.append(one)
        return asked, stretches

    def leave_deciding(self, until: float) -> None:
        """Whoever asks a model says so first, and until when: it is asked once for an answer."""
        self._note(Kind.DECIDING, {"until": until})

    def _note(self, kind: Kind, payload: dict[str, Any]) -> None:
        self.hold()
        self.events.append(Event(position=len(self.events) + 1, kind=kind, payload=payload))

    def _running_part(self) -> Part | None:
        running = [part for part in self.recording.parts if part.is_open]
        return running[-1] if running else None

    def _append(self, turn: Turn) -> Turn:
        turn.position = len(self.turns) + 1
        # Nobody has redacted anything of it, and the database need not be asked.
        turn.redactions = []
        self.turns.append(turn)
        self.make_findable()
        return turn

    def make_findable(self) -> None:
        """By its number, its name and all that was said in it."""
        # Before anything is asked of the database: what a new turn reads is known without.
        said = [f"Participant {self.number}", self.name or "", *(one.words for one in self.turns)]
        if self.searchable is None:
            self.searchable = Searchable()
        self.searchable.hold(said)
