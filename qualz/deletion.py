"""Deletions: many interviews, or their recordings, go in the background, and the page says how far.

What is left to delete are the rows of its list, which go with what they name: so a worker that is
killed loses nothing, and the next one goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, ForeignKey, String, delete, false, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock, promises, removal
from qualz.database import Model, PublicId, db, delete_old, word
from qualz.interview import Interview
from qualz.leased import Leased
from qualz.media.storage import Storage
from qualz.receipt import Cause, Why
from qualz.retention import Reach
from qualz.study import Study

if TYPE_CHECKING:
    from qualz.media.ffmpeg import FFmpeg

# So long a page may still say that it is done.
SHOWN_FOR = timedelta(minutes=1)
KEPT_FOR = timedelta(days=1)


class ToDelete(Model):
    """An interview that a deletion has not come to yet."""

    __tablename__ = "to_delete"

    deletion_id: Mapped[int] = mapped_column(
        ForeignKey("deletions.id", ondelete="CASCADE"), primary_key=True
    )
    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Deletion(Leased):
    __tablename__ = "deletions"

    # Its receipts bear this name as their batch.
    public_id: Mapped[PublicId]
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    reach: Mapped[Reach] = mapped_column(word(Reach))
    cause: Mapped[Cause] = mapped_column(word(Cause))
    by: Mapped[str] = mapped_column(String(200), default="")
    asked: Mapped[int] = mapped_column(default=0)
    # Whether the study itself goes, when all of its interviews have gone.
    takes_study: Mapped[bool] = mapped_column(default=False, server_default=false())

    study: Mapped[Study] = relationship()

    @classmethod
    def ask(
        cls,
        study: Study,
        interviews: Sequence[int],
        *,
        by: str = "",
        cause: Cause = Cause.PERSON,
        reach: Reach = Reach.EVERYTHING,
    ) -> Deletion:
        """Put the deletion of those interviews, by their ids, in line."""
        row = cls(study=study, reach=reach, cause=cause, by=by, asked=len(interviews))
        db.session.add(row)
        db.session.flush()
        listed = [{"deletion_id": row.id, "interview_id": one} for one in interviews]
        if listed:
            db.session.execute(insert(ToDelete), listed)
        return row

    @classmethod
    def ask_for_study(cls, study: Study, *, by: str = "") -> Deletion:
        """Put the deletion of a study in line, with all that is in it; the same one again where
        that was asked for before. Nobody new is let in from now on."""
        going = cls.going([study.id]).get(study.id)
        if going is not None and going.is_under_way:
            return going
        held = select(Interview.id).where(Interview.study_id == study.id).order_by(Interview.id)
        if Study.State.CLOSED in study.may_become:
            study.become(Study.State.CLOSED)
        row = cls.ask(study, db.session.scalars(held).all(), by=by)
        row.takes_study = True
        return row

    @classmethod
    def going(cls, studies: Sequence[int]) -> dict[int, Deletion]:
        """Which of the studies, by their ids, are being deleted as a whole, or could not be."""
        mine = (cls.study_id.in_(studies), cls.takes_study)
        found = db.session.scalars(select(cls).where(*mine).order_by(cls.id))
        return {one.study_id: one for one in found}

    @classmethod
    def shown_of(cls, study: Study) -> Sequence[Deletion]:
        """Those that people wait for, or have just waited for, in order."""
        is_news = cls.ended_at.is_(None) | (cls.ended_at > clock.now() - SHOWN_FOR)
        mine = (cls.study_id == study.id, cls.cause == Cause.PERSON, is_news)
        return db.session.scalars(select(cls).where(*mine).order_by(cls.id)).all()

    @property
    def left(self) -> int:
        """How many it has not come to."""
        listed = select(func.count()).where(ToDelete.deletion_id == self.id)
        return db.session.scalar(listed) or 0

    # ---- what a rule says

    @classmethod
    def keep_promises(cls) -> None:
        """Tell of what is due in a week, and put in line what is to go now."""
        if not promises.is_time_to_look():
            return
        for study in promises.ruled():
            promises.give_notice(study)
            promises.forget_who_never_began(study)
            for reach in reversed(Reach):
                found = promises.ids_to_go(study, reach)
                if found and not cls._is_at_it(study, reach):
                    cls.ask(study, found, cause=Cause.RULE, reach=reach)
            db.session.commit()

    @classmethod
    def _is_at_it(cls, study: Study, reach: Reach) -> bool:
        mine = (cls.study_id == study.id, cls.cause == Cause.RULE, cls.reach == reach)
        under_way = cls.state.in_([Leased.State.WAITING, Leased.State.RUNNING])
        return db.session.scalar(select(cls.id).where(*mine, under_way).limit(1)) is not None

    @classmethod
    def clear_old(cls) -> None:
        """The receipts stay."""
        delete_old(cls, cls.ended_at < clock.now() - KEPT_FOR)

    # ---- doing it

    def run(
        self,
        *,
        storage: Storage,
        lease_for: timedelta,
        ffmpeg: FFmpeg | None = None,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Delete what is left on the list, a few at a time. Ends done or failed."""
        if self._is_given_up("Deleting"):
            return
        why = Why(cause=self.cause, by=self.by, batch=self.public_id)
        remove = (
            removal.remove_recordings
            if self.reach is Reach.RECORDINGS
            else removal.remove_interviews
        )
        while some := self._next():
            only = self._only()
            if only is not None:
                for _gone in remove(some, storage, why, *only):
                    pass
            # What the rule spares by now, and what stays without its recording.
            mine = (ToDelete.deletion_id == self._held[0], ToDelete.interview_id.in_(some))
            db.session.execute(delete(ToDelete).where(*mine))
            self._renew(1 - self.left / max(1, self.asked), lease_for)
            announce()
        if self.takes_study:
            # And this row with it. Who began meanwhile goes as well.
            removal.remove_study(self.study, storage, why, held_interviews=self.asked > 0)
            removal.forget()
            return
        removal.forget()
        self._end(Leased.State.DONE)
        db.session.commit()

    def _next(self) -> list[int]:
        listed = select(ToDelete.interview_id).where(ToDelete.deletion_id == self._held[0])
        some = listed.order_by(ToDelete.interview_id).limit(removal.AT_A_TIME)
        return list(db.session.scalars(some))

    def _only(self) -> list[ColumnElement[bool]] | None:
        """A rule takes only what is still to go at the very moment; None for nothing."""
        if self.cause is Cause.RULE:
            return promises.to_go(self.study, self.reach)
        return [Interview.study_id == self.study_id]
