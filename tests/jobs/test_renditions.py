"""Downloads made in the background: whole, once, and never of an earlier Full Session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import psutil
import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qualz import jobs, sweep
from qualz.database import db
from qualz.errors import NoSuchForm, NotFound
from qualz.interview import Interview
from qualz.leased import MOST_ATTEMPTS, LeaseLost
from qualz.media.ffmpeg import FFmpeg
from qualz.media.storage import Storage
from qualz.recording import Recording
from qualz.rendition import Kind, Rendition
from qualz.settings import Settings
from qualz.study import Camera
from tests.gate import Gate
from tests.jobs.test_merging import LEASE, SAMPLES, records, runs, sweeps_and_works


@pytest.fixture
def interview(interview: Interview) -> Interview:
    """The camera was on."""
    interview.camera = Camera.ON_BY_DEFAULT
    db.session.commit()
    return interview


def films(interview: Interview, app: Flask, key: str) -> None:
    records(interview, app, key, (SAMPLES / "chromium-vp8-opus.webm").read_bytes())


@pytest.fixture
def recording(app: Flask, settings: Settings, interview: Interview) -> Recording:
    """A completed interview in two parts, with its Full Session."""
    films(interview, app, "one")
    films(interview, app, "two")
    interview.complete()
    sweeps_and_works(app, settings)
    assert interview.recording.state is Recording.State.READY
    return interview.recording


def asks(recording: Recording, kind: Kind = Kind.MP4) -> Rendition:
    rendition = Rendition.ask(recording, kind)
    db.session.commit()
    return rendition


def claims(rendition: Rendition) -> Rendition:
    claimed = Rendition.claim(rendition.id, lease_for=LEASE)
    assert claimed
    return claimed


def works(rendition: Rendition, app: Flask, **how: object) -> None:
    runs(claims(rendition), app, **how)  # type: ignore[arg-type]


def made(rendition: Rendition, settings: Settings) -> Path:
    assert rendition.state is Rendition.State.DONE, rendition.reason
    return settings.media / (rendition.file or "")


def renditions_on_disk(settings: Settings) -> list[Path]:
    return [*settings.media.rglob("rendition-*"), *settings.media.glob(".workspaces/*")]


def test_an_mp4_is_made_once_and_kept(app: Flask, settings: Settings, recording: Recording):
    rendition = asks(recording)
    assert asks(recording) is rendition
    jobs.rendition(rendition.id)
    path = made(rendition, settings)
    with av.open(str(path)) as container:
        assert [s.codec_context.name for s in container.streams if s.type != "data"] == [
            "h264",
            "aac",
        ]
        assert container.metadata["title"] == recording.interview.title
        assert len(container.chapters()) == 2
    assert rendition.bytes == path.stat().st_size
    assert asks(recording).is_ready
    jobs.rendition(rendition.id)
    assert made(rendition, settings) == path


def test_progress_is_told_and_never_falls(app: Flask, settings: Settings, recording: Recording):
    rendition = asks(recording)
    told: list[float] = []

    def listen() -> None:
        db.session.refresh(rendition)
        told.append(rendition.progress)

    works(rendition, app, announce=listen)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 5


def test_an_all_audio_interview_can_be_had_as_sound_only(
    app: Flask, settings: Settings, interview: Interview
):
    records(interview, app, "one")
    interview.complete()
    assert Rendition.offered(interview.recording) == []
    sweeps_and_works(app, settings)
    assert Rendition.offered(interview.recording) == [Kind.SOUND]
    with pytest.raises(NoSuchForm):
        asks(interview.recording, Kind.MP4)
    rendition = asks(interview.recording, Kind.SOUND)
    works(rendition, app)
    with av.open(str(made(rendition, settings))) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        assert not container.streams.video


def test_after_a_newer_full_session_it_is_made_anew(
    app: Flask, settings: Settings, interview: Interview, recording: Recording
):
    rendition = asks(recording)
    works(rendition, app)
    first = made(rendition, settings)
    films(interview, app, "three")
    # Until the newer one is there, what plays can be had.
    assert rendition.is_ready
    sweeps_and_works(app, settings)
    assert not rendition.is_ready
    sweep.once(settings)
    assert not first.exists()
    again = asks(recording)
    works(again, app)
    with av.open(str(made(again, settings))) as container:
        assert container.duration / av.time_base == pytest.approx(recording.seconds, abs=0.05)
        assert len(container.chapters()) == 3


def test_asked_for_again_before_the_sweep_came_by_it_is_made_anew(
    app: Flask, settings: Settings, interview: Interview, recording: Recording
):
    works(asks(recording), app)
    films(interview, app, "three")
    sweeps_and_works(app, settings)
    again = asks(recording)
    assert again.state is Rendition.State.WAITING
    works(again, app)
    assert made(again, settings) == renditions_on_disk(settings)[0]
    assert len(renditions_on_disk(settings)) == 1


def test_one_under_way_is_made_of_the_newer_full_session(
    app: Flask, settings: Settings, interview: Interview, recording: Recording, tmp_path: Path
):
    rendition = asks(recording)
    came: list[int] = []

    def a_part_arrives_and_is_merged() -> None:
        if not came:
            came.append(1)
            films(interview, app, "three")
            sweeps_and_works(app, settings)
            sweep.once(settings)

    with pytest.raises(LeaseLost):
        works(rendition, app, announce=a_part_arrives_and_is_merged)
    assert rendition.state is Rendition.State.WAITING
    works(rendition, app)
    with av.open(str(made(rendition, settings))) as container:
        assert len(container.chapters()) == 3
    assert len(renditions_on_disk(settings)) == 1


@pytest.mark.parametrize("when", ["waiting", "running"])
def test_a_cancelled_one_ends_its_ffmpeg_and_leaves_nothing(
    app: Flask, settings: Settings, recording: Recording, tmp_path: Path, when: str
):
    rendition = asks(recording)
    storage: Storage = app.extensions["storage"]
    if when == "waiting":
        number = rendition.id
        rendition.remove(storage)
        jobs.rendition(number)
    else:
        gate = Gate(tmp_path)
        app.extensions["ffmpeg"] = FFmpeg(binary=gate.program)

        def ada_cancels_once_ffmpeg_runs() -> None:
            if gate.waiting() and db.session.scalar(select(Rendition)):
                Rendition.of(recording, name).remove(storage)

        name = rendition.public_id
        with pytest.raises(LeaseLost):
            works(rendition, app, announce=ada_cancels_once_ffmpeg_runs)
        assert gate.waiting()
        assert not any(map(psutil.pid_exists, gate.waiting()))
    assert renditions_on_disk(settings) == []
    assert db.session.scalars(select(Rendition)).all() == []
    sweep.once(settings)
    assert Rendition.unclaimed() == []


def test_one_removed_in_the_last_moment_leaves_nothing(
    app: Flask, settings: Settings, recording: Recording
):
    rendition = asks(recording)
    name = rendition.public_id
    storage: Storage = app.extensions["storage"]

    class Slow(Storage):
        def publish(self, source: Path, to: str) -> None:
            super().publish(source, to)
            Rendition.of(recording, name).remove(storage)

    app.extensions["storage"] = Slow(storage.root)
    with pytest.raises(LeaseLost):
        works(rendition, app)
    assert renditions_on_disk(settings) == []


def test_two_workers_never_hold_the_same_one(app: Flask, recording: Recording):
    rendition = asks(recording)
    assert Rendition.claim(rendition.id, lease_for=LEASE)
    assert Rendition.claim(rendition.id, lease_for=LEASE) is None


def test_the_one_who_took_over_publishes_alone(
    app: Flask, settings: Settings, recording: Recording
):
    rendition = asks(recording)
    first = claims(rendition)
    held = first._held
    with time_machine.travel(first.leased_until, tick=True) as clock:
        clock.shift(1)
        assert [found.id for found in Rendition.unclaimed()] == [rendition.id]
        works(rendition, app)
        kept = made(rendition, settings)
    first._held = held
    with pytest.raises(LeaseLost):
        first._renew(0.5, LEASE)
    assert renditions_on_disk(settings) == [kept]


def test_a_failed_one_says_why_and_can_be_tried_again(
    app: Flask, settings: Settings, recording: Recording
):
    rendition = asks(recording)
    storage: Storage = app.extensions["storage"]
    app.extensions["storage"] = Storage(storage.root, kept_free=storage.free_bytes())
    works(rendition, app)
    assert rendition.state is Rendition.State.FAILED
    assert "disk is too full" in (rendition.reason or "")
    app.extensions["storage"] = storage
    again = asks(recording)
    assert again.state is Rendition.State.WAITING
    works(again, app)
    made(again, settings)


def gives_out(app: Flask, recording: Recording) -> None:
    Rendition.ask(recording, Kind.MP4).attempts = MOST_ATTEMPTS


def loses_ffmpeg(app: Flask, recording: Recording) -> None:
    del app.extensions["ffmpeg"]


def loses_its_file(app: Flask, recording: Recording) -> None:
    app.extensions["storage"].delete(recording.full_session)


def is_spoilt(app: Flask, recording: Recording) -> None:
    path = app.extensions["storage"].path(recording.full_session)
    path.write_bytes(b"this is no recording at all" * 99)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (gives_out, "stopped its worker"),
        (loses_ffmpeg, "found no ffmpeg"),
        (loses_its_file, "not in this server's storage"),
        (is_spoilt, "cannot be read"),
    ],
)
def test_whatever_is_in_the_way_is_named(
    app: Flask,
    settings: Settings,
    recording: Recording,
    what: Callable[[Flask, Recording], None],
    reason: str,
):
    what(app, recording)
    rendition = asks(recording)
    jobs.rendition(rendition.id)
    assert rendition.state is Rendition.State.FAILED
    assert reason in (rendition.reason or "")
    assert renditions_on_disk(settings) == []


def test_what_is_kept_goes_with_the_interview(app: Flask, settings: Settings, recording: Recording):
    works(asks(recording), app)
    app.extensions["storage"].delete_tree(recording.folder)
    db.session.delete(recording.interview)
    db.session.commit()
    assert db.session.scalars(select(Rendition)).all() == []
    assert renditions_on_disk(settings) == []


def test_another_interviews_download_is_not_found(
    app: Flask, interview: Interview, recording: Recording
):
    name = asks(recording).public_id
    other = Interview.begin(interview.study.invitation)
    db.session.commit()
    with pytest.raises(NotFound):
        Rendition.of(other.recording, name)
