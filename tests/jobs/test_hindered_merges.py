"""Merges that are hindered at every step: in the end a verified Full Session or a reason, and
never a process, a folder or half a file left over."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import av
import psutil
import pytest
import time_machine
from flask import Flask

from qualz import jobs, sweep, tally, withdrawal
from qualz.clock import now
from qualz.database import db
from qualz.interview import Interview
from qualz.leased import LeaseLost
from qualz.merge import Merge
from qualz.recording import Recording
from qualz.settings import Settings
from qualz.study import Camera, Study
from tests.jobs.hindrances import (
    LEASE,
    PICTURE,
    SOUND,
    STEPS,
    WITH_FFMPEG,
    claims,
    ffmpeg_stuck_at,
    ffmpegs,
    full_sessions,
    hinder,
    records,
    sample,
    works,
    workspaces,
)
from tests.later import later_but_for


@pytest.fixture
def interview(app: Flask, interview: Interview) -> Interview:
    """A completed interview in two parts, one of which has to be given a picture."""
    interview.camera = Camera.ON_BY_DEFAULT
    records(interview, app, "one", sample(SOUND))
    records(interview, app, "two", sample(PICTURE))
    interview.complete()
    db.session.commit()
    return interview


def check_nothing_is_left(settings: Settings, *, published: bool) -> None:
    assert ffmpegs(settings) == []
    assert workspaces(settings) == []
    assert len(full_sessions(settings)) == published


def check_the_full_session(settings: Settings, recording: Recording, seconds: float = 12) -> None:
    """It is there, whole, and the only one."""
    db.session.refresh(recording)
    assert recording.state is Recording.State.READY
    check_nothing_is_left(settings, published=True)
    with av.open(str(settings.media / recording.full_session)) as container:
        assert container.duration / av.time_base == pytest.approx(seconds, abs=0.5)
        assert sum(1 for _ in container.decode(video=0)) > 50


def check_the_clips_play(settings: Settings, recording: Recording) -> None:
    for part in recording.clips:
        assert (settings.media / part.file).read_bytes() in (sample(SOUND), sample(PICTURE))


# --- Whoever is killed ---------------------------------------------------------------------------


def forked_worker(app: Flask, merge_id: int, step: str) -> tuple[int, int]:
    """A worker in a process of its own that stops at a step; its id, and a pipe that tells when."""
    told, tells = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(tells)
        return pid, told
    try:
        # Its own session: a failing worker must not run the tests a second time.
        with app.app_context():
            db.engine.dispose(close=False)
            merge = Merge.claim(merge_id, lease_for=LEASE)

            def stop() -> None:
                os.write(tells, b"here")
                while os.getppid() == parent:
                    signal.pause()

            works(merge, app, **hinder(app, step, stop))
    finally:
        os._exit(1)


@pytest.mark.parametrize("step", later_but_for(["join", "published"], STEPS))
def test_a_worker_killed_at_any_step_costs_only_time(
    step: str, app: Flask, settings: Settings, interview: Interview
):
    merge = Merge.begin(interview.recording)
    db.session.commit()
    merge_id, interview_id = merge.id, interview.id
    db.session.remove()
    pid, told = forked_worker(app, merge_id, step)
    assert os.read(told, 4) == b"here"
    at_work = psutil.Process(pid).children(recursive=True)
    assert bool(at_work) == (step in WITH_FFMPEG)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(told)
    assert psutil.wait_procs(at_work, timeout=20)[1] == []
    recording = db.session.get_one(Interview, interview_id).recording
    assert recording.state is Recording.State.MERGING
    assert recording.full_session is None
    check_the_clips_play(settings, recording)
    with time_machine.travel(now() + LEASE + timedelta(seconds=1)):
        sweep.once(settings)
        [again] = Merge.unclaimed()
        works(Merge.claim(again.id, lease_for=LEASE), app)
        check_the_full_session(settings, recording)


@pytest.mark.parametrize("step", later_but_for(["normalise"], WITH_FFMPEG))
def test_an_ffmpeg_killed_at_any_step_is_replaced(
    step: str, app: Flask, settings: Settings, interview: Interview
):
    killed = []

    def kill() -> None:
        for process in ffmpegs(settings):
            killed.append(process.pid)
            process.kill()

    works(claims(interview), app, **hinder(app, step, kill))
    assert killed
    check_the_full_session(settings, interview.recording)


@pytest.mark.parametrize("step", later_but_for(["verify"], WITH_FFMPEG))
def test_an_ffmpeg_that_is_stopped_at_any_step_is_given_up_with_a_reason(
    step: str, app: Flask, settings: Settings, interview: Interview
):
    def stop() -> None:
        for process in ffmpegs(settings):
            process.suspend()

    stuck = ffmpeg_stuck_at(step, app.extensions["ffmpeg"], stop, stall=0.5)
    works(claims(interview), app, ffmpeg=stuck)
    recording = interview.recording
    assert recording.state is Recording.State.FAILED
    assert "ffmpeg stopped moving" in recording.reason
    check_nothing_is_left(settings, published=False)
    check_the_clips_play(settings, recording)
    works(claims(interview), app)
    check_the_full_session(settings, recording)


# --- Two at once ---------------------------------------------------------------------------------


@pytest.mark.parametrize("step", later_but_for(["probe", "publish"], STEPS))
def test_of_two_workers_at_once_only_one_publishes(
    step: str, app: Flask, settings: Settings, interview: Interview
):
    """The first has gone quiet at a step for longer than its lease; then it goes on."""
    first = claims(interview)
    took_over = []

    def another_takes_over() -> None:
        for process in ffmpegs(settings):
            process.kill()
        if took_over:
            return
        took_over.append(True)
        with (
            app.app_context(),
            time_machine.travel(now() + LEASE + timedelta(seconds=1)),
        ):
            works(Merge.claim(first_id, lease_for=LEASE), app)

    first_id = first.id
    with pytest.raises(LeaseLost):
        works(first, app, **hinder(app, step, another_takes_over))
    db.session.rollback()
    [published] = full_sessions(settings)
    assert published.name.startswith(f"full-session-{first_id}-2")
    check_the_full_session(settings, interview.recording)


# --- A full disk ---------------------------------------------------------------------------------


class SmallDisk:
    """A file system in memory for the recordings, whose size can be changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=1g", "tmpfs")

    def fills_up(self, leaving: int = 0) -> None:
        used = shutil.disk_usage(self.path).used
        self._mount("-o", f"remount,size={used + max(4096, leaving)}")

    def has_room_again(self) -> None:
        self._mount("-o", "remount,size=1g")

    def end(self) -> None:
        subprocess.run(["umount", "--lazy", self.path], check=True)

    def _mount(self, *how: str) -> None:
        done = subprocess.run(["mount", *how, self.path], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"only root may mount a small disk: {done.stderr}")


