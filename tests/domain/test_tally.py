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


def is_found(part: Part, *holes: tuple[float, float | None], ends: float) -> None:
    """A merge has found out that so many seconds can be played, and what is damaged."""
    told = [{"start": s, "seconds": n, "reason": "damaged on the way"} for s, n in holes]
    part.note_found({"duration": ends, "left_out": None, "holes": told})
    db.session.commit()


def test_what_came_damaged_is_missing_where_it_is_silent(interview: Interview):
    """2 s are silent in the middle, so what follows keeps its place."""
    one = records(interview, at=0)
    is_stored(one, seconds=60)
    stops(one, EndReason.DROP, ran=60)
    is_found(one, (20.0, 2.0), ends=60.0)
    two = records(interview, at=98)
    is_stored(two, seconds=10)
    stops(two, EndReason.FINISHED, ran=10)
    found = tally.of(interview.recording)
    assert (found.recorded, found.missing) == (70, 2)
    assert gaps(interview) == [(20, 2, True), (60, 38, False)]
    assert [gap.damage for gap in found.gaps] == ["damaged on the way", None]
    assert one.damage == "damaged on the way"


def test_what_is_damaged_at_the_end_moves_what_follows(interview: Interview):
    one = records(interview, at=0)
    is_stored(one, seconds=60)
    stops(one, EndReason.DROP, ran=60)
    is_found(one, (50.0, 10.0), ends=50.0)
    records(interview, at=98)
    assert gaps(interview) == [(50, 10, True), (50, 38, False)]


def test_a_part_that_could_not_be_read_is_missing_as_a_whole(interview: Interview):
    one = records(interview, at=0)
    is_stored(one, seconds=60)
    stops(one, EndReason.DROP, ran=60)
    one.note_found({"duration": 0.0, "left_out": "its header is damaged", "holes": []})
    records(interview, at=98)
    assert tally.of(interview.recording).missing == 60
    assert gaps(interview) == [(0, 60, True), (0, 38, False)]


def test_damage_of_unknown_length_is_said_to_be_unknown(interview: Interview):
    one = records(interview, at=0)
    is_stored(one, seconds=60)
    stops(one, EndReason.DROP, ran=60)
    is_found(one, (50.0, None), ends=50.0)
    assert tally.of(interview.recording).unknown == (one,)


def test_a_part_that_was_found_whole_again_is_no_longer_damaged(interview: Interview):
    one = records(interview, at=0)
    is_stored(one, seconds=60)
    stops(one, EndReason.DROP, ran=60)
    is_found(one, (20.0, 2.0), ends=60.0)
    is_found(one, ends=60.0)
    assert (one.damage, tally.of(interview.recording).missing) == (None, 0)


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
