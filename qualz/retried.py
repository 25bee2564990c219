"""Work that reaches out to others, who may be away: done again after growing pauses, for a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Mapped, mapped_column

from qualz import clock
from qualz.database import rows_changed
from qualz.leased import LONGEST_REASON, Leased

# After each failed attempt; the last one is made 23 h 36 min after the first.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 8 * 3600, 8 * 3600)
)
# One that cannot be reached costs a time-out for each attempt: others to the same place wait too.
OTHERS_WAIT = timedelta(minutes=5)


class Retried(Leased):
    __abstract__ = True

    due_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def _is_free(cls) -> ColumnElement[bool]:
        return super()._is_free() & (cls.due_at <= clock.now())

    @property
    def has_been_tried_enough(self) -> bool:
        """More often than there are pauses: its workers died over it."""
        return self.attempts > len(PAUSES) + 1

    def _try_later(self, reason: str, **more: object) -> None:
        """After this attempt's pause; failed for good after enough. The caller commits."""
        reason = reason[:LONGEST_REASON]
        if self.attempts > len(PAUSES):
            self._end(Leased.State.FAILED, reason=reason, **more)
            return
        due_at = clock.now() + PAUSES[self.attempts - 1]
        waiting = Leased.State.WAITING
        self._change_held(state=waiting, reason=reason, due_at=due_at, lease=None, **more)

    def _let_others_wait(self, *which: ColumnElement[bool]) -> None:
        """Those to the same place that wait as well, for as long as this one, but not for hours."""
        kind = type(self)
        pause = min(OTHERS_WAIT, PAUSES[min(self.attempts, len(PAUSES)) - 1])
        until = clock.now() + pause
        waits = (kind.state == Leased.State.WAITING, kind.due_at < until, *which)
        rows_changed(update(kind).where(*waits).values(due_at=until))
