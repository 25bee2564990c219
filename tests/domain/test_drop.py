"""Who leaves and returns: noticed in time, kept with its length and its cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from qualz import clock, presence
from qualz.dashboard.chips import of_interview
from qualz.database import db
from qualz.drop import PRESENT_FOR, Came, Cause
from qualz.interview import Interview

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
Travel = time_machine.Traveller


@pytest.fixture
def time(interview: Interview) -> Iterator[Travel]:
    """Somebody has arrived at ten o'clock; time moves when it is told to."""
    with time_machine.travel(START, tick=False) as travel:
        interview.arrive("laptop")
        db.session.commit()
        yield travel


def sweeps(interview: Interview) -> list[Interview]:
    noticed = presence.notice_drops()
    db.session.commit()
    db.session.refresh(interview)
    return noticed


def beats(interview: Interview, **how: datetime) -> None:
    presence.beat(interview, "laptop", {}, **how)
    db.session.commit()


def test_who_is_heard_has_not_dropped(interview: Interview, time: Travel):
    time.shift(3 * SECOND)
    assert sweeps(interview) == []
    beats(interview)
    time.shift(3 * SECOND)
    assert sweeps(interview) == []
    assert interview.drops == []


def test_a_silent_loss_is_noticed_once_and_within_five_seconds(interview: Interview, time: Travel):
    """The sweep looks every second, so it comes at most one after the silence is long enough."""
    assert PRESENT_FOR + SECOND <= 5 * SECOND
    time.shift(PRESENT_FOR + SECOND / 1000)
    assert sweeps(interview) == [interview]
    assert presence.of(interview) is presence.Presence.RECONNECTING
    assert sweeps(interview) == []
    [drop] = interview.drops
    assert (drop.left_at, drop.returned_at, drop.cause, drop.seconds) == (START, None, None, None)


def test_a_break_is_no_drop_of_theirs_however_they_come_back(interview: Interview, time: Travel):
    interview.rest("laptop")
    beats(interview)
    assert interview.is_resting
    assert of_interview(interview).word == "Paused"
    time.shift(60 * SECOND)
    assert sweeps(interview) == []
    presence.interrupt_lapsed(grace=10 * SECOND)
    db.session.commit()
    assert of_interview(interview).word == "Paused"
    interview.arrive("laptop", came=Came.CRASHED)
    [drop] = interview.drops
    assert (drop.cause, drop.seconds) == (Cause.PAUSED, 60.0)
    assert of_interview(interview).word == "Live"


def test_a_wish_to_rest_that_comes_late_explains_the_drop(interview: Interview, time: Travel):
    time.shift(5 * SECOND)
    sweeps(interview)
    interview.rest("laptop")
    interview.rest("laptop")
    assert [drop.cause for drop in interview.drops] == [Cause.PAUSED]
    interview.rest("another place")
    interview.arrive("laptop", came=Came.RETURN)
    interview.rest("another place")
    assert not interview.is_resting


def test_a_connection_that_comes_back_ends_its_drop(interview: Interview, time: Travel):
    time.shift(5 * SECOND)
    sweeps(interview)
    time.shift(2 * SECOND)
    beats(interview)
    [drop] = interview.drops
    assert (drop.cause, drop.seconds) == (Cause.CONNECTION, 7.0)
    assert presence.of(interview) is presence.Presence.LIVE


@pytest.mark.parametrize(
    ("came", "cause"),
    [
        (Came.RELOAD, Cause.RELOAD),
        (Came.REOPENED, Cause.CLOSED),
        (Came.CRASHED, Cause.CRASHED),
        (Came.RETURN, Cause.CONNECTION),
        (Came.FIRST, Cause.MOVED),
    ],
)
def test_the_page_says_how_it_came_back(
    interview: Interview, time: Travel, came: Came, cause: Cause
):
    time.shift(20 * SECOND)
    sweeps(interview)
    presence.interrupt_lapsed(grace=10 * SECOND)
    db.session.refresh(interview)
    assert interview.state is Interview.State.INTERRUPTED
    interview.arrive("phone" if came is Came.FIRST else "laptop", came=came)
    db.session.commit()
    [drop] = interview.drops
    assert (drop.cause, drop.seconds) == (cause, 20.0)
    assert interview.state is Interview.State.LIVE


def test_a_page_that_says_goodbye_has_left_at_once(interview: Interview, time: Travel):
    interview.depart("laptop")
    db.session.commit()
    assert presence.of(interview) is presence.Presence.RECONNECTING
    time.shift(SECOND)
    interview.arrive("laptop", came=Came.RELOAD)
    db.session.commit()
    [drop] = interview.drops
    assert (drop.cause, drop.seconds) == (Cause.RELOAD, 1.0)
    assert sweeps(interview) == []


def test_a_heartbeat_that_comes_after_the_goodbye_is_of_before_it(
    interview: Interview, time: Travel
):
    interview.depart("laptop")
    beats(interview)
    assert presence.of(interview) is presence.Presence.RECONNECTING
    time.shift(PRESENT_FOR)
    beats(interview)
    assert presence.of(interview) is presence.Presence.LIVE
    assert len(interview.drops) == 1


def test_a_goodbye_that_is_slower_than_the_next_page_says_nothing(
    interview: Interview, time: Travel
):
    interview.arrive("laptop", page="before the reload")
    interview.arrive("laptop", page="after it", came=Came.RELOAD)
    interview.depart("laptop", "before the reload")
    assert interview.is_present
    interview.depart("laptop", "after it")
    assert not interview.is_present


def test_a_goodbye_from_another_place_says_nothing(interview: Interview, time: Travel):
    interview.depart("phone")
    assert interview.is_present
    assert interview.drops == []


def test_a_server_that_was_not_there_is_the_cause_itself(interview: Interview, time: Travel):
    """Nobody swept meanwhile: the return is the first that is heard of it."""
    time.shift(90 * SECOND)
    beats(interview, listening_since=clock.now() - SECOND)
    [drop] = interview.drops
    assert (drop.cause, drop.seconds) == (Cause.SERVER, 90.0)


def test_a_server_that_started_anew_after_the_drop_is_not_blamed(
    interview: Interview, time: Travel
):
    time.shift(5 * SECOND)
    sweeps(interview)
    time.shift(90 * SECOND)
    beats(interview, listening_since=clock.now() - SECOND)
    assert interview.drops[0].cause is Cause.CONNECTION


def test_a_server_that_was_killed_and_came_back_is_the_cause(interview: Interview, time: Travel):
    """The sweep lives on and notices before the web is back."""
    time.shift(5 * SECOND)
    sweeps(interview)
    time.shift(4 * SECOND)
    beats(interview, listening_since=clock.now() - SECOND)
    assert interview.drops[0].cause is Cause.SERVER


def test_who_comes_back_after_the_goodbye_had_not_dropped(interview: Interview, time: Travel):
    interview.complete()
    time.shift(timedelta(days=2))
    interview.reopen()
    interview.arrive("phone")
    db.session.commit()
    assert interview.drops == []


def test_finishing_while_the_line_is_shaky_leaves_no_drop_open(interview: Interview, time: Travel):
    time.shift(5 * SECOND)
    sweeps(interview)
    interview.complete()
    db.session.commit()
    assert interview.away_since is None
    assert interview.drops[0].returned_at == clock.now()


def test_a_heartbeat_at_the_moment_of_the_sweep_wins(interview: Interview, time: Travel):
    """The sweep has read that nobody is heard, and then they are."""
    time.shift(5 * SECOND)
    interview.last_seen_at = clock.now()
    db.session.commit()
    assert sweeps(interview) == []
    assert interview.drops == []
