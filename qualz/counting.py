"""Counting what happens, for `metrics`: what is received, who drops, and what workers get done."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import event, inspect
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapper

from qualz.counts import Counts
from qualz.database import after_commit, db
from qualz.drop import Drop
from qualz.leased import Leased
from qualz.workload import NAMES

RECEIVED_BYTES, RECEIVED_SECONDS = "received_bytes", "received_seconds"
NOTICED, DROPS = "drops_noticed", "drops"
WORK, WORK_SECONDS = "work", "work_seconds"
# Upper ends in seconds: from an interview of some minutes to hours of video that are re-encoded.
ENDS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


def counts() -> Counts:
    held: Counts = current_app.extensions["counts"]
    return held


def note_received(*, size: int, milliseconds: int) -> None:
    """So many bytes of a part are durable, and by so much it has grown on its recorder's clock."""
    counts().add(RECEIVED_BYTES, size)
    if milliseconds > 0:
        counts().add(RECEIVED_SECONDS, milliseconds / 1000)


def note_attempt(kind: type[Leased], work_id: int) -> None:
    """A worker has ended an attempt: how, and how long it took. Its process may end now."""
    work = db.session.get(kind, work_id, populate_existing=True)
    if work is None or work.is_under_way or work.started_at is None or work.ended_at is None:
        return
    seconds = (work.ended_at - work.started_at).total_seconds()
    end = next((str(end) for end in ENDS if seconds <= end), "+Inf")
    told = {"kind": NAMES[kind], "state": work.state.value}
    counts().add(WORK, le=end, **told)
    counts().add(WORK_SECONDS, seconds, **told)
    counts().hand_over()


@event.listens_for(Drop, "after_insert")
def _noticed(_mapper: Mapper[Any], _connection: Connection, drop: Drop) -> None:
    _once_it_is_true(NOTICED)
    if drop.returned_at:
        _over(drop)


@event.listens_for(Drop, "after_update")
def _changed(_mapper: Mapper[Any], _connection: Connection, drop: Drop) -> None:
    if drop.returned_at and inspect(drop).attrs.returned_at.history.has_changes():
        _over(drop)


def _over(drop: Drop) -> None:
    """Why they were gone is only known once they are back."""
    _once_it_is_true(DROPS, cause=drop.cause.value if drop.cause else "unknown")


def _once_it_is_true(name: str, **labels: str) -> None:
    held = counts()
    after_commit(lambda: held.add(name, **labels))
