"""Rows without files, files without rows: found, told in words, and mended where that can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from qualz import sweep
from qualz.backups.reconciling import LOST, reconcile
from qualz.clock import now
from qualz.database import db
from qualz.interview import Interview
from qualz.leased import Leased
from qualz.media.storage import WORKSPACES, Storage
from qualz.merge import Merge
from qualz.recording import Recording
from qualz.rendition import Kind, Rendition
from qualz.settings import Settings
from tests.backups.conftest import records


class Administrator:
    """Somebody at the terminal."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self.settings, self.storage = settings, storage

    def looks(self) -> list[str]:
        return [found.what for found, _ in reconcile(self.settings, self.storage, mend=False)]

    def mends(self) -> list[bool]:
        return [done for _, done in reconcile(self.settings, self.storage, mend=True)]


@pytest.fixture
def administrator(settings: Settings, storage: Storage) -> Administrator:
    return Administrator(settings, storage)


@pytest.fixture
def recording(interview: Interview, storage: Storage) -> Recording:
    """A completed interview in two parts, with a Full Session and what is made of that."""
    records(interview, storage, "one")
    records(interview, storage, "two")
    interview.complete()
    recording = interview.recording
    name = f"{recording.folder}/full-session-1-1.webm"
    recording.full_session = recording.illustrated = name
    recording.full_session_type = "audio/webm"
    recording.state, recording.ready_at = Recording.State.READY, now()
    rendition = Rendition(recording=recording, kind=Kind.SOUND, made_of=name)
    rendition.state, rendition.file = Leased.State.DONE, f"{recording.folder}/rendition-sound-1.m4a"
    db.session.add(rendition)
    db.session.commit()
    for made in (name, recording.peaks, rendition.file):
        storage.append(made, b"made", at=0)
    return recording


@pytest.fixture
def next_day() -> Iterator[None]:
    """What is new is let be for a while."""
    with time_machine.travel(now() + timedelta(days=1), tick=True):
        yield


def test_where_all_is_well_nothing_is_found(administrator, recording, next_day):
    assert administrator.looks() == []


def test_the_original_of_what_is_redacted_is_no_stray(administrator, recording, storage, next_day):
    recording.original, recording.original_type = (
        f"{recording.folder}/original-1.webm",
        "audio/webm",
    )
    db.session.commit()
    storage.append(recording.original, b"with a name in it", at=0)
    with time_machine.travel(now() + timedelta(days=1), tick=True):
        assert administrator.looks() == []


def test_a_lost_full_session_is_merged_anew(app: Flask, administrator, recording, storage):
    storage.delete(recording.full_session)
    [told] = [what for what in administrator.looks() if "Full Session" in what]
    assert recording.full_session in told
    assert administrator.mends() == [True]
    db.session.refresh(recording)
    assert (recording.state, recording.full_session) == (Recording.State.NONE, None)
    sweep.once(app.extensions["settings"])
    assert [merge.recording_id for merge in Merge.unclaimed()] == [recording.id]


def test_a_lost_original_is_merged_anew_while_the_redacted_copy_plays(
    app: Flask, administrator, recording, storage
):
    recording.original = f"{recording.folder}/original-1.webm"
    db.session.commit()
    [told] = administrator.looks()
    assert recording.original in told
    assert administrator.mends() == [True]
    db.session.refresh(recording)
    assert (recording.state, recording.plays_as_one) == (Recording.State.STALE, True)
    sweep.once(app.extensions["settings"])
    assert [merge.recording_id for merge in Merge.unclaimed()] == [recording.id]


def test_one_that_is_being_made_is_let_be(administrator, recording, storage):
    storage.delete(recording.full_session)
    Merge.begin(recording)
    db.session.commit()
    assert administrator.looks() == []


def test_what_was_made_of_it_is_made_anew(administrator, recording, storage):
    rendition = recording.renditions[0]
    storage.delete(rendition.file)
    storage.delete(recording.peaks)
    assert administrator.mends() == [True, True]
    db.session.refresh(recording)
    db.session.refresh(rendition)
    assert recording.illustrated is None
    assert (rendition.state, rendition.file) == (Leased.State.WAITING, None)


def test_lost_bytes_are_noted_once_and_the_full_session_that_holds_them_stays(
    administrator, recording, storage
):
    gone, short = recording.parts
    storage.delete(gone.file)
    with storage.path(short.file).open("r+b") as file:
        file.truncate(1000)
    told = administrator.looks()
    assert "its file is gone" in told[0]
    assert "too short" in told[1]
    assert administrator.mends() == [True, True]
    db.session.refresh(gone)
    assert gone.damage == f"{gone.bytes_durable} of its {gone.bytes_durable} bytes are {LOST}"
    assert recording.state is Recording.State.READY
    assert administrator.looks() == []


def test_bytes_that_nobody_wrote_down_are_counted_in(administrator, interview, storage):
    part = records(interview, storage, "one", whole=False)
    storage.append(part.file, b"and more", at=part.bytes_durable)
    assert administrator.looks() == []  # it is open: its sender may be at it
    part.close(part.end_reason or "given_up")
    db.session.commit()
    durable = part.bytes_durable
    assert administrator.mends() == [True]
    db.session.refresh(part)
    assert part.bytes_durable == durable + len(b"and more")


def test_files_that_no_row_names_are_moved_aside_and_never_deleted(
    administrator, settings: Settings, recording, storage, next_day
):
    own, other = f"{recording.folder}/full-session-0-9.webm", "interviews/nobodys/part-001-x.webm"
    for stray in (own, other):
        storage.append(stray, b"somebody's words", at=0)
    with time_machine.travel(now() - timedelta(days=1)):
        assert administrator.looks() == []
    assert len(administrator.looks()) == 2
    assert administrator.mends() == [True, True]
    found = settings.data / "lost+found" / f"{now():%Y-%m-%d}"
    for stray in (own, other):
        assert (found / stray).read_bytes() == b"somebody's words"
        assert not storage.exists(stray)
    assert administrator.looks() == []
    assert all(storage.exists(part.file) for part in recording.parts)


def test_what_is_being_deleted_is_no_stray(administrator, storage, app: Flask, next_day):
    storage.append("interviews/going/part-001-x.webm", b"x", at=0)
    storage.mean_to_delete("interviews/going")
    assert administrator.looks() == []


def test_what_broken_work_left_is_removed(administrator, storage):
    (storage.root / WORKSPACES / "merge-1-dead").mkdir(parents=True)
    with storage.workspace("alive") as alive:
        assert administrator.looks() == ["Work that was broken off left 1 folder behind."]
        assert administrator.mends() == [True]
        assert alive.is_dir()
    assert administrator.looks() == []
