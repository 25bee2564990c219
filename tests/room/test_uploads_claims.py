"""One request at a time writes to an upload, and the newest takes over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Barrier, Event

import pytest

from qualz.room.claims import Claim, Claims
from qualz.room.tus import Locked


class Request:
    """One request on a thread of its own: it holds its claim until it is told to let go."""

    def __init__(self, pool: ThreadPoolExecutor, claims: Claims, name: str = "one") -> None:
        self.told, self.holds, self.may_end = Event(), Event(), Event()
        self.waited = False
        self.end: Future[bool] = pool.submit(self._run, claims, name)

    def _run(self, claims: Claims, name: str) -> bool:
        """Whether it was still its own when it ended."""
        with claims.newest(name, let_go=self.told.set, before_waiting=self._note_wait) as claim:
            self.holds.set()
            self.may_end.wait(10)
            return not claim.is_lost

    def _note_wait(self) -> None:
        self.waited = True


@pytest.fixture
def starts() -> Iterator[Callable[..., Request]]:
    claims = Claims(patience=5)
    pool = ThreadPoolExecutor(16)
    begun: list[Request] = []

    def start(name: str = "one") -> Request:
        request = Request(pool, claims, name)
        begun.append(request)
        return request

    yield start
    for request in begun:
        request.may_end.set()
    pool.shutdown()
    assert claims._uploads == {}


def test_the_newer_one_waits_until_the_older_one_has_let_go(starts: Callable[..., Request]):
    older = starts()
    assert older.holds.wait(5)
    newer = starts()
    assert older.told.wait(5)
    assert not newer.holds.wait(0.1)
    older.may_end.set()
    assert newer.holds.wait(5)
    assert newer.waited
    newer.may_end.set()
    assert older.end.result(5) is False
    assert newer.end.result(5) is True


def test_uploads_do_not_wait_for_each_other(starts: Callable[..., Request]):
    one, other = starts("one"), starts("other")
    assert one.holds.wait(5)
    assert other.holds.wait(5)
    assert not any([one.waited, other.waited, one.told.is_set()])


def test_of_many_that_wait_only_the_newest_goes_on(starts: Callable[..., Request]):
    first = starts()
    assert first.holds.wait(5)
    second = starts()
    assert first.told.wait(5)
    third = starts()
    assert second.told.wait(5)
    first.may_end.set()
    assert third.holds.wait(5)
    with pytest.raises(Locked):
        second.end.result(5)
    assert not second.holds.is_set()


def test_one_that_never_lets_go_is_not_waited_for_for_ever():
    claims, told = Claims(patience=0.05), Event()
    with claims.newest("one", let_go=told.set, before_waiting=lambda: None) as older:
        with pytest.raises(Locked, match="Try again"), _newest(claims):
            pass
        assert older.is_lost
        assert told.is_set()
    # What was waited for in vain is no hindrance later.
    with _newest(claims) as later:
        assert not later.is_lost


def _newest(claims: Claims) -> AbstractContextManager[Claim]:
    return claims.newest("one", let_go=lambda: None, before_waiting=lambda: None)


def test_never_two_at_once_and_nothing_is_left_behind():
    """Sixteen at once, many times: a counter that they would corrupt together stays right."""
    claims, inside, most, at_once = Claims(patience=5), 0, 0, Barrier(16)

    def work(_: int) -> None:
        nonlocal inside, most
        at_once.wait()
        try:
            with _newest(claims):
                inside += 1
                most = max(most, inside)
                inside -= 1
        except Locked:
            pass

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16 * 50)))
    assert most == 1
    assert claims._uploads == {}
