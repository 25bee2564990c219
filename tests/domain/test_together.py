"""Many ask at once: one batch for all who come meanwhile, and each has their own answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Integer, String, event, select

from qualz import clock, growing, presence
from qualz.database import db
from qualz.growing import Asked
from qualz.interview import Interview
from qualz.part import HEADER
from qualz.presence import Beat
from qualz.resume_link import ResumeLink
from qualz.study import Study
from qualz.together import Together, as_told, rows_told

REPORT = presence.tidy({"part": 1, "ms": 2000, "recording": True})


class Held:
    """Work that stands still until it may go on, so that others come meanwhile."""

    def __init__(self, answer: Callable[[int], int] = lambda one: one * 2) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self._answer = answer

    def __call__(self, asked: Sequence[int]) -> list[int]:
        self.batches.append(list(asked))
        self.begun.set()
        assert self.may_go_on.wait(10)
        return [self._answer(one) for one in asked]


def asked_at_once(work: Held, count: int) -> list[int | Exception]:
    """The first one's work stands still until all the others wait."""
    together = Together(work, apart=0.0)

    def ask(one: int) -> int | Exception:
        try:
            return together.ask(one)
        except ValueError as cause:
            return cause

    with ThreadPoolExecutor(count) as pool:
        first = pool.submit(ask, 0)
        assert work.begun.wait(10)
        others = [pool.submit(ask, one) for one in range(1, count)]
        while len(together._waiting) < count - 1:
            pass
        work.may_go_on.set()
        return [one.result(10) for one in (first, *others)]


def test_those_who_come_meanwhile_are_answered_together() -> None:
    work = Held()
    assert asked_at_once(work, 9) == [one * 2 for one in range(9)]
    assert work.batches[0] == [0]
    assert sorted(work.batches[1]) == list(range(1, 9))
    assert len(work.batches) == 2


def test_one_that_cannot_be_answered_keeps_nobody_from_it() -> None:
    def answer(one: int) -> int:
        if one == 3:
            raise ValueError("three")
        return one

    told = asked_at_once(Held(answer), 5)
    assert isinstance(told[3], ValueError)
    assert told[:3] + told[4:] == [0, 1, 2, 4]


def test_whoever_is_ended_while_they_gather_leaves_the_work_to_another() -> None:
    together: Together[int, int] = Together(lambda asked: [one + 1 for one in asked])
    together._last = float("inf")

    class Ended(BaseException):
        pass

    def end(_seconds: float) -> None:
        together._last = 0.0
        raise Ended

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qualz.together.time.sleep", end)
        with pytest.raises(Ended):
            together.ask(1)
    assert together.ask(2) == 3


def test_rows_are_told_as_they_are(app: Flask) -> None:
    told = rows_told(name=String(), count=Integer())
    rows = [("Zoë “x” \\u0000", 2**31 - 1), ("with\0out", None)]
    found = [tuple(row) for row in db.session.execute(select(told), {"told": as_told(rows)})]
    assert found == [("Zoë “x” \\u0000", 2**31 - 1), ("without", None)]


@pytest.fixture
def others(study: Study) -> list[Interview]:
    """Three participants who are in their rooms, each with a part that grows."""
    found = []
    for number in range(3):
        interview = Interview.begin(study.invitation)
        db.session.flush()
        interview.arrive("laptop")
        interview.heartbeat = REPORT
        part = interview.recording.start_part(key="one", reported_type="audio/webm")
        part.bytes_durable, part.stored_ms = HEADER + number, 1000
        part.sniffed_type = "webm"
        found.append(interview)
    db.session.commit()
    return found


