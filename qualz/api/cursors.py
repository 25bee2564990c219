"""Cursors: where the next page begins, in the order in which things began."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

from qualz.database import db
from qualz.errors import NotUnderstood

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def page(
    found: Select[T],
    *,
    by: InstrumentedAttribute[datetime],
    name: InstrumentedAttribute[str],
    cursor: str | None,
    limit: int,
) -> tuple[list[T], str | None]:
    """So many after the cursor, and the cursor after those; None where there are no more.

    What is begun meanwhile comes last, so nobody who asks page by page misses or repeats any.
    """
    if cursor:
        at, public_id = _read(cursor)
        found = found.where(or_(by > at, and_(by == at, name > public_id)))
    rows: list[T] = list(db.session.scalars(found.order_by(by, name).limit(limit + 1)))
    if len(rows) <= limit:
        return rows, None
    last: Any = rows[limit - 1]
    return rows[:limit], _write(getattr(last, by.key), getattr(last, name.key))


def _write(at: datetime, public_id: str) -> str:
    text = f"{(at - EPOCH) // MICROSECOND}.{public_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        number, _, public_id = text.partition(".")
        if not text.isprintable():
            raise ValueError
        return EPOCH + int(number) * MICROSECOND, public_id
    except (binascii.Error, ValueError, OverflowError):
        raise NotUnderstood("cursor: this is none of ours. Begin without one.") from None
