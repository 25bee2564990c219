"""A part that grows by one more chunk, and nothing else is the matter.

A thousand participants make five hundred of these a second: one question and two UPDATEs for all
that come at the same moment, past the objects. `Part.append` says the same at length, and has the
last word where it is not so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    Select,
    String,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningUpdate

from qualz import clock, presence
from qualz.database import PAST, db, lightly
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.media.storage import OffsetMismatch, Storage
from qualz.part import HEADER, Part, demand_here, demand_no_picture, file_of
from qualz.recording import folder_of
from qualz.study import Camera
from qualz.together import as_told, rows_told, together


@dataclass(frozen=True, slots=True)
class Growing:
    """A part whose recorder runs and whose container is known, of an interview that is live.

    `bytes_of_others`, `ms_of_others`: what the interview's other parts hold.
    """

    id: int
    recording_id: int
    interview_id: int
    number: int
    started_at: datetime
    last_seen_at: datetime | None
    bytes_durable: int
    stored_ms: int | None
    bytes_of_others: int
    ms_of_others: int
    camera: Camera
    file: str

    def append(self, data: bytes, *, storage: Storage, until_ms: int | None) -> int:
        """Take the bytes after those that are here and answer the durable offset after them.

        Raises what `Part.append` does. Begins without a transaction, so the disk is waited for
        without a connection.
        """
        if not self.camera.is_allowed and self.bytes_durable < HEADER:
            demand_no_picture(storage.head(self.file, self.bytes_durable) + data)
        try:
            durable = storage.append(self.file, data, at=self.bytes_durable)
        except OffsetMismatch as cause:
            demand_here(cause.size, acknowledged=self.bytes_durable, storage=storage)
            raise
        until = self.stored_ms if until_ms is None else until_ms
        if not _is_noted(Grown(self, durable, until)):
            self._note_closer(durable, storage, until_ms)
            db.session.commit()
        return durable

    def _note_closer(self, durable: int, storage: Storage, until_ms: int | None) -> None:
        """Meanwhile its end was declared, or it was closed, erased from or deleted."""
        part = db.session.get(Part, self.id)
        if part is None:
            storage.delete(self.file)
            raise NotFound("This part has been deleted.")
        part.note_appended(durable, until_ms=until_ms)
        presence.note_chunk(part)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who sends to which upload of which interview; `link_id` and `by_personal_link` as of
    `presence.Beat`."""

    public_id: str
    upload: str
    link_id: int | None = None
    by_personal_link: bool = False


@together
def find(asked: Sequence[Asked]) -> list[Growing | None]:
    """None: look closer."""
    told = as_told(
        [(one.public_id, one.upload, one.link_id, one.by_personal_link) for one in asked]
    )
    rows = db.session.execute(_finding(db.engine.dialect.name), {"told": told}).all()
    db.session.commit()
    found = {(row.named, row.upload): row for row in rows}
    return [_of(found.get((one.public_id, one.upload))) for one in asked]


def _of(row: Any) -> Growing | None:
    if row is None:
        return None
    *_, named, upload, reported_type = row
    file = file_of(folder_of(named), row.number, upload, reported_type)
    return Growing(*[*row[:-3], file])


@cache
def _finding(_dialect: str) -> Select[Any]:
    told = rows_told(named=String(), upload=String(), link=Integer(), personal=Boolean())
    other = aliased(Part)
    others = (other.recording_id == Part.recording_id, other.id != Part.id)
    sums = [
        select(func.coalesce(func.sum(column), 0)).where(*others).scalar_subquery().label(name)
        for name, column in (
            ("bytes_of_others", other.bytes_durable),
            ("ms_of_others", other.stored_ms),
        )
    ]
    return (
        select(
            Part.id,
            Part.recording_id,
            Interview.id.label("interview_id"),
            Part.number,
            Part.started_at,
            Interview.last_seen_at,
            Part.bytes_durable,
            Part.stored_ms,
            *sums,
            Interview.camera,
            Interview.public_id.label("named"),
            Part.public_id.label("upload"),
            Part.reported_type,
        )
        .select_from(told)
        .join(Part, Part.public_id == told.c.upload)
        .join(Part.recording)
        .join(Interview)
        .where(
            Interview.public_id == told.c.named,
            Interview.state == Interview.State.LIVE,
            Interview.withdrawn_at.is_(None),
            Part.sniffed_type.is_not(None),
            Part.bytes_durable > 0,
            *_runs(),
            *presence.still_let_in(link=told.c.link, personal=told.c.personal),
        )
    )


@dataclass(frozen=True, slots=True)
class Grown:
    """How far the file of a part has come, and up to where on its recorder's clock."""

    growing: Growing
    durable: int
    until_ms: int | None


@together
def _is_noted(grown: Sequence[Grown]) -> list[bool]:
    """Write it down, without waiting for the disk: the files know better. Commits.

    False where meanwhile a part's end was declared, or it was closed, erased from or deleted.
    """
    told = as_told([(one.growing.id, one.durable, one.until_ms) for one in grown])
    lightly()
    known = {"told": told, "now": clock.now()}
    statement = _noting(db.engine.dialect.name)
    noted = set(db.session.scalars(statement, known, execution_options=PAST))
    heard = [one.growing for one in grown if one.growing.id in noted]
    presence.note_bytes(*((one.interview_id, one.recording_id, one.number) for one in heard))
    db.session.commit()
    return [one.growing.id in noted for one in grown]


@cache
def _noting(_dialect: str) -> ReturningUpdate[Any]:
    told = rows_told(part=Integer(), durable=BigInteger(), until=BigInteger())
    return (
        update(Part)
        .where(Part.id == told.c.part, Part.bytes_durable < told.c.durable, *_runs())
        .values(
            bytes_durable=told.c.durable,
            stored_ms=told.c.until,
            last_byte_at=bindparam("now"),
        )
        .returning(Part.id)
    )


def _runs() -> tuple[Any, ...]:
    return Part.length.is_(None), Part.closed_at.is_(None), Part.is_sealed.is_(False)
