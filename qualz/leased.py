"""Work that one worker at a time holds, by a lease that its progress renews.

Whoever changes the row has it: between workers, the sweep and people the database decides. A worker
that finds its lease gone – taken over, cancelled, removed – throws away what it made.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn, Self

from sqlalchemy import ColumnElement, String, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from qualz import clock
from qualz.database import Model, db, lightly, rows_changed, word
from qualz.forecast import Forecast
from qualz.media.storage import Storage

# Work that takes its worker down is tried again elsewhere, but not for ever.
MOST_ATTEMPTS = 4
LONGEST_REASON = 300


class LeaseLost(Exception):
    """This worker does not hold the work any more; whatever it made is thrown away."""


class Leased(Model):
    """A row of work: waiting, then run by whoever claimed it, then done or failed."""

    __abstract__ = True

    class State(StrEnum):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[Leased.State] = mapped_column(word(State), default=State.WAITING, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    # Of the present attempt, and when it will be done by its own forecast.
    started_at: Mapped[datetime | None]
    expected_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    # What this worker was given. The columns tell who holds the work by now, or nothing at all
    # where the row was removed.
    _held: tuple[int, str] = (0, "")
    _forecast: Forecast | None = None

    @property
    def is_under_way(self) -> bool:
        return self.state in (Leased.State.WAITING, Leased.State.RUNNING)

    @property
    def seconds_left(self) -> float | None:
        """About how long it still takes; None while that cannot be said, and once that is over:
        perhaps its worker is gone."""
        if self.state is not Leased.State.RUNNING or self.expected_at is None:
            return None
        left = (self.expected_at - clock.now()).total_seconds()
        return left if left >= 0 else None

    @classmethod
    def unclaimed(cls) -> list[Self]:
        """Work that nobody does: never begun, or its worker's lease ran out."""
        return list(db.session.scalars(select(cls).where(cls._is_free())))

    @classmethod
    def _is_free(cls) -> ColumnElement[bool]:
        return or_(
            cls.state == Leased.State.WAITING,
            (cls.state == Leased.State.RUNNING) & (cls.leased_until < clock.now()),
        )

    @classmethod
    def claim(cls, work_id: int, *, lease_for: timedelta) -> Self | None:
        """Take the work for this worker, or answer None when another has it or it is over."""
        if waiting := db.session.get(cls, work_id):
            waiting._look_ahead()
        db.session.commit()
        lease, now = secrets.token_hex(16), clock.now()
        claimed = rows_changed(
            update(cls)
            .where(cls.id == work_id, cls._is_free())
            .values(
                state=Leased.State.RUNNING,
                lease=lease,
                leased_until=now + lease_for,
                attempts=cls.attempts + 1,
                progress=0.0,
                started_at=now,
                expected_at=None,
            )
        )
        if claimed != 1:
            db.session.commit()
            return None
        work = db.session.get_one(cls, work_id, populate_existing=True)
        work._held, work._forecast = (work_id, lease), Forecast(now)
        work._on_claim()
        db.session.commit()
        return work

    def _look_ahead(self) -> None:
        """Read what `_on_claim` will, before others have to wait: a worker's fork compiles each
        statement anew, a tenth of a second in all, in which with SQLite nobody else could write."""

    def _on_claim(self) -> None:
        """What changes together with the claim: whoever cancels comes before all of it or after."""

    def note_trouble(self, cause: Exception) -> None:
        """Something unforeseen. The lease runs out and it is tried again, but not for ever."""
        db.session.rollback()
        self._change_held(reason=f"Something unforeseen happened: {cause!r}"[:LONGEST_REASON])
        db.session.commit()

    def stay_claimed(self, lease_for: timedelta) -> None:
        """Say that this worker lives, and is as far as before. Raises `LeaseLost`."""
        self._renew(self.progress, lease_for)

    def put_off(self, reason: str) -> None:
        """It is not to be done now, or not here: it is tried again as if it had not been."""
        db.session.rollback()
        self._change_held(attempts=type(self).attempts - 1, reason=reason[:LONGEST_REASON])
        db.session.commit()

    def _is_given_up(self, doing: str) -> bool:
        """Whether this attempt would be one too many; it has failed then."""
        if self.attempts <= MOST_ATTEMPTS:
            return False
        self._fail(self.reason or f"{doing} stopped its worker several times.")
        return True

    def _renew(self, progress: float, lease_for: timedelta) -> None:
        """Say that this worker lives and how far it is. Raises `LeaseLost` when it was given up."""
        now = clock.now()
        values: dict[str, Any] = {"progress": progress, "leased_until": now + lease_for}
        if self._forecast:
            self._forecast.learn(progress, now=now)
            values["expected_at"] = self._forecast.ends_at
        # With each step forward: to wait for the disk would hold up whoever else writes.
        lightly()
        renewed = self._change_held(**values)
        db.session.commit()
        if not renewed:
            raise LeaseLost

    def _telling(
        self, lease_for: timedelta, announce: Callable[[], None]
    ) -> Callable[[float], None]:
        """What is told how far it is, renews the lease, and raises `LeaseLost`."""

        def on_progress(progress: float) -> None:
            self._renew(progress, lease_for)
            announce()

        return on_progress

    def _end(self, state: State, reason: str | None = None, **more: Any) -> bool:
        """End it in that state, if it is still ours. The caller commits."""
        return self._change_held(
            state=state, reason=reason, ended_at=clock.now(), lease=None, progress=1.0, **more
        )

    def _fail(self, reason: str, **more: Any) -> None:
        """End it without what it was for, if it is still ours. Commits."""
        reason = reason[:LONGEST_REASON]
        if self._end(Leased.State.FAILED, reason=reason, **more):
            self._on_failure(reason)
        db.session.commit()

    def _on_failure(self, reason: str) -> None:
        """What changes together with it."""

    def _take_back(self, name: str, storage: Storage) -> NoReturn:
        """What this worker has put in place is not wanted any more. Raises `LeaseLost`."""
        db.session.rollback()
        storage.delete(name)
        storage.delete_if_empty(name.rpartition("/")[0])
        raise LeaseLost

    def _change_held(self, **values: Any) -> bool:
        work_id, lease = self._held
        kind = type(self)
        mine = (kind.id == work_id, kind.lease == lease, kind.state == Leased.State.RUNNING)
        return rows_changed(update(kind).where(*mine).values(**values)) == 1

    def _give_up(self, reason: str) -> bool:
        """End it for whoever holds it; False when it is over already. The caller commits."""
        kind = type(self)
        under_way = kind.state.in_([Leased.State.WAITING, Leased.State.RUNNING])
        ended = rows_changed(
            update(kind)
            .where(kind.id == self.id, under_way)
            .values(state=Leased.State.FAILED, reason=reason, ended_at=clock.now(), lease=None)
        )
        db.session.refresh(self)
        return ended == 1


# What makes it wait to be done once more, from the beginning.
ANEW: dict[str, Any] = {
    "state": Leased.State.WAITING,
    "attempts": 0,
    "progress": 0.0,
    "lease": None,
    "reason": None,
    "started_at": None,
    "ended_at": None,
}
