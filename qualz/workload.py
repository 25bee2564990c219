"""Workload: all that workers have before them, are at, and have failed at, whatever its kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from qualz import clock
from qualz.bundle import DELETED, Bundle
from qualz.database import Moment, db
from qualz.deletion import Deletion
from qualz.delivery import Delivery
from qualz.excerpt import Excerpt
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.leased import Leased
from qualz.letter import Letter
from qualz.mail import Mail
from qualz.merge import Merge
from qualz.part import Part
from qualz.recording import CANCELLED, Recording
from qualz.rendition import Rendition
from qualz.retried import Retried

KINDS: Mapping[str, type[Leased]] = {
    "merge": Merge,
    "hearing": Hearing,
    "rendition": Rendition,
    "excerpt": Excerpt,
    "export": Bundle,
    "deletion": Deletion,
    "mail": Mail,
    "letter": Letter,
    "delivery": Delivery,
}
NAMES = {kind: name for name, kind in KINDS.items()}
UNDONE = (Leased.State.WAITING, Leased.State.RUNNING, Leased.State.FAILED)


# For so long a failure that nobody can mend any more is told of.
TOLD_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Undone:
    """How much of one kind waits, runs and has failed; `oldest`: seconds that the first waits."""

    waiting: int = 0
    running: int = 0
    failed: int = 0
    oldest: float = 0.0


def undone() -> dict[str, Undone]:
    """By the kind's name, in one query."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    waits: dict[str, datetime] = {}
    rows: Iterable[Any] = db.session.execute(union_all(*map(_counted, KINDS)))
    for name, state, count, since in rows:
        found[name][state] = count
        if since is not None:
            waits[name] = since
    now = clock.now()
    return {
        name: Undone(
            **found[name],
            oldest=max(0.0, (now - waits[name]).total_seconds()) if name in waits else 0.0,
        )
        for name in KINDS
    }


def _counted(name: str) -> Select[str, Leased.State, int, datetime | None]:
    kind = KINDS[name]
    # What is tried again later does not wait for a worker until then.
    due = kind.due_at <= clock.now() if issubclass(kind, Retried) else true()
    is_waiting = and_(kind.state == Leased.State.WAITING, due)
    since = func.min(case((is_waiting, kind.created_at)), type_=Moment)
    counted = select(literal(name), kind.state, func.count(), since)
    of_those = or_(kind.state != Leased.State.FAILED, matters(kind))
    return counted.where(kind.state.in_(UNDONE), of_those).group_by(kind.state)


def matters(kind: type[Leased]) -> ColumnElement[bool]:
    """Of what has failed, whether it still does: a later attempt may have gone well, or a person
    wanted it so."""
    if kind is Merge:
        newer = aliased(Merge)
        is_last = ~exists().where(newer.recording_id == Merge.recording_id, newer.id > Merge.id)
        return and_(is_last, func.coalesce(Merge.reason, "") != CANCELLED)
    if kind is Hearing:
        later = aliased(Hearing)
        return ~exists().where(later.turn_id == Hearing.turn_id, later.id > Hearing.id)
    if kind is Bundle:
        return func.coalesce(Bundle.reason, "") != DELETED
    if issubclass(kind, Retried):
        return func.coalesce(kind.ended_at, kind.created_at) > clock.now() - TOLD_FOR
    return true()


@dataclass(frozen=True, slots=True)
class Live:
    """The interviews that are being held. `lag`: seconds that recorders have run beyond what is
    durable here, as of their last heartbeats; `waiting`: bytes that wait in browsers."""

    here: int
    away: int
    lag_mean: float
    lag_most: float
    waiting: int


def live() -> Live:
    """In one query, however many there are."""
    beat = Interview.heartbeat
    lag = beat["ms"].as_float() - func.coalesce(Part.stored_ms, 0)
    behind = case((and_(Part.closed_at.is_(None), lag > 0), lag), else_=0.0)
    is_away = case((Interview.away_since.is_not(None), 1), else_=0)
    told = and_(Part.recording_id == Recording.id, Part.number == beat["part"].as_float())
    figures = select(
        func.count(),
        func.sum(is_away),
        func.avg(behind),
        func.max(behind),
        func.sum(beat["waiting"].as_float()),
    )
    of_all = figures.select_from(Interview).outerjoin(Interview.recording).outerjoin(Part, told)
    held = (Interview.state == Interview.State.LIVE, Interview.is_preview.is_(False))
    count, away, mean, most, waiting = db.session.execute(of_all.where(*held)).one()
    return Live(
        here=count - (away or 0),
        away=away or 0,
        lag_mean=(mean or 0.0) / 1000,
        lag_most=(most or 0.0) / 1000,
        waiting=int(waiting or 0),
    )
