"""A disk that fills up: refused in words, in good time, and what is there stays good."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from qualz.application import create_app
from qualz.database import db
from qualz.media.storage import KEPT_FREE, Storage
from qualz.part import Part
from qualz.room import parts
from qualz.room.bodies import PIECE
from qualz.settings import MEBIBYTE, Settings
from qualz.study import Study
from qualz.turn import Turn
from tests.room.conftest import Participant, checksum


class SmallDisk:
    """A file system in memory whose size can be changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=1g", "tmpfs")

    def leave(self, free: int) -> None:
        """So many bytes are free from now on."""
        used = os.statvfs(self.path)
        blocks = used.f_blocks - used.f_bfree + free // used.f_frsize
        self._mount("-o", f"remount,size={max(1, blocks) * used.f_frsize}")

    def end(self) -> None:
        subprocess.run(["umount", "--lazy", self.path], check=True)

    def _mount(self, *how: str) -> None:
        done = subprocess.run(["mount", *how, self.path], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"only root may mount a small disk: {done.stderr}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    disk.end()


@pytest.fixture
def settings(settings: Settings, disk: SmallDisk) -> Settings:
    """Everything on the small disk, the database too."""
    return replace(settings, data=disk.path, database_url=f"sqlite:///{disk.path / 'qualz.db'}")


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


def held(settings: Settings) -> bytes:
    db.session.expire_all()
    return (settings.media / db.session.query(Part).one().file).read_bytes()


def test_no_new_part_begins_to_use_up_the_last_room(
    disk: SmallDisk, participant: Participant, study: Study
):
    participant.consents(study)
    disk.leave(parts.KEPT_FREE - MEBIBYTE)
    answer = participant.starts_part()
    assert answer.status_code == 507
    assert "disk is full" in answer.json["message"]
    assert db.session.query(Part).count() == 0
    disk.leave(parts.KEPT_FREE + MEBIBYTE)
    assert participant.starts_part().status_code == 201


def test_one_under_way_goes_on_until_others_need_the_rest(
    disk: SmallDisk, participant: Participant, upload: str, settings: Settings
):
    chunk = os.urandom(MEBIBYTE)
    disk.leave(KEPT_FREE + 2 * MEBIBYTE + MEBIBYTE // 2)
    for at in (0, MEBIBYTE):
        headers = {"Upload-Checksum": checksum(chunk)} if at else {}
        assert participant.sends(upload, chunk, at, **headers).status_code == 204
    for headers in ({}, {"Upload-Checksum": checksum(chunk)}):
        answer = participant.sends(upload, chunk, 2 * MEBIBYTE, **headers)
        assert answer.status_code == 507
        assert "Everything before it is safe" in answer.json["message"]
    assert held(settings) == chunk * 2
    assert participant.asks(upload).headers["Upload-Offset"] == str(2 * MEBIBYTE)
    # The conversation goes on: the database still has room.
    assert _answers(participant, "I ask a friend.").status_code == 200
    disk.leave(KEPT_FREE + 4 * MEBIBYTE)
    assert participant.sends(upload, chunk, 2 * MEBIBYTE).status_code == 204
    assert held(settings) == chunk * 3


def test_a_chunk_for_which_there_is_no_room_is_refused_before_it_is_sent(
    disk: SmallDisk, participant: Participant, upload: str
):
    disk.leave(KEPT_FREE + MEBIBYTE)
    answer = participant.client.patch(
        upload,
        content_type="application/offset+octet-stream",
        headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0"},
        environ_overrides={"wsgi.input": NotToBeRead(), "CONTENT_LENGTH": str(2 * MEBIBYTE)},
    )
    assert answer.status_code == 507


class NotToBeRead:
    def read(self, _count: int) -> bytes:
        raise AssertionError("somebody read it")


def test_where_others_take_the_room_while_a_chunk_is_written_its_half_is_taken_back(
    disk: SmallDisk, app: Flask, participant: Participant, upload: str, settings: Settings
):
    # It counts on room that is not there, as one does that looked a moment before.
    app.extensions["storage"] = Storage(settings.media, kept_free=-(2**30))
    chunk = os.urandom(MEBIBYTE)
    disk.leave(MEBIBYTE // 2)
    whole = participant.sends(upload, chunk, 0, **{"Upload-Checksum": checksum(chunk)})
    assert (whole.status_code, held(settings)) == (507, b"")
    assert participant.sends(upload, chunk, 0).status_code == 507
    disk.leave(2 * MEBIBYTE)
    told = int(participant.asks(upload).headers["Upload-Offset"])
    # Without a checksum the pieces that were whole are kept.
    assert told == PIECE
    assert held(settings) == chunk[:told]
    assert participant.sends(upload, chunk[told:], told).status_code == 204
    assert held(settings) == chunk


def test_where_the_database_has_no_room_everybody_is_told_what_to_do(
    disk: SmallDisk, participant: Participant, upload: str, settings: Settings
):
    assert participant.sends(upload, b"abc", 0).status_code == 204
    assert "How do you search?" in participant.client.get(f"{participant.room}/question").text
    disk.leave(0)
    page = _answers(participant, "I ask a friend. " * 100)
    assert page.status_code == 507
    assert "disk is full" in page.text
    assert "try again" in page.text
    script = participant.arrives("phone", take_over=True)
    assert (script.status_code, script.json["error"]) == (507, "DiskFull")
    assert participant.sends(upload, b"def", 3).status_code == 507
    assert participant.closes(upload, 3).status_code == 507
    assert participant.asks(upload).status_code in (200, 507)
    assert held(settings) == b"abc"

    disk.leave(KEPT_FREE + 4 * MEBIBYTE)
    assert _answers(participant, "I ask a friend. " * 100).status_code == 200
    assert participant.sends(upload, b"def", 3).status_code == 204
    assert participant.closes(upload, 6).status_code == 204
    assert held(settings) == b"abcdef"
    said = [turn.text for turn in db.session.query(Turn).order_by(Turn.position)]
    assert said[:2] == ["How do you search?", ("I ask a friend. " * 100).strip()]


def _answers(participant: Participant, text: str) -> TestResponse:
    participant.client.get(f"{participant.room}/question")
    return participant.client.post(
        f"{participant.room}/turns",
        data={"key": "first", "to": "1", "text": text, "manner": "typed"},
        headers={"Accept": "text/html"},
    )
