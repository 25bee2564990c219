"""The moderator's settings: what is tried, kept and told, and what never is."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz.ai.language_model import LanguageModelModerator
from qualz.ai.scripted import ScriptedModerator
from qualz.database import db
from qualz.service import Kind, Service
from qualz.vault import Vault
from tests.ai.stub_server import Request, StubServer, stub_server
from tests.ai.test_language_model import reply
from tests.dashboard.conftest import HTMX

PAGE = "/settings/moderator"
TRIALS = f"{PAGE}/trials"
KEY = "sk-very-secret-key"
ADDRESS = "http://localhost:11434/v1"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with stub_server() as server:
        yield server


def typed(url: str = ADDRESS, **more: str) -> dict[str, str]:
    return {"is_on": "yes", "url": url, "model": "tiny", "key": KEY} | more


def kept() -> Service:
    service = Service.of(Kind.LANGUAGE_MODEL)
    assert service is not None
    return service


def test_only_who_signed_in_sees_or_sets_it(client: FlaskClient):
    assert "/sign-in" in client.get(PAGE).location
    assert "/sign-in" in client.post(PAGE, data=typed()).location
    assert client.post(TRIALS, data=typed(), headers=HTMX).status_code == 401


def test_the_script_moderates_until_a_model_is_switched_on(app: Flask, adas: FlaskClient):
    moderators = app.extensions["moderators"]
    assert isinstance(moderators.current(), ScriptedModerator)
    adas.post(PAGE, data=typed())
    assert isinstance(moderators.current(), LanguageModelModerator)
    assert moderators.current() is moderators.current()
    adas.post(PAGE, data=typed(is_on="no"))
    assert isinstance(moderators.current(), ScriptedModerator)
    assert kept().model == "tiny"


def test_the_key_is_in_a_file_of_its_own_and_nowhere_else(
    app: Flask, adas: FlaskClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    adas.post(PAGE, data=typed())
    file = tmp_path / "secrets" / "language-model"
    assert KEY not in file.read_text()
    assert app.extensions["vault"].read("language-model") == KEY
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tables = db.metadata.sorted_tables
    assert KEY not in str([row for table in tables for row in db.session.execute(select(table))])
    assert KEY not in adas.get(PAGE).text + caplog.text
    assert "A key is kept" in adas.get(PAGE).text
    assert KEY not in repr(app.extensions["moderators"].current())


def test_a_key_stays_until_another_is_given_but_is_not_handed_to_another_server(
    app: Flask, adas: FlaskClient
):
    vault: Vault = app.extensions["vault"]
    adas.post(PAGE, data=typed())
    adas.post(PAGE, data=typed(key="", model="other"))
    assert vault.read("language-model") == KEY
    assert kept().key_for("http://localhost:11434/other", vault) == KEY
    assert kept().key_for("http://evil.example:11434/v1", vault) == ""
    adas.post(PAGE, data=typed(url="http://evil.example/v1", key=""))
    assert vault.read("language-model") == ""
    assert not kept().has_key


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"url": ""}, "Write the whole address"),
        ({"url": "localhost:11434"}, "Write the whole address"),
        ({"url": "file:///etc/passwd"}, "Write the whole address"),
        ({"url": "http://[::1"}, "Write the whole address"),
        ({"url": "http://me:secret@host/v1"}, "Give the address alone"),
        ({"model": " "}, "Give the model&#39;s name"),
    ],
)
def test_what_cannot_be_right_is_told_and_not_kept(adas: FlaskClient, more, complaint: str):
    answer = adas.post(PAGE, data=typed(**more))
    assert answer.status_code == 422
    assert complaint in answer.text
    assert Service.of(Kind.LANGUAGE_MODEL) is None
    assert complaint in adas.post(TRIALS, data=typed(**more), headers=HTMX).text


def test_a_test_shows_what_was_negotiated_how_long_it_took_and_what_was_fit(
    adas: FlaskClient, stub: StubServer
):
    def answer(request: Request) -> None:
        if request.form.startswith("json_schema"):
            return request.refuses(500)
        told = request.body["messages"][1]["content"]
        unfit = "Not often" in told
        return request.writes(reply(utterance="Great answer! Why?" if unfit else "What was it?"))

    stub.answer = answer
    answer = adas.post(TRIALS, data=typed(stub.url), headers=HTMX)
    assert "It works" in answer.text
    assert "json_object with schema" in answer.text
    assert "3 of 3" in answer.text
    assert "2 of 3; refused for: praise" in answer.text
    assert "<html" not in answer.text
    assert all(headers["authorization"] == f"Bearer {KEY}" for headers in stub.headers)
    assert Service.of(Kind.LANGUAGE_MODEL) is None


def test_what_a_test_found_out_is_minded_in_interviews(
    app: Flask, adas: FlaskClient, stub: StubServer
):
    stub.answer = lambda request: (
        request.writes(reply()) if request.form == "plain" else request.refuses(400)
    )
    adas.post(PAGE, data=typed(stub.url))
    adas.post(TRIALS, data=typed(stub.url, key=""), headers=HTMX)
    assert kept().manners["form"] == 4
    assert app.extensions["moderators"].current().model.form_name == "plain"


@pytest.mark.parametrize(
    ("status", "told"), [(401, "refuses the key"), (404, "tiny"), (429, "is busy")]
)
def test_a_test_that_fails_says_why(adas: FlaskClient, stub: StubServer, status: int, told: str):
    stub.answer = lambda request: request.refuses(status, f"no, {KEY}")
    page = adas.post(TRIALS, data=typed(stub.url), headers=HTMX).text
    assert told in page
    assert KEY not in page


def test_one_that_talks_nonsense_is_called_unfit(adas: FlaskClient, stub: StubServer):
    stub.answer = lambda request: request.writes("blue tell what")
    page = adas.post(TRIALS, data=typed(stub.url), headers=HTMX).text
    assert "nothing that could be said" in page
    assert "0 of 3; refused for: no JSON object" in page


def test_without_scripts_test_answers_with_the_whole_page(adas: FlaskClient, stub: StubServer):
    stub.answer = lambda request: request.writes(reply())
    page = adas.post(TRIALS, data=typed(stub.url)).text
    assert "It works" in page
    assert "<html" in page
    assert stub.url in page
    assert KEY not in page
