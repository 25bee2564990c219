"""Hearings: a spoken answer put into words, once by each engine that was asked to.

The sound stays what it was, and so do earlier hearings: the newest counts. The sound is cut out of
the part as it was uploaded, so the times of words are times of the recording.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, Text, and_, exists, func, or_, select
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from qualz import clock
from qualz.ai.hearing import CannotHear, Heard, Listener, patiently
from qualz.conversation import Manner
from qualz.database import db, once_more_if_taken
from qualz.interview import Interview
from qualz.leased import Leased, LeaseLost
from qualz.media import speech
from qualz.media.ffmpeg import Failed, FFmpeg, Stopped
from qualz.media.storage import DiskFull, Storage
from qualz.part import Part
from qualz.recording import Recording
from qualz.turn import Speaker, Turn

# So long after an answer the moderator's next words may wait for what was said in it.
PATIENCE = timedelta(seconds=1.0)
# Answers that take longer cannot be heard in that time, and are not to keep others from it.
SHORT_ENOUGH = 30.0  # seconds


class Hearing(Leased):
    """`words` have times in seconds of the part, as `ai.hearing.Word.as_json` writes them."""

    __tablename__ = "hearings"

    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    # Whether nobody waits for it in the room.
    is_at_leisure: Mapped[bool] = mapped_column(default=False)
    engine: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    words: Mapped[list[dict[str, Any]]] = mapped_column(default=list, deferred=True)
    is_draft: Mapped[bool] = mapped_column(default=False)
    # Whether all of the answer's sound had arrived when it was heard.
    is_whole: Mapped[bool] = mapped_column(default=True, index=True)

    turn: Mapped[Turn] = relationship(back_populates="hearings")

    @property
    def recording(self) -> Recording:
        return self.turn.interview.recording

    # ---- asking for it

    @classmethod
    def of_last_answer(cls, interview: Interview) -> list[Hearing]:
        """The hearings of the answer that was just given, one for each stretch of it, begun where
        it needs one and has none."""
        wanted = [t for t in _last_answer(interview) if _is_audible(t) and not t.text]
        return [turn.hearings[-1] if turn.hearings else cls._begin(turn) for turn in wanted]

    @classmethod
    def again(cls, interview: Interview) -> list[Hearing]:
        """Have every spoken answer heard again, at leisure; those that are waited for already are
        not asked for twice."""
        waited = {turn.id for turn in interview.turns if _is_under_way(turn)}
        audible = [turn for turn in interview.turns if _is_audible(turn)]
        return [cls._begin(turn, at_leisure=True) for turn in audible if turn.id not in waited]

    @classmethod
    def begin_completed(cls) -> None:
        """Hear anew, once the rest of the sound has come, what was heard while it was missing."""
        later = aliased(cls)
        newer = exists().where(later.turn_id == cls.turn_id, later.id > cls.id)
        ended = cls.state.in_([Leased.State.DONE, Leased.State.FAILED])
        partial = ended & cls.is_whole.is_(False)
        found = select(Turn).join(cls.turn).join(Turn.part).where(partial, ~newer, _has_come())
        for turn in db.session.scalars(found).all():
            cls._begin(turn, at_leisure=True)

    @classmethod
    def _begin(cls, turn: Turn, *, at_leisure: bool = False) -> Hearing:
        hearing = cls(turn=turn, is_at_leisure=at_leisure or turn.seconds > SHORT_ENOUGH)
        db.session.add(hearing)
        db.session.flush()
        return hearing

    @property
    def job(self) -> str:
        """What is rung for it."""
        return "hear_again" if self.is_at_leisure else "hear"

    @property
    def is_heard_well(self) -> bool:
        """Whether there are words already that no draft is to replace."""
        heard = self.turn.heard
        return heard is not None and bool(heard.text) and not heard.is_draft

    @property
    def is_ripe(self) -> bool:
        """Whether its sound has arrived, or nothing more of it is waited for."""
        ripe = select(Turn.id).join(Turn.part).where(Turn.id == self.turn_id, _is_ripe())
        return db.session.scalar(ripe) is not None

    @classmethod
    def _is_free(cls) -> ColumnElement[bool]:
        # Without a part there is nothing to wait for either.
        ripe = exists().where(Turn.id == cls.turn_id, or_(Turn.part_id.is_(None), _part_is_ripe()))
        return and_(super()._is_free(), ripe)

    @classmethod
    def patience_left(cls, interview: Interview) -> float:
        """Seconds for which the words of the last answer are still worth waiting for."""
        if not any(_is_audible(turn) for turn in _last_answer(interview)):
            return 0.0
        wanted = cls.state.in_([Leased.State.WAITING, Leased.State.RUNNING])
        said = select(func.max(Turn.said_at)).join(cls.turn)
        of_it = (Turn.interview_id == interview.id, Turn.said_at > clock.now() - PATIENCE)
        at = db.session.scalar(said.where(*of_it, wanted, cls.is_at_leisure.is_(False)))
        return 0.0 if at is None else (at + PATIENCE - clock.now()).total_seconds()

    # ---- doing it

    def run(
        self,
        *,
        listener: Listener | None,
        storage: Storage,
        ffmpeg: FFmpeg | None,
        lease_for: timedelta,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Hear it. Ends done or failed; in both cases the answer's sound is unharmed."""
        if self._is_given_up("Hearing it"):
            return
        part = self.turn.part
        if self.turn.taken_back_at:
            self._fail("The participant has taken it back.")
            return
        if listener is None or ffmpeg is None or part is None:
            missing = "engine" if listener is None else "ffmpeg" if ffmpeg is None else "sound"
            self._fail(f"There is no {missing} to hear it with.")
            return
        if storage.has_shelf and part.shelved is None and not storage.spooled(part.file):
            self.put_off("Its sound is on another server.")
            return
        begins, ends = (self.turn.begins_ms or 0) / 1000, (self.turn.ends_ms or 0) / 1000
        is_whole = part.is_whole or part.stored >= ends
        path, language = storage.here(part.kept_as), self.turn.interview.conversation.terms.language
        # No transaction stays open while others work.
        db.session.commit()
        try:
            with storage.workspace("hearing") as workspace:
                sound = speech.cut(path, begins, ends, workspace, ffmpeg=ffmpeg)
            heard = patiently(
                lambda: listener.hear(sound, language=language),
                within=60.0 + 5 * (ends - begins),
                beat=lambda: self._renew(0.0, lease_for),
            )
        except CannotHear as cause:
            self._fail(f"The engine {cause.reason}.", is_whole=is_whole)
        except (Failed, Stopped, DiskFull, OSError):
            self._fail("Its sound cannot be read.", is_whole=is_whole)
        else:
            once_more_if_taken(lambda: self._keep(heard, begins, is_whole))

    def _keep(self, heard: Heard, begins: float, is_whole: bool) -> None:
        words = [word.as_json(after=begins) for word in heard.words]
        if not self._end(
            Leased.State.DONE,
            engine=heard.engine[:200],
            text=heard.text,
            words=words,
            is_draft=heard.is_draft,
            is_whole=is_whole,
        ):
            db.session.rollback()
            raise LeaseLost
        db.session.expire_all()
        turn = self.turn
        if turn.taken_back_at:
            # While it was listened to: nothing of it is kept.
            db.session.delete(self)
            db.session.commit()
            return
        newer = [one for one in turn.hearings if one.id > self.id and one.state == self.state]
        if not newer and (heard.text or turn.text):
            turn.interview.heard(turn, heard.text, is_draft=heard.is_draft)
        db.session.commit()


def _last_answer(interview: Interview) -> list[Turn]:
    """All stretches of it; empty where the moderator has spoken since."""
    return [*takewhile(_is_participants, reversed(interview.turns))][::-1]


def _is_participants(turn: Turn) -> bool:
    return turn.speaker is Speaker.PARTICIPANT


def _is_audible(turn: Turn) -> bool:
    is_there = turn.part is not None and turn.taken_back_at is None
    return turn.manner is Manner.SPOKEN and is_there and turn.seconds > 0


def _is_under_way(turn: Turn) -> bool:
    return any(hearing.is_under_way for hearing in turn.hearings)


def _has_come() -> ColumnElement[bool]:
    is_whole = Part.length.is_not(None) & (Part.bytes_durable >= Part.length)
    return or_(is_whole, Part.stored_ms >= Turn.ends_ms)


def _is_ripe() -> ColumnElement[bool]:
    return or_(_has_come(), Part.closed_at.is_not(None))


def _part_is_ripe() -> ColumnElement[bool]:
    return exists().where(Part.id == Turn.part_id, _is_ripe()).correlate(Turn)
