"""Merges in the background: claimed once, published whole, taken over when a worker dies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from qualz import sweep
from qualz.clock import now
from qualz.database import db
from qualz.interview import Interview
from qualz.leased import MOST_ATTEMPTS, LeaseLost
from qualz.media.ffmpeg import FFmpeg
from qualz.merge import Merge
from qualz.part import EndReason, Part
from qualz.recording import Recording
from qualz.settings import Settings
from qualz.study import Study
from tests.gate import Gate
from tests.queries import asked

SAMPLES = Path(__file__).parent.parent / "samples"
LEASE = timedelta(seconds=15)


def records(interview: Interview, app: Flask, key: str, data: bytes | None = None) -> Part:
    """The participant's browser has recorded a part and sent it."""
    part = interview.recording.start_part(key=key, reported_type="audio/webm;codecs=opus")
    db.session.commit()
    if data is None:
        data = (SAMPLES / "chromium-opus.webm").read_bytes()
    part.append(data, at=0, storage=app.extensions["storage"])
    part.declare_end(length=len(data), reason=EndReason.FINISHED)
    db.session.commit()
    return part


def runs(merge: Merge, app: Flask, **how: object) -> None:
    merge.run(
        storage=app.extensions["storage"],
        ffmpeg=app.extensions["ffmpeg"],
        lease_for=LEASE,
        **how,  # type: ignore[arg-type]
    )


def runs_on_what_it_read_before(merge: Merge, app: Flask, meanwhile: Callable[[], None]) -> None:
    """Runs a merge that fails, with something happening just before it says so."""
    end = merge._end

    def late_end(*given: object, **named: object) -> bool:
        meanwhile()
        return end(*given, **named)  # type: ignore[arg-type]

    merge._end = late_end  # type: ignore[method-assign]
    runs(merge, app)


def sweeps_and_works(app: Flask, settings: Settings) -> None:
    sweep.once(settings)
    for waiting in Merge.unclaimed():
        if claimed := Merge.claim(waiting.id, lease_for=LEASE):
            runs(claimed, app)


@pytest.fixture
def recording(app: Flask, interview: Interview) -> Recording:
    """A completed interview in two parts."""
    records(interview, app, "one")
    records(interview, app, "two")
    interview.complete()
    db.session.commit()
    return interview.recording


def test_a_completed_interview_gets_its_full_session(
    app: Flask, settings: Settings, recording: Recording
):
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY
    assert (settings.media / recording.full_session).exists()
    assert recording.seconds == pytest.approx(2 * 6, abs=1)
    assert [entry["part"] for entry in recording.report["parts"]] == [
        part.public_id for part in recording.parts
    ]


def test_nothing_is_merged_while_the_participant_may_return(
    app: Flask, settings: Settings, interview: Interview
):
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as clock:
        records(interview, app, "one")
        interview.arrive("laptop")
        clock.shift(settings.grace + timedelta(seconds=1))
        sweep.once(settings)
        assert interview.state is Interview.State.INTERRUPTED
        assert interview.recording.state is Recording.State.NONE
        clock.shift(settings.hold)
        sweep.once(settings)
        assert interview.recording.state is Recording.State.WAITING


def test_a_part_whose_browser_never_came_back_is_closed_after_the_hold(
    app: Flask, settings: Settings, interview: Interview
):
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as clock:
        part = interview.recording.start_part(key="cut", reported_type="audio/webm")
        db.session.commit()
        part.append(b"\x1aE\xdf\xa3", at=0, storage=app.extensions["storage"])
        db.session.commit()
        clock.shift(settings.hold + timedelta(seconds=1))
        sweep.once(settings)
        db.session.refresh(part)
        assert part.end_reason is EndReason.GIVEN_UP


def test_two_workers_never_hold_the_same_merge(app: Flask, recording: Recording):
    merge = Merge.begin(recording)
    db.session.commit()
    assert Merge.claim(merge.id, lease_for=LEASE) is merge
    assert Merge.claim(merge.id, lease_for=LEASE) is None


