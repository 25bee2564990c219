"""Rows: a study's interviews as the list shows them, searched, filtered, in order, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request
from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, func, not_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from qualz.dashboard.wanted import Order, Wanted, length
from qualz.database import db
from qualz.errors import NothingChosen
from qualz.interview import Interview
from qualz.recording import Recording
from qualz.study import Study

ROWS = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LONGEST_KEY = 18  # digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One page of interviews. `before` and `after` are where the pages next to it begin; the
    first of all begins at the empty place."""

    wanted: Wanted
    interviews: Sequence[Interview]
    found: int
    all: int
    before: str | None
    after: str | None


def rows_of(study: Study, showing: Interview | None = None) -> Rows:
    """The page that the address asks for, else the one that holds `showing`."""
    wanted = Wanted.from_request()
    found = _narrowed(select(Interview), study, wanted)
    first, order = wanted.first, wanted.sort
    if first is None and showing is not None and not _is_on_the_first_page(found, order, showing):
        first = _place(showing, order)
    page = found.where(not_(_is_ahead(order, first))) if first else found
    interviews = _read_in_full(_ordered(page, order).limit(ROWS + 1))
    matching = _count(found)
    return Rows(
        wanted=replace(wanted, first=first),
        interviews=interviews[:ROWS],
        found=matching,
        all=_count(_narrowed(select(Interview), study, Wanted())) if wanted.narrows else matching,
        before=_page_before(found, order, first) if first else None,
        after=_place(interviews[ROWS], order) if len(interviews) > ROWS else None,
    )


def _read_in_full(page: Select[Any]) -> list[Interview]:
    """With all that a row shows. Which they are is found first: what is sorted is narrow."""
    ids = db.session.scalars(page.with_only_columns(Interview.id)).all()
    recording = joinedload(Interview.recording)
    held = select(Interview).where(Interview.id.in_(ids))
    shown = held.options(
        recording.selectinload(Recording.parts),
        recording.selectinload(Recording.merges),
        selectinload(Interview.drops),
        selectinload(Interview.tags),
    )
    found = {interview.id: interview for interview in db.session.scalars(shown)}
    return [found[id] for id in ids if id in found]


def ids_that_match(study: Study) -> list[int]:
    """Of all interviews that fit what the address, or a form, asks for."""
    found = _narrowed(select(Interview.id), study, Wanted.from_request())
    return list(db.session.scalars(found.order_by(Interview.number)))


def chosen_in(study: Study) -> list[int]:
    """The interviews that a form names, or all that match. Raises `NothingChosen`."""
    if "all" in request.form:
        found = ids_that_match(study)
    else:
        named = request.form.getlist("interview")
        mine = select(Interview.id).where(
            Interview.study_id == study.id,
            Interview.is_preview.is_(False),
            Interview.public_id.in_(named),
        )
        found = list(db.session.scalars(mine.order_by(Interview.number)))
    if not found:
        raise NothingChosen("None of the interviews that were chosen is there. Choose others.")
    return found


def _narrowed(query: Select[Any], study: Study, wanted: Wanted) -> Select[Any]:
    mine = query.where(Interview.study_id == study.id, Interview.is_preview.is_(False))
    return wanted.narrow(mine)


def _count(query: Select[Any]) -> int:
    counted = query.with_only_columns(func.count(Interview.id))
    return db.session.scalar(counted) or 0


# ---- places: where in an order an interview stands, in words that fit an address

active_at: ColumnElement[Any] = func.coalesce(Interview.last_seen_at, Interview.consented_at)
# By what interviews are in order before their numbers decide.
KEYS: dict[Order, ColumnElement[Any]] = {
    Order.ACTIVE: active_at,
    Order.LONGEST: cast(func.coalesce(length, 0) * 1000, BigInteger),
    Order.NAME: func.coalesce(func.lower(Interview.name), "participant"),
}
RISING = (Order.OLDEST, Order.NAME)


def _place(interview: Interview, order: Order) -> str:
    if order not in KEYS:
        return str(interview.number)
    if order is Order.ACTIVE:
        last = interview.last_seen_at or interview.consented_at
        return f"{(last - EPOCH) // MICROSECOND}-{interview.number}"
    # By the database, which is to find it again.
    key = db.session.scalar(select(KEYS[order]).where(Interview.id == interview.id))
    told = str(key).encode().hex() if order is Order.NAME else key
    return f"{told}-{interview.number}"


def _ordered(query: Select[Any], order: Order, *, backwards: bool = False) -> Select[Any]:
    columns = [*([KEYS[order]] if order in KEYS else []), Interview.number]
    rises = (order in RISING) != backwards
    return query.order_by(*[column.asc() if rises else column.desc() for column in columns])


def _page_before(query: Select[Any], order: Order, place: str) -> str | None:
    """Where the page before begins; None where there is nothing before this one."""
    ahead = query.where(_is_ahead(order, place))
    narrow = ahead.with_only_columns(Interview.id)
    found = db.session.scalars(_ordered(narrow, order, backwards=True).limit(ROWS + 1)).all()
    if not found:
        return None
    if len(found) <= ROWS:
        return ""
    return _place(db.session.get_one(Interview, found[ROWS - 1]), order)


def _is_on_the_first_page(query: Select[Any], order: Order, showing: Interview) -> bool:
    return _count(query.where(_is_ahead(order, _place(showing, order)))) < ROWS


def _is_ahead(order: Order, place: str) -> ColumnElement[bool]:
    """Whether a row comes before those that begin at a place."""
    key, number = _read(order, place)
    rises = order in RISING
    is_earlier = Interview.number < number if rises else Interview.number > number
    if order not in KEYS:
        return is_earlier
    column = KEYS[order]
    return or_(column < key if rises else column > key, and_(column == key, is_earlier))


def _read(order: Order, place: str) -> tuple[Any, int]:
    """The key and the number that a place stands for. What is no key of that order comes first."""
    told, _, number = place.rpartition("-")
    if order is Order.NAME:
        return bytes.fromhex(told[: len(told) // 2 * 2]).decode(errors="replace"), int(number)
    key = int(told) if told.isdigit() and len(told) < LONGEST_KEY else 0
    return (EPOCH + key * MICROSECOND if order is Order.ACTIVE else key), int(number)
