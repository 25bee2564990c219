"""A part that grows by one more chunk, and nothing else is the matter.

A thousand participants make five hundred of these a second: one question and two UPDATEs, past the
objects. `Part.append` says the same at length, and has the last word where it is not so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, func, select, update
from sqlalchemy.orm import aliased

from qualz import clock, presence
from qualz.database import db, lightly, rows_changed
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.media.storage import OffsetMismatch, Storage
from qualz.part import HEADER, Part, demand_here, file_of
from qualz.recording import folder_of


@dataclass(frozen=True, slots=True)
class Growing:
    """A part whose recorder runs and whose header is here, of an interview that is live.

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
    file: str

    @classmethod
    def find(
        cls, public_id: str, upload: str, *, link_id: int | None, by_personal_link: bool
    ) -> Growing | None:
        """None: look closer. `link_id` and `by_personal_link` as of `presence.is_as_it_was`."""
        known: dict[str, Any] = {"named": public_id, "upload": upload}
        known |= {} if link_id is None else {"link": link_id}
        asked = _asked(by_link=link_id is not None, by_personal_link=by_personal_link)
        row = db.session.execute(asked, known).one_or_none()
        if row is None:
            return None
        values = dict(row._mapping)
        reported_type = values.pop("reported_type")
        file = file_of(folder_of(public_id), row.number, upload, reported_type)
        return cls(**values, file=file)

    def append(self, data: bytes, *, storage: Storage, until_ms: int | None) -> int:
        """Take the bytes after those that are here and answer the durable offset after them.

        Raises what `Part.append` does. The disk is waited for without a connection.
        """
        db.session.commit()
        try:
            durable = storage.append(self.file, data, at=self.bytes_durable)
        except OffsetMismatch as cause:
            demand_here(cause.size, acknowledged=self.bytes_durable, storage=storage)
            raise
        lightly()
        if self._note(durable, until_ms):
            presence.note_bytes(self.interview_id, self.recording_id, self.number)
        else:
            self._note_closer(durable, storage, until_ms)
        db.session.commit()
        return durable

    def _note(self, durable: int, until_ms: int | None) -> bool:
        told = {"until": self.stored_ms if until_ms is None else until_ms, "now": clock.now()}
        return bool(rows_changed(_grown(), part=self.id, durable=durable, **told))

    def _note_closer(self, durable: int, storage: Storage, until_ms: int | None) -> None:
        """Meanwhile its end was declared, or it was closed, erased from or deleted."""
        # What closes a part is to survive a power failure.
        db.session.rollback()
        part = db.session.get(Part, self.id)
        if part is None:
            storage.delete(self.file)
            raise NotFound("This part has been deleted.")
        part.note_appended(durable, until_ms=until_ms)
        presence.note_chunk(part)


@cache
def _asked(*, by_link: bool, by_personal_link: bool) -> Select[Any]:
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
            Part.reported_type,
        )
        .join(Part.recording)
        .join(Interview)
        .where(
            Interview.public_id == bindparam("named"),
            Interview.state == Interview.State.LIVE,
            Interview.withdrawn_at.is_(None),
            Part.public_id == bindparam("upload"),
            Part.bytes_durable >= HEADER,
            *_runs(),
            *presence.still_let_in(by_link=by_link, by_personal_link=by_personal_link),
        )
    )


@cache
def _grown() -> Update:
    return (
        update(Part)
        .where(Part.id == bindparam("part"), Part.bytes_durable < bindparam("durable"), *_runs())
        .values(
            bytes_durable=bindparam("durable"),
            stored_ms=bindparam("until"),
            last_byte_at=bindparam("now"),
        )
    )


def _runs() -> tuple[Any, ...]:
    return Part.length.is_(None), Part.closed_at.is_(None), Part.is_sealed.is_(False)
