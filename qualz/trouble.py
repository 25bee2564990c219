"""Trouble: work that is under way, stuck or failed, whatever its kind, and doing it once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import joinedload

from qualz import clock
from qualz.bundle import Bundle
from qualz.database import db, rows_changed
from qualz.deletion import Deletion
from qualz.errors import NotFound
from qualz.excerpt import Excerpt
from qualz.happening import Happening
from qualz.hearing import Hearing
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.leased import ANEW, Leased
from qualz.mail import Mail
from qualz.merge import Merge
from qualz.recording import Recording
from qualz.rendition import Rendition
from qualz.retried import Retried
from qualz.study import Study
from qualz.turn import Turn
from qualz.workload import KINDS, matters

# Whoever waits for so long is not waited for by a worker any more: there is none, or too few.
LONG = timedelta(minutes=2)
# Of each kind; there may be thousands when something is wrong with all of them.
MOST = 20
JOBS = {"export": "bundle", "deletion": "delete", "delivery": "deliver"}

_interview = joinedload(Recording.interview).joinedload(Interview.study)
_turn = joinedload(Turn.interview).joinedload(Interview.study)
# What a page tells of each, read with it.
WITH: dict[type[Leased], Any] = {
    Merge: joinedload(Merge.recording).options(_interview),
    Rendition: joinedload(Rendition.recording).options(_interview),
    Hearing: joinedload(Hearing.turn).options(_turn),
    Excerpt: joinedload(Excerpt.highlight).joinedload(Highlight.turn).options(_turn),
    Bundle: joinedload(Bundle.study),
    Deletion: joinedload(Deletion.study),
    Mail: joinedload(Mail.happening).joinedload(Happening.interview).joinedload(Interview.study),
}


@dataclass(frozen=True, slots=True)
class Item:
    """`state` is “running”, “stuck” or “failed”; `since` is when that began."""

    kind: str
    id: int
    state: str
    attempts: int
    progress: float
    reason: str | None
    since: datetime | None
    study: Study | None
    interview: Interview | None

    @property
    def can_be_retried(self) -> bool:
        return self.state != "running"


def items() -> list[Item]:
    """What has failed, is stuck and is under way, in this order; the newest of each kind."""
    order = ("failed", "stuck", "running")
    found = [_item(name, work) for name, kind in KINDS.items() for work in _troubled(kind)]
    return sorted(found, key=lambda one: order.index(one.state))


def retry(name: str, work_id: int) -> tuple[str, int] | None:
    """Have it done once more: which job to ring for, or None where it goes on already.

    Raises `NotFound` where it is gone, and `NoSuchForm` where there is nothing to make it of.
    """
    kind = KINDS.get(name)
    work = db.session.get(kind, work_id) if kind else None
    if kind is None or work is None:
        raise NotFound("That is gone: somebody has deleted it, or it was done meanwhile.")
    if isinstance(work, Merge) and work.state is Merge.State.FAILED:
        work = Merge.begin(work.recording)
        db.session.flush()
        return ("merge", work.id) if work else None
    if isinstance(work, Rendition) and work.state is Rendition.State.FAILED:
        Rendition.ask(work.recording, work.kind)
    elif isinstance(work, Excerpt) and work.state is Excerpt.State.FAILED:
        Excerpt.ask(work.highlight)
    elif not _start_over(kind, work_id):
        return None
    return work.job if isinstance(work, Hearing) else JOBS.get(name, name), work_id


def _start_over(kind: type[Leased], work_id: int) -> bool:
    """False where somebody is at it, or it is done. Whoever held it finds its lease gone."""
    over = or_(kind.state.in_([Leased.State.WAITING, Leased.State.FAILED]), _is_orphaned(kind))
    due = {"due_at": clock.now()} if issubclass(kind, Retried) else {}
    return rows_changed(update(kind).where(kind.id == work_id, over).values(**ANEW, **due)) == 1


def _troubled(kind: type[Leased]) -> Sequence[Leased]:
    since = kind.due_at if issubclass(kind, Retried) else kind.created_at
    waits = and_(kind.state == Leased.State.WAITING, since < clock.now() - LONG)
    failed = and_(kind.state == Leased.State.FAILED, matters(kind))
    asked = select(kind).where(or_(kind.state == Leased.State.RUNNING, waits, failed))
    if kind in WITH:
        asked = asked.options(WITH[kind])
    return db.session.scalars(asked.order_by(kind.id.desc()).limit(MOST)).all()


def _is_orphaned(kind: type[Leased]) -> ColumnElement[bool]:
    """Whether its worker has not been heard for as long as the lease says."""
    return and_(kind.state == Leased.State.RUNNING, kind.leased_until < clock.now())


def _item(name: str, work: Leased) -> Item:
    gone = work.leased_until is None or work.leased_until < clock.now()
    interview = _interview_of(work)
    match work.state:
        case Leased.State.FAILED:
            state, since, reason = "failed", work.ended_at, work.reason
        case Leased.State.RUNNING if not gone:
            state, since, reason = "running", work.started_at, None
        case Leased.State.RUNNING:
            state, since = "stuck", work.leased_until
            reason = work.reason or "Its worker is gone, and no other has taken it over."
        case _:
            state, since = "stuck", getattr(work, "due_at", work.created_at)
            reason = work.reason or "No worker has come for it."
    study = interview.study if interview else getattr(work, "study", None)
    return Item(name, work.id, state, work.attempts, work.progress, reason, since, study, interview)


def _interview_of(work: Leased) -> Interview | None:
    match work:
        case Merge() | Rendition() | Hearing() | Excerpt():
            return work.recording.interview
        case Mail():
            return work.happening.interview
    return None