@pytest.fixture
def disk(settings: Settings) -> Iterator[SmallDisk]:
    disk = SmallDisk(settings.media)
    yield disk
    disk.end()


def check_the_disk_is_told_to_be_full(settings: Settings, recording: Recording) -> None:
    assert recording.state is Recording.State.FAILED
    assert "disk" in recording.reason
    assert "merge again" in recording.reason
    check_nothing_is_left(settings, published=False)
    check_the_clips_play(settings, recording)


def test_a_disk_that_is_full_beforehand_is_told_before_anything_is_tried(
    disk: SmallDisk, app: Flask, settings: Settings, interview: Interview
):
    disk.fills_up()
    works(claims(interview), app)
    check_the_disk_is_told_to_be_full(settings, interview.recording)


@pytest.mark.parametrize("step", ["probe", "normalise", "join"])
def test_a_disk_that_fills_up_at_a_step_is_told_and_leaves_nothing(
    step: str, disk: SmallDisk, app: Flask, settings: Settings, interview: Interview
):
    recording = interview.recording
    works(claims(interview), app, **at_the_start_of(step, app, disk.fills_up))
    check_the_disk_is_told_to_be_full(settings, recording)
    disk.has_room_again()
    works(claims(interview), app)
    check_the_full_session(settings, recording)


@pytest.mark.parametrize("step", ["verify", "publish"])
def test_a_disk_that_is_full_once_all_is_written_costs_nothing(
    step: str, disk: SmallDisk, app: Flask, settings: Settings, interview: Interview
):
    works(claims(interview), app, **at_the_start_of(step, app, disk.fills_up))
    check_the_full_session(settings, interview.recording)


def test_a_disk_that_fills_up_while_a_damaged_part_is_mended_is_told(
    disk: SmallDisk, app: Flask, settings: Settings, interview: Interview
):
    holed = sample(PICTURE)[:100_000] + bytes(20_000) + sample(PICTURE)[120_000:]
    part = records(interview, app, "three", holed)
    works(claims(interview), app, announce=disk.fills_up)
    assert interview.recording.state is Recording.State.FAILED
    assert "disk" in interview.recording.reason
    check_nothing_is_left(settings, published=False)
    assert (settings.media / part.file).read_bytes() == holed


def at_the_start_of(step: str, app: Flask, then: object) -> dict[str, object]:
    """As `hinder`, but ffmpeg is not stuck: it begins on a disk where this has happened."""
    from tests.jobs import hindrances

    if step not in WITH_FFMPEG:
        return hinder(app, step, then)  # type: ignore[arg-type]
    met: list[str] = []

    class Late(type(app.extensions["ffmpeg"])):  # type: ignore[misc]
        def run(self, command: object, **options: object) -> list[str]:
            arguments = list(command) if isinstance(command, list) else command.get_args()  # type: ignore[attr-defined]
            if hindrances.step_of(arguments) == step and not met:
                met.append(step)
                then()  # type: ignore[operator]
            return super().run(command, **options)  # type: ignore[no-any-return]

    return {"ffmpeg": Late(binary=app.extensions["ffmpeg"].binary)}


# --- What happens meanwhile ----------------------------------------------------------------------


