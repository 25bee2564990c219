from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz import clock
from qualz.database import db
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.rendition import Kind, Rendition
from qualz.study import Study
from tests.dashboard.conftest import HTMX, of
from tests.dashboard.test_recordings import words_of


@pytest.fixture
def recording(
    interview: Interview, record: Callable[..., Part], finish: Callable[..., Recording]
) -> Recording:
    """An interview that is over, as if its Full Session had a picture."""
    record(interview)
    recording = finish(interview)
    recording.full_session_type = "video/webm"
    db.session.commit()
    return recording


@pytest.fixture
def downloads(adas: FlaskClient, study: Study, interview: Interview) -> Callable[[], str]:
    """The region of the page, as Ada's browser asks for it."""
    return lambda: adas.get(of(study, interview, "/renditions"), headers=HTMX).text


def asks_again(answer: str) -> bool:
    found = re.search(r'downloads__body[^>]*hx-trigger="([^"]*)"', answer, re.DOTALL)
    assert found
    return "every" in found[1]


def is_made(app: Flask, rendition: Rendition) -> bytes:
    """A worker was there."""
    data = b"as if it were one" * 9
    rendition.file = f"{rendition.recording.folder}/rendition-{rendition.kind}-{rendition.id}-lease"
    app.extensions["storage"].append(rendition.file, data, at=0)
    rendition.state, rendition.bytes = Rendition.State.DONE, len(data)
    db.session.commit()
    return data


def test_there_is_nothing_to_download_before_there_is_a_full_session(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    downloads: Callable[[], str],
):
    record(interview)
    assert words_of(downloads()) == ""
    address = of(study, interview, "/renditions")
    assert adas.post(address, data={"kind": "mp4"}).status_code == 409
    interview.complete()
    db.session.commit()
    assert asks_again(downloads())


def test_the_full_session_is_downloaded_as_it_is_under_a_name_that_says_what_it_is(
    adas: FlaskClient,
    strangers: FlaskClient,
    interview: Interview,
    study: Study,
    recording: Recording,
    downloads: Callable[[], str],
):
    study.title = 'What/why: "search"?'
    db.session.commit()
    shown = downloads()
    assert "Full Session as it is WebM, 97.7 kB" in words_of(shown)
    assert not asks_again(shown)
    found = re.search(r'href="(/media/full-sessions/[^"]+download=1)" download', shown)
    assert found
    address = found[1].replace("&amp;", "&")
    answer = adas.get(address, buffered=True)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert (
        "What why search — Participant 1.webm".replace(" ", "%20").replace("—", "%E2%80%94")
        in (answer.headers["Content-Disposition"])
    )
    assert strangers.get(address).status_code == 404


def test_an_mp4_is_asked_for_followed_and_downloaded(
    app: Flask,
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    recording: Recording,
    downloads: Callable[[], str],
):
    assert "Download as MP4 Sound only" in words_of(downloads())
    for _ in range(2):
        answer = adas.post(of(study, interview, "/renditions"), data={"kind": "mp4"}, headers=HTMX)
        assert "Waiting to make the MP4 Cancel" in words_of(answer.text)
        assert asks_again(answer.text)
    [rendition] = recording.renditions
    rendition.state, rendition.progress = Rendition.State.RUNNING, 0.43
    rendition.expected_at = clock.now() + timedelta(seconds=125)
    db.session.commit()
    assert "Making the MP4: 43 %, about 2 minutes left Cancel" in words_of(downloads())
    assert '<progress class="progress" max="1" value="0.43"' in downloads()
    data = is_made(app, rendition)
    shown = downloads()
    assert "Download as MP4 153 bytes" in words_of(shown)
    assert not asks_again(shown)
    assert words_of(shown) in words_of(adas.get(of(study, interview)).text)
    found = re.search(r'href="(/media/renditions/[^"]+)" download', shown)
    assert found
    answer = adas.get(found[1], buffered=True)
    assert answer.data == data
    assert answer.content_type == "video/mp4"
    assert ".mp4" in answer.headers["Content-Disposition"]


def test_one_that_is_there_is_offered_at_once_and_not_made_again(
    app: Flask, adas: FlaskClient, study: Study, interview: Interview, recording: Recording
):
    is_made(app, Rendition.ask(recording, Kind.SOUND))
    answer = adas.post(of(study, interview, "/renditions"), data={"kind": "sound"}, headers=HTMX)
    assert "Sound only 153 bytes" in words_of(answer.text)
    assert recording.renditions[0].state is Rendition.State.DONE


