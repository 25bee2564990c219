"""What is done with a part when it closes, so that the Full Session follows within seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from qualz import illustration, jobs, preparation, sweep
from qualz.database import db
from qualz.interview import Interview
from qualz.media.ffmpeg import FFmpeg
from qualz.media.storage import Storage
from qualz.merge import Merge
from qualz.part import Part
from qualz.recording import Recording
from qualz.settings import Settings
from qualz.study import Camera
from tests.jobs.test_merging import LEASE, records, runs, sweeps_and_works

SAMPLES = Path(__file__).parent.parent / "samples"


class Counting(FFmpeg):
    """An ffmpeg that notes what it was asked for."""

    def run(self, command: Any, **options: Any) -> list[str]:
        commands.append(command if isinstance(command, (list, tuple)) else command.get_args())
        return super().run(command, **options)


commands: list[Any] = []


@pytest.fixture
def counted(app: Flask) -> list[Any]:
    app.extensions["ffmpeg"] = Counting(binary=app.extensions["ffmpeg"].binary)
    commands.clear()
    return commands


@pytest.fixture
def recording(app: Flask, interview: Interview) -> Recording:
    """Two closed parts of an interview that goes on."""
    records(interview, app, "one")
    records(interview, app, "two")
    return interview.recording


def films(interview: Interview, app: Flask) -> Part:
    """The participant's camera goes on: the parts before get a slate."""
    interview.camera = Camera.OFF_BY_DEFAULT
    data = (SAMPLES / "chromium-vp8-opus.webm").read_bytes()
    return records(interview, app, "filmed", data)


def prepares(recording: Recording) -> None:
    jobs.prepare(recording.id)
    db.session.refresh(recording)


def test_the_sweep_finds_closed_parts_of_an_interview_that_goes_on(
    app: Flask, settings: Settings, recording: Recording
):
    sweep.once(settings)
    assert preparation.unprepared() == [recording.id]
    prepares(recording)
    assert preparation.unprepared() == []
    assert [part.probed["duration"] for part in recording.parts] == pytest.approx([6, 6], abs=0.1)
    assert len({part.content for part in recording.parts}) == 1


def test_open_parts_are_let_be(app: Flask, interview: Interview):
    part = interview.recording.start_part(key="open", reported_type="audio/webm")
    db.session.commit()
    part.append(b"\x1aE\xdf\xa3", at=0, storage=app.extensions["storage"])
    db.session.commit()
    assert preparation.unprepared() == []


def test_late_bytes_are_prepared_anew(app: Flask, interview: Interview):
    data = (SAMPLES / "chromium-opus.webm").read_bytes()
    part = records(interview, app, "late", data[:20_000])
    prepares(interview.recording)
    sooner = part.content
    part.length = len(data)
    part.append(data[20_000:], at=20_000, storage=app.extensions["storage"])
    db.session.commit()
    assert preparation.unprepared() == [interview.recording.id]
    prepares(interview.recording)
    assert part.content != sooner


def test_a_merge_uses_it_and_clears_up_behind_it(
    app: Flask, settings: Settings, recording: Recording, counted: list[Any]
):
    films(recording.interview, app)
    prepares(recording)
    assert list((settings.media / recording.prepared).glob("piece-*"))
    counted.clear()
    recording.interview.complete()
    db.session.commit()
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY
    # All that is left is to copy, to join and to decode.
    assert counted
    assert not any(word.startswith("lib") for words in counted for word in words)
    prepared = settings.media / recording.prepared
    assert list(prepared.glob("piece-*")) == []


def test_nothing_is_prepared_beside_a_merge(app: Flask, settings: Settings, recording: Recording):
    recording.interview.complete()
    db.session.commit()
    sweep.once(settings)
    assert recording.state is Recording.State.WAITING
    assert preparation.unprepared() == []


