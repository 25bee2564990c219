"""What is missing of a recording: never a guess, always seconds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from qualz import presence, tally
from qualz.database import db
from qualz.interview import Interview
from qualz.part import EndReason, Part

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
# Two days ahead of the server: what a participant's clock may be.
WRONG = timedelta(days=2)


@pytest.fixture(autouse=True)
def time() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as travel:
        yield travel


def records(interview: Interview, *, at: int, clock_off: timedelta = WRONG) -> Part:
    """A recorder starts `at` so many seconds after ten o'clock."""
    moment = START + timedelta(seconds=at)
    part = interview.recording.start_part(
        key=f"at {at}",
        reported_type="audio/webm",
        started_at=moment,
        recorder_started_at=moment + clock_off,
    )
    db.session.commit()
    return part


def stops(part: Part, reason: EndReason, *, ran: float, delivered: float | None = None) -> None:
    until = ran if delivered is None else delivered
    part.declare_end(
        length=int(until * 1000),
        reason=reason,
        recorded_ms=int(ran * 1000),
        delivered_ms=int(until * 1000),
    )
    db.session.commit()


def is_stored(part: Part, *, seconds: float) -> None:
    part.note_durable(int(seconds * 1000), until_ms=int(seconds * 1000))
    db.session.commit()


def gaps(interview: Interview) -> list[tuple[float, float, bool]]:
    found = tally.of(interview.recording).gaps
    return [(round(gap.at, 3), round(gap.seconds, 3), gap.was_recorded) for gap in found]


def test_nothing_is_missing_of_what_came_whole(interview: Interview):
    part = records(interview, at=0)
    is_stored(part, seconds=60)
    stops(part, EndReason.FINISHED, ran=60)
    found = tally.of(interview.recording)
    assert (found.recorded, found.missing, found.gaps, found.unknown) == (60, 0, (), ())


def test_a_long_drop_is_a_gap_and_loses_nothing(interview: Interview):
    one = records(interview, at=0)
    is_stored(one, seconds=60)
    stops(one, EndReason.DROP, ran=60)
    two = records(interview, at=98)
    is_stored(two, seconds=10)
    stops(two, EndReason.FINISHED, ran=10)
    assert tally.of(interview.recording).missing == 0
    assert gaps(interview) == [(60, 38, False)]


def test_another_devices_clock_is_not_believed(interview: Interview):
    one = records(interview, at=0, clock_off=timedelta())
    is_stored(one, seconds=60)
    stops(one, EndReason.DROP, ran=60)
    records(interview, at=98, clock_off=-WRONG)
    assert gaps(interview) == [(60, 38, False)]


def test_the_timeslice_in_flight_of_a_page_that_died_is_named(interview: Interview):
    """Its journal held 12 s; its last heartbeat had told of 12.4 s."""
    part = records(interview, at=0)
    presence.beat(interview, "", {"part": 1, "ms": 12_400})
    interview.place = "laptop"
    presence.beat(interview, "laptop", {"part": 1, "ms": 12_400})
    presence.beat(interview, "laptop", {"part": 2, "ms": 100})
    is_stored(part, seconds=12)
    stops(part, EndReason.CRASHED, ran=12)
    assert tally.of(interview.recording).missing == pytest.approx(0.4)
    assert gaps(interview) == [(12, 0.4, True)]


def test_what_never_came_from_a_browser_that_never_came_back_is_named(interview: Interview):
    part = records(interview, at=0)
    interview.arrive("laptop")
    presence.beat(interview, "laptop", {"part": 1, "ms": 30_000})
    is_stored(part, seconds=27)
    part.close(EndReason.GIVEN_UP)
    db.session.commit()
    found = tally.of(interview.recording)
    assert (found.recorded, found.missing) == (30, 3)
    assert gaps(interview) == [(27, 3, True)]


def test_late_bytes_make_good_what_was_missing(interview: Interview):
    part = records(interview, at=0)
    is_stored(part, seconds=27)
    part.close(EndReason.GIVEN_UP)
    stops(part, EndReason.CLOSED, ran=30)
    assert tally.of(interview.recording).missing == 3
    is_stored(part, seconds=30)
    assert tally.of(interview.recording).missing == 0


def test_a_repeat_that_comes_late_takes_nothing_back(interview: Interview):
    part = records(interview, at=0)
    is_stored(part, seconds=30)
    is_stored(part, seconds=20)
    assert (part.bytes_durable, part.stored_ms) == (30_000, 30_000)


def test_of_a_recorder_that_never_said_how_long_it_ran_nothing_is_claimed(interview: Interview):
    part = records(interview, at=0)
    part.note_durable(1000)
    part.close(EndReason.GIVEN_UP)
    db.session.commit()
    found = tally.of(interview.recording)
    assert (found.missing, found.unknown) == (0, (part,))


def test_while_it_runs_it_tells_what_is_safe_and_what_waits(interview: Interview):
    one = records(interview, at=0)
    is_stored(one, seconds=60)
    stops(one, EndReason.CAMERA_SWITCH, ran=60)
    two = records(interview, at=61)
    interview.arrive("laptop")
    presence.beat(interview, "laptop", {"part": 2, "ms": 5_000, "waiting": 8_000})
    is_stored(two, seconds=4)
    found = tally.so_far(interview.recording)
    assert (found.recorded, found.safe, found.waiting) == (65, 64, 8_000)