@pytest.mark.parametrize("step", later_but_for(["normalise", "publish"], STEPS))
def test_a_part_that_arrives_at_any_step_is_in_the_next_full_session(
    step: str, app: Flask, settings: Settings, interview: Interview
):
    arrived = []

    def a_part_arrives() -> None:
        for process in ffmpegs(settings):
            process.kill()
        if not arrived:
            arrived.append(records(interview, app, "late", sample(SOUND)))

    recording = interview.recording
    works(claims(interview), app, **hinder(app, step, a_part_arrives))
    assert recording.state is Recording.State.STALE
    assert len(recording.report["parts"]) == 2
    check_nothing_is_left(settings, published=True)
    sweep.once(settings)
    [again] = Merge.unclaimed()
    works(Merge.claim(again.id, lease_for=LEASE), app)
    assert len(recording.report["parts"]) == 3
    check_the_full_session(settings, recording, seconds=18)


def test_an_interview_that_its_participant_takes_back_while_it_is_merged_leaves_nothing(
    app: Flask, settings: Settings, interview: Interview
):
    merge = claims(interview)
    merge_id, interview_id, folder = merge.id, interview.id, interview.recording.folder

    def it_is_taken_back() -> None:
        with app.app_context():
            taken = db.session.get_one(Interview, interview_id)
            withdrawal.withdraw(taken, app.extensions["storage"])

    with pytest.raises(LeaseLost):
        works(merge, app, **hinder(app, "published", it_is_taken_back))
    db.session.rollback()
    assert db.session.get(Merge, merge_id) is None
    assert interview.state is Interview.State.WITHDRAWN
    check_nothing_is_left(settings, published=False)
    assert not (settings.media / folder).exists()


@pytest.mark.parametrize("step", later_but_for(["join", "published"], STEPS))
def test_an_interview_that_is_deleted_at_any_step_leaves_nothing(
    step: str, app: Flask, settings: Settings, interview: Interview
):
    """Rows first, then files."""
    merge = claims(interview)
    merge_id, interview_id, folder = merge.id, interview.id, interview.recording.folder
    deleted = []

    def it_is_deleted() -> None:
        for process in ffmpegs(settings):
            process.kill()
        if not deleted:
            deleted.append(True)
            with app.app_context():
                db.session.delete(db.session.get_one(Interview, interview_id))
                db.session.commit()
                app.extensions["storage"].delete_tree(folder)

    with pytest.raises(LeaseLost):
        works(merge, app, **hinder(app, step, it_is_deleted))
    db.session.rollback()
    assert db.session.get(Merge, merge_id) is None
    check_nothing_is_left(settings, published=False)
    assert not (settings.media / folder).exists()


def test_the_job_of_a_deleted_interview_ends_in_peace(
    app: Flask, settings: Settings, interview: Interview
):
    merge = Merge.begin(interview.recording)
    db.session.commit()
    merge_id, interview_id = merge.id, interview.id
    binary = app.extensions["ffmpeg"].binary

    class Deleting(type(app.extensions["ffmpeg"])):  # type: ignore[misc]
        def run(self, command: object, **options: object) -> list[str]:
            with app.app_context():
                if found := db.session.get(Interview, interview_id):
                    db.session.delete(found)
                    db.session.commit()
            return super().run(command, **options)  # type: ignore[no-any-return]

    app.extensions["ffmpeg"] = Deleting(binary=binary)
    jobs.merge(merge_id)
    assert db.session.get(Merge, merge_id) is None
    check_nothing_is_left(settings, published=False)


# --- Damage that was done before -----------------------------------------------------------------


def test_noughts_of_a_dead_page_are_counted_as_missing(
    app: Flask, settings: Settings, interview: Interview
):
    """Where a page took bytes with it, the browser's journal fills their place with noughts."""
    whole = sample(SOUND)
    holed = whole[:50_000] + bytes(16_000) + whole[66_000:]
    part = records(interview, app, "holed", holed)
    part.recorded_ms = part.delivered_ms = 6000
    db.session.commit()
    works(claims(interview), app)
    assert part.damage == "damaged on the way"
    [(start, seconds, _)] = part.holes
    assert start == pytest.approx(3.0, abs=1.1)
    assert 0.9 < seconds < 2.5
    assert part.seconds == pytest.approx(6.0, abs=0.1)
    found = tally.of(interview.recording)
    assert found.missing == pytest.approx(seconds)
    [gap] = [gap for gap in found.gaps if gap.damage]
    assert gap.at == pytest.approx(12 + start, abs=0.5)
    assert (settings.media / part.file).read_bytes() == holed


def test_nothing_readable_fails_with_that_reason(app: Flask, settings: Settings, study: Study):
    other = Interview.begin(study.invitation)
    db.session.commit()
    records(other, app, "noughts", bytes(50_000))
    records(other, app, "noise", bytes(range(1, 256)) * 40)
    other.complete()
    works(claims(other), app)
    assert other.recording.state is Recording.State.FAILED
    assert other.recording.reason == (
        "nothing readable: Part 1: it does not begin like a recording;"
        " Part 2: it does not begin like a recording"
    )
    check_nothing_is_left(settings, published=False)