def test_heartbeats_are_noted_for_whom_they_are_from(others: list[Interview]) -> None:
    report = {**REPORT, "ms": 9000, "level": 0.5}
    here, moved, gone = others
    gone.complete()
    db.session.commit()
    beats = [
        Beat(here.public_id, "laptop", report),
        Beat(moved.public_id, "phone", report),
        Beat(gone.public_id, "laptop", report),
        Beat("nobody", "laptop", report),
        # The same one twice, once from a place that is not theirs.
        Beat(here.public_id, "phone", report),
    ]
    assert presence.is_as_it_was.__wrapped__(beats) == [True, False, False, False, False]
    db.session.expire_all()
    assert [one.heartbeat for one in others] == [report, REPORT, REPORT]
    assert presence.is_as_it_was(Beat(here.public_id, "laptop", REPORT))
    # Another part than before is looked at closer.
    assert not presence.is_as_it_was(Beat(here.public_id, "laptop", {**REPORT, "part": 2}))


def test_who_came_by_a_link_that_was_revoked_is_looked_at_closer(others: list[Interview]) -> None:
    links = [ResumeLink.create(one, validity=timedelta(weeks=1))[0] for one in others[:2]]
    db.session.flush()
    links[0].revoke()
    db.session.commit()
    by_link = [
        Beat(one.public_id, "laptop", REPORT, link_id=link.id)
        for one, link in zip(others, links, strict=False)
    ]
    by_no_personal_link = Beat(others[2].public_id, "laptop", REPORT, by_personal_link=True)
    told = presence.is_as_it_was.__wrapped__([*by_link, by_no_personal_link])
    assert told == [False, True, False]


def test_parts_that_grow_are_found_and_noted_together(app: Flask, others: list[Interview]) -> None:
    parts = [one.recording.parts[0] for one in others]
    asked = [Asked(one.public_id, part.public_id) for one, part in zip(others, parts, strict=True)]
    mixed_up = Asked(others[0].public_id, parts[1].public_id)
    found = growing.find.__wrapped__([*asked, mixed_up])
    assert [one and one.id for one in found] == [*(part.id for part in parts), None]
    grown = [growing.Grown(one, one.bytes_durable + 10, 5000) for one in found if one]
    parts[1].length = 10**6
    before = clock.now()
    db.session.commit()
    assert growing._is_noted.__wrapped__(grown) == [True, False, True]
    db.session.expire_all()
    assert [part.bytes_durable for part in parts] == [HEADER + 10, HEADER + 1, HEADER + 12]
    assert [part.stored_ms for part in parts] == [5000, 1000, 5000]
    heard = [one.last_seen_at and one.last_seen_at >= before for one in others]
    assert heard == [True, False, True]


def test_a_chunk_of_an_earlier_part_is_no_sign_of_life(app: Flask, others: list[Interview]) -> None:
    interview = others[0]
    earlier = interview.recording.parts[0]
    interview.recording.start_part(key="two", reported_type="audio/webm")
    seen = interview.last_seen_at
    db.session.commit()
    found = growing.find(Asked(interview.public_id, earlier.public_id))
    assert found
    assert growing._is_noted(growing.Grown(found, HEADER + 10, 5000))
    db.session.expire_all()
    assert (earlier.bytes_durable, interview.last_seen_at) == (HEADER + 10, seen)


def test_rows_are_looked_up_by_their_indexes(app: Flask, others: list[Interview]) -> None:
    """However many others there are."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    here = others[0]
    assert presence.is_as_it_was(Beat(here.public_id, "laptop", REPORT))
    found = growing.find(Asked(here.public_id, here.recording.parts[0].public_id))
    assert found
    assert growing._is_noted(growing.Grown(found, HEADER + 10, 5000))
    event.remove(db.engine, "before_cursor_execute", note)
    told = [one for one in statements if "json_" in one[0]]
    is_sqlite = db.engine.dialect.name == "sqlite"
    assert len(told) == 4
    with db.engine.connect() as connection:
        if not is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in told:
            how = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
            plan = connection.exec_driver_sql(f"{how} {statement}", parameters).all()
            lines = " / ".join(str(row[-1]) for row in plan)
            assert not re.search(r"(SCAN|Seq Scan on) (parts|interviews|recordings)", lines), lines
