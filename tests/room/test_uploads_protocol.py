"""What tus 1.0 demands of a server, demand by demand. https://tus.io/protocols/resumable-upload"""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from io import RawIOBase
from itertools import product
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from qualz import clock
from qualz.database import db
from qualz.interview import Interview
from qualz.part import Part
from qualz.resume_link import ResumeLink
from qualz.room import admission
from qualz.settings import Settings
from qualz.study import Study
from tests.room.conftest import Participant, checksum

OFFSET_STREAM = "application/offset+octet-stream"


@pytest.fixture
def consented(participant: Participant, study: Study) -> Participant:
    """A participant in the room whose recorder has not started yet."""
    participant.consents(study)
    participant.arrives()
    return participant


def creates(participant: Participant, **headers: str) -> TestResponse:
    spoken = {name.replace("_", "-"): value for name, value in headers.items()}
    return participant.client.post(
        f"{participant.room}/parts", headers={"Tus-Resumable": "1.0.0", **spoken}
    )


def part() -> Part:
    db.session.expire_all()
    return db.session.query(Part).one()


def held(settings: Settings) -> bytes:
    path = settings.media / part().file
    return path.read_bytes() if path.exists() else b""


class BreaksOff(RawIOBase):
    """A body that ends before its time."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece, self._data = self._data[: len(buffer)], self._data[len(buffer) :]
        if not piece:
            raise ConnectionResetError
        buffer[: len(piece)] = piece
        return len(piece)


def breaks_off(
    participant: Participant, upload: str, data: bytes, at: int, **headers: str
) -> TestResponse:
    """Sends an append of which only `data` arrives, and one byte does not."""
    return participant.client.patch(
        upload,
        content_type=OFFSET_STREAM,
        headers={"Tus-Resumable": "1.0.0", "Upload-Offset": str(at), **headers},
        environ_overrides={
            "wsgi.input": BreaksOff(data),
            "CONTENT_LENGTH": str(len(data) + 1),
        },
    )


class TestOptions:
    def test_they_are_told_whatever_version_is_spoken(
        self, participant: Participant, upload: str, settings: Settings
    ):
        spoken = [{}, {"Tus-Resumable": "1.0.0"}, {"Tus-Resumable": "0.2.2"}]
        for address, headers in product((f"{participant.room}/parts", upload), spoken):
            answer = participant.client.options(address, headers=headers)
            assert answer.status_code == 204
            assert answer.headers["Tus-Version"] == "1.0.0"
            assert answer.headers["Tus-Max-Size"] == str(settings.largest_part)
            assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")
            assert answer.headers["Tus-Extension"].split(",") == [
                "creation",
                "creation-defer-length",
                "checksum",
                "expiration",
                "termination",
            ]


class TestVersions:
    def test_a_request_in_another_one_is_refused_and_not_processed(
        self, participant: Participant, upload: str
    ):
        client = participant.client
        for version in (None, "0.2.2", "1.0", ""):
            headers = {"Upload-Offset": "0", "Content-Type": OFFSET_STREAM}
            if version is not None:
                headers["Tus-Resumable"] = version
            answers = [
                client.patch(upload, data=b"abc", headers=headers),
                client.head(upload, headers=headers),
                client.delete(upload, headers=headers),
                client.post(f"{participant.room}/parts", headers={**headers, "Upload-Length": "3"}),
            ]
            assert {answer.status_code for answer in answers} == {412}
            assert {answer.headers["Tus-Version"] for answer in answers} == {"1.0.0"}
        assert participant.asks(upload).headers["Upload-Offset"] == "0"
        assert db.session.query(Part).count() == 1

    def test_every_answer_says_ours(self, participant: Participant, upload: str):
        for answer in (
            participant.asks(upload),
            participant.sends(upload, b"abc", 0),
            participant.sends(upload, b"abc", 0),
            participant.sends(upload, b"abc", 3, **{"Upload-Checksum": checksum(b"x")}),
            participant.asks(f"{upload}x"),
        ):
            assert answer.headers["Tus-Resumable"] == "1.0.0"


class TestMethodOverride:
    """“The actual method of the request MUST be ignored.”"""

    def test_a_post_that_says_patch_appends(
        self, participant: Participant, upload: str, settings: Settings
    ):
        answer = participant.client.post(
            upload,
            data=b"abc",
            content_type=OFFSET_STREAM,
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Offset": "0",
                "X-HTTP-Method-Override": "PATCH",
            },
        )
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "3")
        assert held(settings) == b"abc"

    def test_a_post_that_says_head_or_delete_is_that(self, participant: Participant, upload: str):
        participant.sends(upload, b"abc", 0)
        headers = {"Tus-Resumable": "1.0.0", "X-HTTP-Method-Override": "head"}
        answer = participant.client.post(upload, headers=headers)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (200, "3")
        headers["X-HTTP-Method-Override"] = "DELETE"
        # Whatever its actual method.
        assert participant.client.patch(upload, headers=headers).status_code == 204
        assert participant.asks(upload).status_code == 404

    def test_the_override_is_what_counts_for_the_version(
        self, participant: Participant, upload: str
    ):
        headers = {"X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0"}
        assert participant.client.post(upload, headers=headers).status_code == 412
        headers = {"X-HTTP-Method-Override": "OPTIONS"}
        assert participant.client.post(upload, headers=headers).status_code == 204

    def test_nothing_else_is_done_with_a_post(self, participant: Participant, upload: str):
        for override in ("", "GET", "BREW", "POST"):
            headers = {"Tus-Resumable": "1.0.0", "X-HTTP-Method-Override": override}
            assert participant.client.post(upload, headers=headers).status_code == 405


class TestCreation:
    def test_it_answers_where_and_until_when_and_that_nothing_is_there(
        self, consented: Participant
    ):
        answer = creates(consented, Upload_Length="3")
        assert answer.status_code == 201
        assert answer.location.startswith(f"{consented.room}/parts/")
        assert answer.headers["Upload-Offset"] == "0"
        assert parsedate_to_datetime(answer.headers["Upload-Expires"]) > clock.now()

    def test_it_has_to_say_the_length_or_defer_it(self, consented: Participant):
        wrong: list[dict[str, str]] = [
            {},
            {"Upload_Length": "3", "Upload_Defer_Length": "1"},
            *({"Upload_Defer_Length": value} for value in ("0", "yes", "")),
            *({"Upload_Length": value} for value in ("-1", "3.0", "three", "", "²")),
        ]
        for headers in wrong:
            assert creates(consented, **headers).status_code == 400, headers
        assert db.session.query(Part).count() == 0

    def test_more_than_the_largest_is_refused_with_the_limit_in_words(
        self, consented: Participant, settings: Settings
    ):
        answer = creates(consented, Upload_Length=str(settings.largest_part + 1))
        assert answer.status_code == 413
        assert "4096 MiB" in answer.json["message"]

    def test_an_empty_upload_is_complete_at_once(self, consented: Participant):
        created = creates(consented, Upload_Length="0")
        assert created.status_code == 201
        assert "Upload-Expires" not in created.headers
        told = consented.asks(created.location).headers
        assert (told["Upload-Offset"], told["Upload-Length"]) == ("0", "0")
        assert not part().is_open

    def test_bytes_that_are_sent_along_are_not_taken_and_the_offset_says_so(
        self, consented: Participant, settings: Settings
    ):
        """Creation with upload is not among the extensions; a client that tries it goes on at 0."""
        answer = consented.client.post(
            f"{consented.room}/parts",
            data=b"abc",
            content_type=OFFSET_STREAM,
            headers={"Tus-Resumable": "1.0.0", "Upload-Length": "3"},
        )
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "0")
        assert held(settings) == b""
        assert consented.sends(answer.location, b"abc", 0).status_code == 204
        assert held(settings) == b"abc"

    def test_metadata_is_given_back_as_it_was_sent(self, consented: Participant):
        sent = "filetype YXVkaW8vd2VibQ==,mood aGFwcHk=,empty"
        made = creates(consented, Upload_Length="3", Upload_Metadata=sent)
        assert consented.asks(made.location).headers["Upload-Metadata"] == sent

    def test_metadata_is_pairs_of_unique_keys_and_base64(self, consented: Participant):
        for metadata, status in {
            "filename d29ybGQ=,is_confidential": 201,
            # Not text; nobody here reads it.
            "thumbnail /////w==": 201,
            "filename": 201,
            "filename not-base64!": 400,
            "key YQ==,key Yg==": 400,
        }.items():
            answer = creates(consented, Upload_Length="3", Upload_Metadata=metadata)
            assert answer.status_code == status, metadata


class TestHead:
    def test_it_tells_offset_and_length_and_may_not_be_stored(
        self, consented: Participant, upload: str
    ):
        consented.sends(upload, b"abc", 0)
        answer = consented.asks(upload)
        assert answer.status_code == 200
        assert answer.headers["Upload-Offset"] == "3"
        assert answer.headers["Upload-Defer-Length"] == "1"
        assert "Upload-Length" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"

    def test_what_is_not_there_has_no_offset(self, participant: Participant, upload: str):
        answer = participant.asks(f"{upload}x")
        assert answer.status_code == 404
        assert "Upload-Offset" not in answer.headers


class TestAppend:
    def test_an_offset_that_is_none_is_refused(self, participant: Participant, upload: str):
        for offset in (None, "-1", "", "1.5", "x", "0x0", "9" * 16, "³"):
            headers = {"Tus-Resumable": "1.0.0"}
            if offset is not None:
                headers["Upload-Offset"] = offset
            answer = participant.client.patch(
                upload, data=b"abc", content_type=OFFSET_STREAM, headers=headers
            )
            assert answer.status_code == 400, offset
        assert participant.asks(upload).headers["Upload-Offset"] == "0"

    def test_another_content_type_is_refused(self, participant: Participant, upload: str):
        for kind in ("application/octet-stream", "video/webm", ""):
            answer = participant.client.patch(
                upload,
                data=b"abc",
                content_type=kind,
                headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0"},
            )
            assert answer.status_code == 415
        assert participant.asks(upload).headers["Upload-Offset"] == "0"

    def test_an_empty_one_at_another_offset_is_told_the_true_one(
        self, participant: Participant, upload: str
    ):
        participant.sends(upload, b"abc", 0)
        for at in (0, 2, 4):
            answer = participant.sends(upload, b"", at)
            assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "3")

    def test_an_empty_one_changes_nothing(self, participant: Participant, upload: str):
        participant.sends(upload, b"abc", 0)
        answer = participant.sends(upload, b"", 3)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "3")
        with_checksum = participant.sends(upload, b"", 3, **{"Upload-Checksum": checksum(b"")})
        assert with_checksum.status_code == 204

    def test_one_that_is_refused_for_its_offset_is_not_read_at_all(
        self, participant: Participant, upload: str
    ):
        answer = breaks_off(participant, upload, b"abc", at=7)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "0")

    def test_what_came_of_one_that_breaks_off_is_kept(
        self, participant: Participant, upload: str, settings: Settings
    ):
        answer = breaks_off(participant, upload, b"abc", at=0)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "3")
        assert held(settings) == b"abc"
        assert participant.asks(upload).headers["Upload-Offset"] == "3"

    def test_with_a_checksum_nothing_of_it_is_kept(
        self, participant: Participant, upload: str, settings: Settings
    ):
        headers = {"Upload-Checksum": checksum(b"abc")}
        answer = breaks_off(participant, upload, b"abc", at=0, **headers)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "0")
        assert held(settings) == b""

    def test_a_file_that_is_ahead_of_the_database_is_told_and_written_down(
        self, participant: Participant, upload: str, settings: Settings
    ):
        """As a server leaves it that dies between writing and committing."""
        participant.sends(upload, b"abc", 0)
        with (settings.media / part().file).open("ab") as file:
            file.write(b"def")
        answer = participant.sends(upload, b"def", 3)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "6")
        assert part().bytes_durable == 6
        participant.closes(upload, 6)
        assert not part().is_open


class TestLengths:
    def test_a_deferred_one_comes_with_an_append_and_closes_the_part(
        self, participant: Participant, upload: str
    ):
        participant.sends(upload, b"abc", 0)
        answer = participant.sends(upload, b"de", 3, **{"Upload-Length": "5"})
        assert answer.status_code == 204
        assert "Upload-Expires" not in answer.headers
        told = participant.asks(upload).headers
        assert told["Upload-Length"] == "5"
        assert "Upload-Defer-Length" not in told
        assert not part().is_open

    def test_it_may_come_with_an_empty_append(self, participant: Participant, upload: str):
        participant.sends(upload, b"abc", 0)
        assert participant.sends(upload, b"", 3, **{"Upload-Length": "3"}).status_code == 204
        assert not part().is_open

    def test_it_may_be_repeated_but_not_changed(self, participant: Participant, upload: str):
        participant.sends(upload, b"abc", 0, **{"Upload-Length": "6"})
        assert participant.sends(upload, b"d", 3, **{"Upload-Length": "6"}).status_code == 204
        answer = participant.sends(upload, b"e", 4, **{"Upload-Length": "7"})
        assert answer.status_code == 400
        assert "6 bytes" in answer.json["message"]
        told = participant.asks(upload).headers
        assert (told["Upload-Offset"], told["Upload-Length"]) == ("4", "6")

    def test_it_may_not_be_less_than_what_is_here(self, participant: Participant, upload: str):
        participant.sends(upload, b"abc", 0)
        assert participant.sends(upload, b"d", 3, **{"Upload-Length": "2"}).status_code == 400
        assert participant.sends(upload, b"de", 3, **{"Upload-Length": "4"}).status_code == 413
        told = participant.asks(upload).headers
        assert (told["Upload-Offset"], told["Upload-Defer-Length"]) == ("3", "1")

    def test_it_does_not_count_when_its_bytes_are_refused(
        self, participant: Participant, upload: str
    ):
        said = {"Upload-Length": "5"}
        wrong = {"Upload-Checksum": checksum(b"x")}
        assert participant.sends(upload, b"abc", 0, **said, **wrong).status_code == 460
        assert participant.sends(upload, b"abc", 1, **said).status_code == 409
        assert participant.asks(upload).headers["Upload-Defer-Length"] == "1"

    def test_more_than_was_declared_is_refused_with_what_is_left(self, consented: Participant):
        upload = creates(consented, Upload_Length="5").location
        consented.sends(upload, b"abc", 0)
        answer = consented.sends(upload, b"defg", 3)
        assert answer.status_code == 413
        assert "2 bytes" in answer.json["message"]
        assert consented.asks(upload).headers["Upload-Offset"] == "3"


class TestChecksums:
    def test_they_are_checked_and_what_is_wrong_is_not_kept(
        self, participant: Participant, upload: str, settings: Settings
    ):
        for header, status in {
            checksum(b"abd", "sha1"): 460,
            checksum(b"abd", "sha256"): 460,
            checksum(b"abc", "md5"): 400,
            checksum(b"abc", "sha512"): 400,
            "sha1 ?": 400,
            "": 400,
        }.items():
            answer = participant.sends(upload, b"abc", 0, **{"Upload-Checksum": header})
            assert answer.status_code == status, header
            assert held(settings) == b""
            assert participant.asks(upload).headers["Upload-Offset"] == "0"
        for at, algorithm in enumerate(("sha1", "sha256")):
            headers = {"Upload-Checksum": checksum(b"a", algorithm)}
            assert participant.sends(upload, b"a", at, **headers).status_code == 204

    def test_the_limit_for_one_is_told_in_words(
        self, participant: Participant, upload: str, settings: Settings
    ):
        chunk = bytes(settings.largest_chunk + 1)
        answer = participant.sends(upload, chunk, 0, **{"Upload-Checksum": checksum(chunk)})
        assert answer.status_code == 413
        assert "8 MiB" in answer.json["message"]
        assert "with a checksum" in answer.json["message"]
        assert participant.sends(upload, chunk, 0).status_code == 204


class TestExpiration:
    def test_it_is_told_for_as_long_as_something_is_missing(
        self, participant: Participant, upload: str
    ):
        answer = participant.sends(upload, b"abc", 0)
        week = timedelta(days=7)
        expires = parsedate_to_datetime(answer.headers["Upload-Expires"])
        assert abs(expires - clock.now() - week) < timedelta(minutes=1)
        assert participant.asks(upload).headers["Upload-Expires"]

    def test_after_it_nothing_is_taken(self, app: Flask, participant: Participant, upload: str):
        participant.sends(upload, b"abc", 0)
        with time_machine.travel(clock.now() + timedelta(days=7, hours=1)):
            _lets_in_again(app, participant)
            assert participant.asks(upload).status_code == 410
            answer = participant.sends(upload, b"def", 3)
            assert answer.status_code == 410
            assert "link" in answer.json["message"]
            assert (
                participant.client.delete(upload, headers={"Tus-Resumable": "1.0.0"}).status_code
                == 410
            )

    def test_what_is_whole_does_not_expire(self, app: Flask, participant: Participant, upload: str):
        participant.sends(upload, b"abc", 0)
        participant.closes(upload, 3)
        assert "Upload-Expires" not in participant.asks(upload).headers
        with time_machine.travel(clock.now() + timedelta(days=30)):
            _lets_in_again(app, participant)
            assert participant.asks(upload).headers["Upload-Offset"] == "3"

    def test_it_moves_on_while_the_participant_is_seen(
        self, app: Flask, participant: Participant, upload: str
    ):
        with time_machine.travel(clock.now() + timedelta(days=6)):
            participant.arrives()
        with time_machine.travel(clock.now() + timedelta(days=9)):
            _lets_in_again(app, participant)
            assert participant.sends(upload, b"abc", 0).status_code == 204

    def test_a_resume_link_reopens_what_had_expired(
        self, app: Flask, participant: Participant, upload: str
    ):
        with time_machine.travel(clock.now() + timedelta(days=8)):
            _lets_in_again(app, participant)
            assert participant.asks(upload).status_code == 410
            link, _ = ResumeLink.create(
                db.session.query(Interview).one(), validity=timedelta(days=7)
            )
            db.session.commit()
            assert participant.asks(upload).status_code == 200
            link.revoke()
            db.session.commit()
            assert participant.asks(upload).status_code == 410


def _lets_in_again(app: Flask, participant: Participant) -> None:
    """A fresh key for a browser whose own has run out."""
    interview = db.session.query(Interview).one()
    with app.test_request_context():
        answer = admission.admit(app.response_class(), interview)
    key, _, value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
    participant.client.set_cookie(key, value)


class TestTermination:
    def test_afterwards_there_is_nothing(self, participant: Participant, upload: str):
        participant.sends(upload, b"abc", 0)
        headers = {"Tus-Resumable": "1.0.0"}
        assert participant.client.delete(upload, headers=headers).status_code == 204
        assert participant.asks(upload).status_code == 404
        assert participant.sends(upload, b"def", 3).status_code == 404
        assert participant.client.delete(upload, headers=headers).status_code == 404


class TestOtherParticipants:
    """For another participant's uploads there is nothing here; who has lost their own key to an
    interview is told that, for their page has to say what to do."""

    @pytest.fixture
    def stranger(self, app: Flask, study: Study, upload: str) -> Participant:
        stranger = Participant(app.test_client())
        stranger.consents(study)
        stranger.arrives()
        return stranger

    def statuses(self, who: Participant, upload: str) -> set[int]:
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "3"}
        answers = [
            who.asks(upload),
            who.sends(upload, b"abc", 0),
            who.closes(upload, 3),
            who.client.delete(upload, headers=headers),
            who.client.post(upload.rpartition("/")[0], headers=headers),
        ]
        return {answer.status_code for answer in answers}

    def test_in_their_room_there_is_nothing(
        self, stranger: Participant, participant: Participant, upload: str
    ):
        assert self.statuses(stranger, upload) == {404}
        assert participant.asks(upload).headers["Upload-Offset"] == "0"

    def test_nor_in_ones_own(self, stranger: Participant, participant: Participant, upload: str):
        theirs = upload.replace(participant.room, stranger.room)
        assert stranger.asks(theirs).status_code == 404
        assert stranger.sends(theirs, b"abc", 0).status_code == 404

    def test_nor_with_ones_own_key_under_their_name(
        self, stranger: Participant, participant: Participant, upload: str
    ):
        own, theirs = (who.room.rpartition("/")[2] for who in (stranger, participant))
        key = stranger.client.get_cookie(admission.PREFIX + own)
        assert key
        stranger.client.set_cookie(admission.PREFIX + theirs, key.value)
        assert self.statuses(stranger, upload) == {404}

    def test_who_has_no_key_at_all_is_not_admitted(self, app: Flask, upload: str):
        assert self.statuses(Participant(app.test_client()), upload) == {403}

    def test_who_lost_the_own_key_is_not_admitted(
        self, participant: Participant, upload: str, study: Study, app: Flask
    ):
        interview = db.session.query(Interview).one()
        link, token = ResumeLink.create(interview, validity=timedelta(days=7))
        db.session.commit()
        guest = Participant(app.test_client())
        guest.client.get(f"/resume/{token}")
        with app.test_request_context():
            answer = admission.admit(app.response_class(), interview, by=link)
        key, _, value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
        guest.client.set_cookie(key, value)
        assert guest.asks(upload).status_code == 200
        # Also in another interview, validly.
        guest.consents(study)
        link.revoke()
        db.session.commit()
        assert self.statuses(guest, upload) == {403}
        guest.client.set_cookie(key, "nonsense")
        assert self.statuses(guest, upload) == {403}