def test_one_of_an_earlier_full_session_is_neither_shown_nor_served(
    app: Flask, adas: FlaskClient, recording: Recording, downloads: Callable[[], str]
):
    rendition = Rendition.ask(recording, Kind.MP4)
    is_made(app, rendition)
    address = f"/media/renditions/{rendition.public_id}"
    assert adas.get(address, buffered=True).status_code == 200
    recording.full_session = f"{recording.folder}/full-session-2.webm"
    db.session.commit()
    assert adas.get(address).status_code == 404
    assert "Download as MP4 Sound only" in words_of(downloads())


def test_cancelling_is_idempotent_and_leaves_it_to_be_asked_for(
    adas: FlaskClient, study: Study, interview: Interview, recording: Recording
):
    rendition = Rendition.ask(recording, Kind.MP4)
    db.session.commit()
    address = of(study, interview, f"/renditions/{rendition.public_id}")
    for _ in range(2):
        answer = adas.delete(address, headers=HTMX)
        assert answer.status_code == 200
        assert "Download as MP4 Sound only" in words_of(answer.text)
    assert recording.renditions == []


def test_removing_one_gives_its_room_back(
    app: Flask, adas: FlaskClient, study: Study, interview: Interview, recording: Recording
):
    rendition = Rendition.ask(recording, Kind.MP4)
    is_made(app, rendition)
    path = app.extensions["storage"].path(rendition.file)
    assert (
        adas.delete(of(study, interview, f"/renditions/{rendition.public_id}")).status_code == 303
    )
    assert not path.exists()


def test_a_failure_has_a_reason_and_a_way_to_try_again(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    recording: Recording,
    downloads: Callable[[], str],
):
    rendition = Rendition.ask(recording, Kind.MP4)
    rendition.state, rendition.reason = Rendition.State.FAILED, "The disk is too full."
    db.session.commit()
    shown = downloads()
    assert (
        "The MP4 could not be made The disk is too full. The Full Session is unharmed. Try again"
        in words_of(shown)
    )
    assert not asks_again(shown)
    answer = adas.post(of(study, interview, "/renditions"), data={"kind": "mp4"}, headers=HTMX)
    assert "Waiting to make the MP4" in words_of(answer.text)


def test_a_stranger_asks_for_nothing_gets_nothing_and_removes_nothing(
    app: Flask,
    strangers: FlaskClient,
    study: Study,
    interview: Interview,
    recording: Recording,
):
    address = of(study, interview, "/renditions")
    assert strangers.get(address).status_code == 404
    assert strangers.post(address, data={"kind": "mp4"}).status_code == 404
    assert recording.renditions == []
    rendition = Rendition.ask(recording, Kind.MP4)
    is_made(app, rendition)
    assert strangers.get(f"/media/renditions/{rendition.public_id}").status_code == 404
    assert strangers.delete(f"{address}/{rendition.public_id}").status_code == 404
    assert recording.renditions == [rendition]
    assert app.test_client().get(f"/media/renditions/{rendition.public_id}").status_code == 302


def test_what_is_no_kind_of_download_is_refused(
    adas: FlaskClient, study: Study, interview: Interview, recording: Recording
):
    for kind in ("", "gif"):
        answer = adas.post(of(study, interview, "/renditions"), data={"kind": kind})
        assert answer.status_code == 409
    recording.full_session_type = "audio/webm"
    db.session.commit()
    assert adas.post(of(study, interview, "/renditions"), data={"kind": "mp4"}).status_code == 409
    assert recording.renditions == []


def test_an_all_audio_interview_offers_sound_only(
    recording: Recording, downloads: Callable[[], str]
):
    recording.full_session_type = "audio/webm"
    db.session.commit()
    assert "MP4" not in words_of(downloads())
    assert "Sound only" in words_of(downloads())


def test_a_region_that_did_not_change_is_not_sent_again(
    adas: FlaskClient, recording: Recording, downloads: Callable[[], str]
):
    again = re.search(r'hx-get="([^"]+/renditions\?seen=[^"]+)"', downloads())
    assert again
    assert adas.get(again[1], headers=HTMX).status_code == 204
