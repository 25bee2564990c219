"""Who hears, as the settings say, and what the transcript shows of it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz import jobs
from qualz.ai.pocketsphinx_listener import PocketsphinxListener
from qualz.ai.stand_in import StoodInFor
from qualz.ai.transcription import Transcription
from qualz.database import db
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.listeners import Listeners
from qualz.service import Kind, Service
from qualz.settings import Settings
from tests.ai.stub_server import StubServer, stub_server
from tests.dashboard.conftest import HTMX
from tests.jobs.test_hearing import Scribe, answers, begins_part, employ, speaks

PAGE = "/settings/hearing"
TRIALS = f"{PAGE}/trials"
KEY = "sk-very-secret-key"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with stub_server() as server:
        yield server


def typed(**more: str) -> dict[str, str]:
    known = {"is_on": "yes", "url": "http://localhost:8001/v1", "model": "tiny", "key": KEY}
    return known | more


def transcript(interview: Interview) -> str:
    return f"/studies/{interview.study.public_id}/transcripts/{interview.public_id}"


def test_only_who_signed_in_sees_or_sets_it(client: FlaskClient):
    assert "/sign-in" in client.get(PAGE).location
    assert "/sign-in" in client.post(PAGE, data=typed()).location
    assert client.post(TRIALS, data=typed(), headers=HTMX).status_code == 401


def test_this_server_hears_until_a_service_is_switched_on(
    app: Flask, adas: FlaskClient, settings: Settings
):
    listeners = app.extensions["listeners"]
    assert listeners.current("en") is None
    assert "None is set up here" in adas.get(PAGE).text
    adas.post(PAGE, data=typed())
    service = listeners.current("de")
    assert isinstance(service, Transcription)
    assert listeners.current("de") is service
    adas.post(PAGE, data=typed(is_on="no"))
    assert listeners.current("en") is None


def test_the_embedded_one_hears_english_alone(app: Flask, tmp_path: Path):
    settings = Settings(data=tmp_path, database_url="sqlite://", secret_key="x" * 32)
    listeners = Listeners(settings, app.extensions["vault"])
    assert isinstance(listeners.current("en"), PocketsphinxListener)
    assert listeners.current("fr") is None


def test_where_the_service_fails_this_server_hears_what_it_knows(
    app: Flask, adas: FlaskClient, tmp_path: Path
):
    adas.post(PAGE, data=typed())
    settings = Settings(data=tmp_path, database_url="sqlite://", secret_key="x" * 32)
    listeners = Listeners(settings, app.extensions["vault"])
    assert isinstance(listeners.current("en"), StoodInFor)
    # Words that no draft may replace are left to the service alone.
    assert isinstance(listeners.current("en", alone=True), Transcription)
    without = Listeners(app.extensions["settings"], app.extensions["vault"])
    assert isinstance(without.current("en"), Transcription)


def test_a_service_is_tried_before_it_is_saved(adas: FlaskClient, stub: StubServer):
    words = [{"word": "type", "start": 0.2, "end": 0.5}]
    answer = json.dumps({"text": "I usually <type>", "words": words})
    stub.answer = lambda request: request.sends(answer)
    told = adas.post(TRIALS, data=typed(url=stub.url), headers=HTMX).text
    assert "It hears" in told
    assert "I usually &lt;type&gt;" in told
    assert "came, for 1 words" not in told
    assert "came, for 1 word" in told
    assert "<html" not in told
    assert Service.of(Kind.HEARING) is None
    # Without scripts it is within the whole page, with what was typed.
    page = adas.post(TRIALS, data=typed(url=stub.url)).text
    assert "It hears" in page
    assert stub.url in page


def test_what_a_trial_found_out_about_a_saved_service_is_kept(
    app: Flask, adas: FlaskClient, stub: StubServer
):
    adas.post(PAGE, data=typed(url=stub.url))
    before = app.extensions["listeners"].current("en")

    def plainly(request) -> None:
        if request.body["response_format"] == b"json":
            request.sends('{"text": "I usually type"}')
        else:
            request.refuses(400)

    stub.answer = plainly
    told = adas.post(TRIALS, data=typed(url=stub.url, key=""), headers=HTMX).text
    assert "did not come" in told
    assert stub.headers[0]["authorization"] == f"Bearer {KEY}"
    kept = Service.of(Kind.HEARING)
    assert kept
    assert kept.manners == {"form": 2}
    # One that rested is no more.
    assert app.extensions["listeners"].current("en") is not before


def test_a_trial_says_what_is_missing_or_what_went_wrong(adas: FlaskClient, stub: StubServer):
    nothing = adas.post(TRIALS, data=typed(url=""), headers=HTMX).text
    assert "Nothing was sent yet" in nothing
    stub.answer = lambda request: request.refuses(404)
    wrong = adas.post(TRIALS, data=typed(url=stub.url), headers=HTMX).text
    assert "The server knows no such address or model" in wrong
    assert "It offers: tiny" in wrong
    stub.answer = lambda request: request.sends('{"text": ""}')
    deaf = adas.post(TRIALS, data=typed(url=stub.url), headers=HTMX).text
    assert "heard nothing" in deaf


def test_the_key_is_sealed_in_a_file_of_its_own_and_nowhere_else(
    app: Flask, adas: FlaskClient, settings: Settings
):
    adas.post(PAGE, data=typed())
    file = settings.data / "secrets" / "hearing"
    assert KEY not in file.read_text()
    assert app.extensions["vault"].read("hearing") == KEY
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    page = adas.get(PAGE).text
    assert KEY not in page
    assert "A key is kept" in page


@pytest.mark.parametrize("wrong", [{"url": "localhost"}, {"url": ""}, {"model": ""}])
def test_what_cannot_be_right_is_told_and_not_kept(
    app: Flask, adas: FlaskClient, wrong: dict[str, str]
):
    assert adas.post(PAGE, data=typed(**wrong)).status_code == 422
    assert app.extensions["listeners"].current("en") is None


def test_what_was_heard_stands_in_the_transcript_as_a_draft(
    app: Flask, adas: FlaskClient, interview: Interview, settings: Settings
):
    employ(app, settings, Scribe("it is confusing"))
    hearing = speaks(interview, begins_part(interview, app, until_ms=3000))
    page = adas.get(transcript(interview)).text
    assert "Hearing what was said: 0 of 1 answers" in page
    assert 'class="draft"' not in page
    jobs.hear(hearing.id)
    page = adas.get(transcript(interview)).text
    assert "it is confusing" in page
    assert 'class="draft"' in page
    assert "Hearing what was said" not in page


def test_hear_again_asks_once_for_each_spoken_answer(
    app: Flask, adas: FlaskClient, interview: Interview, settings: Settings
):
    employ(app, settings, Scribe())
    hearing = speaks(interview, begins_part(interview, app, until_ms=3000))
    hearing.state = Hearing.State.FAILED
    db.session.commit()
    assert "Hear again" in adas.get(transcript(interview)).text
    for _ in range(2):
        assert adas.post(f"{transcript(interview)}/hearings").status_code == 303
    assert len(answers(interview)[0].hearings) == 2
    assert "Nothing to hear" in adas.get(transcript(interview)).text


def test_without_anybody_who_hears_hear_again_says_so(
    app: Flask, adas: FlaskClient, interview: Interview, settings: Settings
):
    employ(app, settings, Scribe())
    speaks(interview, begins_part(interview, app, until_ms=3000))
    employ(app, settings, None)
    adas.post(f"{transcript(interview)}/hearings")
    assert len(answers(interview)[0].hearings) == 1
    assert "Nobody can hear" in adas.get(transcript(interview)).text