def test_a_worker_that_lost_its_lease_publishes_nothing(
    app: Flask, settings: Settings, recording: Recording
):
    merge = Merge.begin(recording)
    db.session.commit()
    Merge.claim(merge.id, lease_for=LEASE)

    def another_worker_takes_over() -> None:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE merges SET lease = 'another worker'"))

    with pytest.raises(LeaseLost):
        runs(merge, app, announce=another_worker_takes_over)
    assert recording.full_session is None
    assert not list(settings.media.rglob("full-session*"))


def test_a_part_that_comes_after_makes_the_full_session_stale_and_new(
    app: Flask, settings: Settings, interview: Interview, recording: Recording
):
    sweeps_and_works(app, settings)
    first = recording.full_session
    records(interview, app, "three")
    assert recording.state is Recording.State.STALE
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY
    assert recording.full_session != first
    assert not (settings.media / first).exists()
    assert recording.seconds == pytest.approx(3 * 6, abs=1)


def test_a_part_that_comes_during_the_merge_is_merged_next(
    app: Flask, settings: Settings, interview: Interview, recording: Recording
):
    merge = Merge.begin(recording)
    db.session.commit()
    Merge.claim(merge.id, lease_for=LEASE)
    arrived = []

    def a_part_arrives() -> None:
        if not arrived:
            arrived.append(records(interview, app, "three"))

    runs(merge, app, announce=a_part_arrives)
    assert recording.state is Recording.State.STALE
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY
    assert len(recording.report["parts"]) == 3


def test_what_cannot_be_read_fails_with_its_reason_and_leaves_the_clips(
    app: Flask, settings: Settings, interview: Interview
):
    part = records(interview, app, "one", data=bytes(2_700))
    interview.complete()
    sweeps_and_works(app, settings)
    recording = interview.recording
    assert recording.state is Recording.State.FAILED
    assert "readable" in recording.reason
    assert recording.clips == [part]
    assert (settings.media / part.file).exists()


def test_a_merge_that_kills_its_workers_is_given_up(
    app: Flask, settings: Settings, recording: Recording
):
    Merge.begin(recording).attempts = MOST_ATTEMPTS
    db.session.commit()
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.FAILED


def test_a_camera_disabled_study_never_shows_a_picture(
    app: Flask, settings: Settings, interview: Interview
):
    """Should one have got past the door, the Full Session is sound alone."""
    part = records(interview, app, "one")
    picture = (SAMPLES / "chromium-vp8-opus.webm").read_bytes()
    app.extensions["storage"].path(part.file).write_bytes(picture)
    part.bytes_durable = len(picture)
    interview.complete()
    sweeps_and_works(app, settings)
    assert interview.recording.full_session_type.startswith("audio/")


def test_a_failed_merge_whose_missing_bytes_came_meanwhile_is_tried_again(
    app: Flask, settings: Settings, interview: Interview
):
    whole = (SAMPLES / "chromium-opus.webm").read_bytes()
    part = interview.recording.start_part(key="cut", reported_type="audio/webm")
    db.session.commit()
    part.append(whole[:40], at=0, storage=app.extensions["storage"])
    part.close(EndReason.GIVEN_UP)
    interview.complete()
    merge = Merge.begin(interview.recording)
    db.session.commit()
    Merge.claim(merge.id, lease_for=LEASE)

    def the_rest_arrives() -> None:
        if part.bytes_durable < len(whole):
            part.append(whole[40:], at=40, storage=app.extensions["storage"])
            db.session.commit()

    # What the worker read was too little; by the time that it says so, all of it is here.
    runs_on_what_it_read_before(merge, app, the_rest_arrives)
    assert interview.recording.state is Recording.State.STALE
    sweeps_and_works(app, settings)
    assert interview.recording.state is Recording.State.READY


def test_one_merge_is_enough_for_whoever_asks(recording: Recording):
    assert Merge.begin(recording)
    assert Merge.begin(recording) is None


def test_where_there_is_no_ffmpeg_the_merge_fails_and_says_so(app: Flask, recording: Recording):
    merge = Merge.begin(recording)
    db.session.commit()
    claimed = Merge.claim(merge.id, lease_for=LEASE)
    claimed.run(storage=app.extensions["storage"], ffmpeg=None, lease_for=LEASE)
    assert recording.state is Recording.State.FAILED
    assert "ffmpeg" in recording.reason


