"""What many ask of the database at the same moment is asked once, for all of them.

A thousand participants send a thousand chunks and heartbeats in a second or two. Building, sending
and committing a statement costs more than the row that it changes, so those who come within a few
milliseconds of each other share one. Whoever comes while nobody else does waits for nobody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import wraps
from threading import Event, Lock
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import (
    JSON,
    Engine,
    Select,
    Subquery,
    Text,
    bindparam,
    cast,
    column,
    func,
    select,
    type_coerce,
)
from sqlalchemy.types import TypeEngine

from qualz.database import db, without_nul

A = TypeVar("A")
R = TypeVar("R")

# Seconds from one batch to the next, at least and at most, and how many times as long as the last
# one took: so much longer an answer takes while there are many. What waits then is done in fewer
# batches, which leaves time for everything else.
APART, FARTHEST, REST = 0.01, 0.1, 9
# Nobody waits for longer than SQLite does for its lock, three times over.
PATIENCE = 30.0


class _Asked(Generic[A, R]):
    """One who asks; `leads` once it is for them to do the work of all who wait."""

    def __init__(self, what: A) -> None:
        self.what = what
        self.leads = False
        self.is_over = Event()
        self.answer: R | None = None
        self.error: Exception | None = None


class Together(Generic[A, R]):
    """Does `work` for all who ask at about the same time: whoever came first does it, in their own
    thread or greenlet, one batch after the other."""

    def __init__(self, work: Callable[[Sequence[A]], Sequence[R]], apart: float = APART) -> None:
        self._work, self._least, self._apart = work, apart, apart
        self._guard = Lock()
        self._waiting: list[_Asked[A, R]] = []
        self._is_led = False
        self._last = 0.0

    def ask(self, what: A) -> R:
        """The answer to this one. Raises what `work` raises for it alone."""
        mine: _Asked[A, R] = _Asked(what)
        with self._guard:
            self._waiting.append(mine)
            mine.leads, self._is_led = not self._is_led, True
        if not mine.leads and not mine.is_over.wait(PATIENCE):
            raise TimeoutError("Those before took too long.")
        if mine.leads:
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        return mine.answer  # type: ignore[return-value] # there is one by now

    def _lead(self, mine: _Asked[A, R]) -> None:
        try:
            if (left := self._last + self._apart - time.monotonic()) > 0:
                time.sleep(left)
            with self._guard:
                batch, self._waiting = self._waiting, []
            self._do(batch)
        finally:
            # Also where this request is ended meanwhile: the others are not to wait for it.
            self._hand_over(mine)

    def _do(self, batch: list[_Asked[A, R]]) -> None:
        began = time.monotonic()
        try:
            self._answer(batch)
        except Exception as cause:
            if len(batch) == 1:
                batch[0].error = cause
            else:
                # One that cannot be answered is not to keep the others from it.
                for one in batch:
                    self._do([one])
        finally:
            self._last = time.monotonic()
            self._apart = self._farther(self._last - began)
            for one in batch:
                one.is_over.set()

    def _answer(self, batch: list[_Asked[A, R]]) -> None:
        answers = self._work([one.what for one in batch])
        for one, answer in zip(batch, answers, strict=True):
            one.answer = answer

    def _farther(self, took: float) -> float:
        return max(self._least, min(FARTHEST, REST * took))

    def _hand_over(self, mine: _Asked[A, R]) -> None:
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].is_over.set()


def together(work: Callable[[Sequence[A]], Sequence[R]]) -> Callable[[A], R]:
    """Makes of what is done for many what is asked for by one. The work begins without a
    transaction and has committed when it is done."""
    held: WeakKeyDictionary[Engine, Together[A, R]] = WeakKeyDictionary()

    def carefully(asked: Sequence[A]) -> Sequence[R]:
        try:
            return work(asked)
        except Exception:
            db.session.rollback()
            raise

    @wraps(work)
    def ask(what: A) -> R:
        found = held.get(db.engine)
        if found is None:
            found = held.setdefault(db.engine, Together(carefully))
        return found.ask(what)

    return ask


def as_told(rows: Sequence[Sequence[Any]]) -> str:
    """The parameter `told` of a statement with `rows_told`."""
    told = json.dumps(rows)
    return json.dumps(without_nul(rows)) if "\\u0000" in told else told


def rows_told(**kinds: TypeEngine[Any]) -> Subquery:
    """A table of these columns whose rows are given to the statement as one parameter, `told`: so
    it is the same statement for any number of them, and compiled once."""
    told = bindparam("told", type_=Text)
    rows: Select[Any]
    if db.engine.dialect.name == "sqlite":
        each = func.json_each(told).table_valued("value", name="each")
        cells = (
            type_coerce(func.json_extract(each.c.value, f"$[{at}]"), kind)
            for at, kind in enumerate(kinds.values())
        )
    else:
        elements = func.json_array_elements(cast(told, JSON))
        each = elements.table_valued(column("value", JSON), name="each")
        cells = (_cell(each.c.value, at, kind) for at, kind in enumerate(kinds.values()))
    rows = select(*(cell.label(name) for name, cell in zip(kinds, cells, strict=True)))
    return rows.subquery("told")


def _cell(row: Any, at: int, kind: TypeEngine[Any]) -> Any:
    if isinstance(kind, JSON):
        return type_coerce(row.op("->")(at), kind)
    return cast(row.op("->>")(at), kind)