def test_a_merge_that_begins_ends_it(app: Flask, recording: Recording):
    films(recording.interview, app)
    ended: list[str] = []

    class Interrupted(FFmpeg):
        def run(self, command: Any, **options: Any) -> list[str]:
            Merge.begin(recording)
            db.session.commit()
            try:
                return super().run(command, **options)
            except preparation.NotIdle:
                ended.append("the merge goes on with it")
                raise

    app.extensions["ffmpeg"] = Interrupted(binary=app.extensions["ffmpeg"].binary)
    prepares(recording)
    assert len(ended) == 1
    [merge] = Merge.unclaimed()
    claimed = Merge.claim(merge.id, lease_for=LEASE)
    runs(claimed, app)
    assert recording.state is Recording.State.READY


def test_only_one_at_a_time(app: Flask, recording: Recording):
    with app.extensions["storage"].alone(recording.folder) as is_alone:
        assert is_alone
        prepares(recording)
        assert preparation.unprepared() == [recording.id]
    prepares(recording)
    assert preparation.unprepared() == []


def test_what_cannot_be_read_does_not_keep_the_others_waiting(app: Flask, interview: Interview):
    records(interview, app, "noise", b"\x1aE\xdf\xa3 and then nothing of use")
    records(interview, app, "good")
    prepares(interview.recording)
    noise, good = interview.recording.parts
    assert noise.probed is None
    assert good.probed["duration"] == pytest.approx(6, abs=0.1)
    assert preparation.unprepared() == []


def test_a_deleted_interview_is_no_trouble(app: Flask):
    jobs.prepare(12345)


def test_parts_are_known_by_content(app: Flask, recording: Recording):
    one, _ = db.session.query(Part).all()
    storage = app.extensions["storage"]
    whole = storage.size(one.file)
    assert storage.digest(one.file, whole) != storage.digest(one.file, whole - 1)
    assert storage.digest("interviews/nobody/part", 10) == storage.digest(one.file, 0)


def test_a_full_disk_is_left_to_those_who_record(app: Flask, recording: Recording):
    films(recording.interview, app)
    storage = app.extensions["storage"]
    app.extensions["storage"] = Storage(storage.root, kept_free=storage.free_bytes())
    prepares(recording)
    assert preparation.unprepared() == []
    assert not (storage.root / recording.prepared).exists()


# --- Illustrations -------------------------------------------------------------------------------


def test_a_full_session_is_illustrated_once(
    app: Flask, settings: Settings, recording: Recording, counted: list[Any]
):
    films(recording.interview, app)
    recording.interview.complete()
    db.session.commit()
    sweeps_and_works(app, settings)
    assert illustration.wanting() == [recording.id]
    jobs.illustrate(recording.id)
    db.session.refresh(recording)
    assert illustration.wanting() == []
    storage = app.extensions["storage"]
    assert storage.size(recording.peaks) == pytest.approx(recording.seconds * 20, abs=1)
    assert storage.head(recording.poster, 2) == b"\xff\xd8"
    counted.clear()
    jobs.illustrate(recording.id)
    assert counted == []


def test_sound_alone_has_no_poster(app: Flask, settings: Settings, recording: Recording):
    recording.interview.complete()
    db.session.commit()
    sweeps_and_works(app, settings)
    jobs.illustrate(recording.id)
    storage = app.extensions["storage"]
    assert storage.exists(recording.peaks)
    assert not storage.exists(recording.poster)


def test_what_belonged_to_an_earlier_full_session_goes_with_it(
    app: Flask, settings: Settings, recording: Recording
):
    recording.interview.complete()
    db.session.commit()
    sweeps_and_works(app, settings)
    jobs.illustrate(recording.id)
    earlier = recording.peaks
    records(recording.interview, app, "late")
    sweeps_and_works(app, settings)
    assert recording.peaks != earlier
    assert not app.extensions["storage"].exists(earlier)
    assert illustration.wanting() == [recording.id]