def test_the_gap_of_a_drop_is_known_although_the_tail_came_after_the_return(
    app: Flask, interview: Interview
):
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as clock:
        began = now()
        first = interview.recording.start_part(
            key="one", reported_type="audio/webm", recorder_started_at=began
        )
        db.session.commit()
        clock.shift(timedelta(minutes=20))
        second = interview.recording.start_part(
            key="two", reported_type="audio/webm", recorder_started_at=now()
        )
        db.session.commit()
        for part in (first, second):
            part.append(b"tail", at=0, storage=app.extensions["storage"])
        first.declare_end(
            length=4, reason=EndReason.DROP, recorder_ended_at=began + timedelta(minutes=5)
        )
        assert interview.recording.gap_before(second) == 15 * 60


def test_the_sweep_asks_no_more_for_interviews_that_have_nothing_to_merge(
    app: Flask, settings: Settings, study: Study
):
    def queries_of_a_sweep() -> int:
        with asked() as statements:
            sweep.once(settings)
        return len(statements)

    few = queries_of_a_sweep()
    for _ in range(20):
        Interview.begin(study.invitation).complete()
        db.session.commit()
    # That they were completed is told once.
    sweep.once(settings)
    assert queries_of_a_sweep() <= 2 * few


def test_a_cancelled_merge_ends_its_ffmpeg_and_is_not_begun_again_by_itself(
    app: Flask, settings: Settings, interview: Interview, recording: Recording, tmp_path: Path
):
    gate = Gate(tmp_path)
    app.extensions["ffmpeg"] = FFmpeg(binary=gate.program)
    merge = Merge.begin(recording)
    db.session.commit()
    Merge.claim(merge.id, lease_for=LEASE)

    def ada_cancels_once_ffmpeg_runs() -> None:
        if gate.waiting():
            assert merge.cancel()
            db.session.commit()

    with pytest.raises(LeaseLost):
        runs(merge, app, announce=ada_cancels_once_ffmpeg_runs)
    assert not any(map(psutil.pid_exists, gate.waiting()))
    assert recording.state is Recording.State.FAILED
    assert recording.reason.startswith("Cancelled.")
    assert merge.state is Merge.State.FAILED
    gate.opens()
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.FAILED
    assert recording.full_session is None
    records(interview, app, "three")
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY


def test_a_cancelled_merge_that_nobody_claimed_never_runs(
    app: Flask, settings: Settings, recording: Recording
):
    merge = Merge.begin(recording)
    db.session.commit()
    assert merge.cancel()
    db.session.commit()
    sweeps_and_works(app, settings)
    assert Merge.claim(merge.id, lease_for=LEASE) is None
    assert recording.state is Recording.State.FAILED
    assert Merge.begin(recording)


def test_a_merge_that_is_done_cannot_be_cancelled(
    app: Flask, settings: Settings, recording: Recording
):
    sweeps_and_works(app, settings)
    assert not recording.merges[0].cancel()
    assert recording.state is Recording.State.READY


def test_a_merge_cancelled_in_the_last_moment_publishes_nothing(
    app: Flask, settings: Settings, recording: Recording
):
    merge = Merge.begin(recording)
    db.session.commit()
    Merge.claim(merge.id, lease_for=LEASE)
    storage = app.extensions["storage"]

    class Slow(type(storage)):
        def publish(self, source: Path, name: str) -> None:
            super().publish(source, name)
            assert merge.cancel()
            db.session.commit()

    app.extensions["storage"] = Slow(storage.root)
    with pytest.raises(LeaseLost):
        runs(merge, app)
    assert recording.full_session is None
    assert not list(settings.media.rglob("full-session*"))
    assert recording.state is Recording.State.FAILED


def test_how_long_a_merge_takes_is_told_once_that_is_sensible(
    app: Flask, settings: Settings, recording: Recording
):
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as clock:
        merge = Merge.begin(recording)
        db.session.commit()
        Merge.claim(merge.id, lease_for=LEASE)
        told = []
        for progress in (0.02, 0.2, 0.4):
            clock.shift(timedelta(seconds=4))
            merge._renew(progress, LEASE)
            db.session.refresh(merge)
            told.append(merge.seconds_left)
        assert told == [None, pytest.approx(32), pytest.approx(24.5, abs=2.5)]
        clock.shift(timedelta(minutes=9))
        assert merge.seconds_left is None
