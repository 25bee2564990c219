"""Parts arrive by tus, and what was acknowledged is on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from qualz.database import db
from qualz.part import EndReason, Part
from qualz.settings import Settings
from qualz.study import Camera, Study
from tests.room.conftest import Participant, checksum


def stored(settings: Settings) -> bytes:
    part = db.session.query(Part).one()
    path: Path = settings.media / part.file
    return path.read_bytes() if path.exists() else b""


def test_the_server_says_what_it_speaks(participant: Participant, study: Study):
    participant.consents(study)
    told = participant.client.options(f"{participant.room}/parts").headers
    assert told["Tus-Version"] == "1.0.0"
    assert set(told["Tus-Extension"].split(",")) >= {"creation", "checksum", "termination"}
    assert told["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_another_version_is_refused(participant: Participant, upload: str):
    answer = participant.client.head(upload, headers={"Tus-Resumable": "0.2.2"})
    assert answer.status_code == 412
    assert answer.headers["Tus-Version"] == "1.0.0"


def test_bytes_are_appended_and_the_offset_told(
    participant: Participant, upload: str, settings: Settings
):
    assert participant.sends(upload, b"abc", 0).headers["Upload-Offset"] == "3"
    assert participant.sends(upload, b"def", 3).headers["Upload-Offset"] == "6"
    assert participant.asks(upload).headers["Upload-Offset"] == "6"
    assert stored(settings) == b"abcdef"


def test_a_repeat_is_told_the_true_offset_and_changes_nothing(
    participant: Participant, upload: str, settings: Settings
):
    participant.sends(upload, b"abc", 0)
    answer = participant.sends(upload, b"abc", 0)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "3")
    assert stored(settings) == b"abc"


def test_bytes_beyond_the_end_of_what_is_held_are_refused(
    participant: Participant, upload: str, settings: Settings
):
    assert participant.sends(upload, b"abc", 7).status_code == 409
    assert stored(settings) == b""


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_right_checksum_is_taken(participant: Participant, upload: str, algorithm: str):
    headers = {"Upload-Checksum": checksum(b"abc", algorithm)}
    assert participant.sends(upload, b"abc", 0, **headers).status_code == 204


def test_a_wrong_checksum_leaves_nothing(participant: Participant, upload: str, settings: Settings):
    headers = {"Upload-Checksum": checksum(b"other")}
    assert participant.sends(upload, b"abc", 0, **headers).status_code == 460
    assert stored(settings) == b""


def test_a_creation_sent_twice_makes_one_part(participant: Participant, upload: str):
    again = participant.starts_part()
    assert again.location == upload
    assert again.headers["Part-Number"] == "1"
    assert db.session.query(Part).count() == 1


def test_a_part_closes_when_its_last_byte_is_here(
    participant: Participant, upload: str, settings: Settings
):
    participant.sends(upload, b"abc", 0)
    participant.closes(upload, 5, "reload")
    part = db.session.query(Part).one()
    assert part.is_open
    participant.sends(upload, b"de", 3)
    db.session.refresh(part)
    assert not part.is_open
    assert part.end_reason is EndReason.RELOAD
    assert participant.sends(upload, b"f", 5).status_code == 410


def test_an_upload_belongs_to_its_interview(
    app: Flask, participant: Participant, upload: str, study: Study
):
    stranger = Participant(app.test_client())
    stranger.consents(study)
    stranger.arrives()
    theirs = upload.replace(participant.room, stranger.room)
    assert stranger.asks(theirs).status_code == 404
    assert stranger.sends(theirs, b"abc", 0).status_code == 404
    assert stranger.asks(upload).status_code == 404


def test_an_upload_can_be_taken_back_while_it_is_open(
    participant: Participant, upload: str, settings: Settings
):
    participant.sends(upload, b"abc", 0)
    file = settings.media / db.session.query(Part).one().file
    headers = {"Tus-Resumable": "1.0.0"}
    assert participant.client.delete(upload, headers=headers).status_code == 204
    assert participant.asks(upload).status_code == 404
    assert not file.exists()


def test_a_closed_part_cannot_be_taken_back(participant: Participant, upload: str):
    participant.sends(upload, b"abc", 0)
    participant.closes(upload, 3)
    headers = {"Tus-Resumable": "1.0.0"}
    assert participant.client.delete(upload, headers=headers).status_code == 403
    assert participant.asks(upload).headers["Upload-Offset"] == "3"


def test_a_chunk_that_is_too_large_is_told_the_limit(
    participant: Participant, upload: str, settings: Settings
):
    chunk = b"x" * (settings.largest_chunk + 1)
    answer = participant.sends(upload, chunk, 0, **{"Upload-Checksum": checksum(chunk)})
    assert answer.status_code == 413
    assert str(settings.largest_chunk) in answer.json["message"]


def test_only_recordings_are_taken(participant: Participant, study: Study):
    participant.consents(study)
    assert participant.starts_part(filetype="application/zip").status_code == 415


class TestWhereTheCameraIsDisabled:
    def test_a_part_that_says_it_has_a_picture_is_refused(
        self, participant: Participant, study: Study
    ):
        participant.consents(study)
        assert participant.starts_part(filetype="video/webm").status_code == 415
        assert participant.starts_part(camera="true").status_code == 415

    def test_a_picture_under_the_name_of_sound_is_refused_and_not_kept(
        self, participant: Participant, upload: str, picture: bytes, settings: Settings
    ):
        assert participant.sends(upload, picture, 0).status_code == 415
        assert stored(settings) == b""

    def test_a_picture_in_small_pieces_is_refused_too(
        self, participant: Participant, upload: str, picture: bytes
    ):
        statuses = [
            participant.sends(upload, picture[at : at + 50], at).status_code
            for at in range(0, 1000, 50)
        ]
        assert 415 in statuses

    def test_sound_is_taken(self, participant: Participant, upload: str, sound: bytes):
        assert participant.sends(upload, sound, 0).status_code == 204

    def test_the_page_may_not_ask_for_the_camera(self, participant: Participant, study: Study):
        participant.consents(study)
        policy = participant.client.get(participant.room).headers["Permissions-Policy"]
        assert "camera=()" in policy
        assert "microphone=(self)" in policy


def test_where_the_camera_is_allowed_a_picture_is_taken(
    participant: Participant, study: Study, picture: bytes
):
    study.camera = Camera.OFF_BY_DEFAULT
    participant.consents(study)
    upload = participant.starts_part(filetype="video/webm;codecs=vp8,opus", camera="true").location
    assert participant.sends(upload, picture, 0).status_code == 204
    policy = participant.client.get(participant.room).headers["Permissions-Policy"]
    assert "camera=(self)" in policy


@pytest.mark.parametrize("length", [0, 3])
def test_a_part_whose_length_is_known_from_the_start_closes_by_itself(
    participant: Participant, study: Study, length: int
):
    participant.consents(study)
    created = participant.client.post(
        f"{participant.room}/parts",
        headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(length)},
    )
    assert created.status_code == 201
    if length:
        assert participant.sends(created.location, b"abc", 0).status_code == 204
    part = db.session.query(Part).one()
    assert not part.is_open
    assert participant.asks(created.location).headers["Upload-Length"] == str(length)


def test_a_camera_that_the_study_disables_later_is_still_this_interviews(
    participant: Participant, study: Study, picture: bytes
):
    study.camera = Camera.ON_BY_DEFAULT
    participant.consents(study)
    study.camera = Camera.DISABLED
    db.session.commit()
    upload = participant.starts_part(filetype="video/webm", camera="true").location
    assert participant.sends(upload, picture, 0).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Metadata": "key é,x"},
        {"Upload-Metadata": "startedAt MDAwMS0wMS0wMVQwMDowMDowMCsxMDowMA=="},
        {"Upload-Length": "-1"},
        {"Upload-Length": "9" * 15},
    ],
)
def test_nonsense_in_a_creation_is_refused_or_ignored_but_breaks_nothing(
    participant: Participant, study: Study, headers: dict[str, str]
):
    participant.consents(study)
    spoken = {"Tus-Resumable": "1.0.0", "Upload-Defer-Length": "1", **headers}
    answer = participant.client.post(f"{participant.room}/parts", headers=spoken)
    assert answer.status_code in (201, 400, 413)


@pytest.mark.parametrize("nonsense", ["sha1 é", "md5 x", "sha1", "", "SHA1 x"])
def test_a_checksum_that_is_none_leaves_nothing(
    participant: Participant, upload: str, settings: Settings, nonsense: str
):
    answer = participant.sends(upload, b"abc", 0, **{"Upload-Checksum": nonsense})
    assert answer.status_code in (400, 460)
    assert stored(settings) == b""


@pytest.mark.parametrize("sent", [[1], 5, "abc", None, {}, {"place": "\ud800"}, {"place": 3}])
def test_nonsense_from_a_script_is_told_so(participant: Participant, study: Study, sent: object):
    participant.consents(study)
    for address in ("arrivals", "beats"):
        answer = participant.client.post(f"{participant.room}/{address}", json=sent)
        assert answer.status_code == 400, address
    if not isinstance(sent, dict):
        assert participant.client.put(f"{participant.room}/ending", json=sent).status_code == 400
