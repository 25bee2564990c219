"""The voice's settings: what is heard of it, kept and told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz.ai.programs_that_speak import Flite
from qualz.service import Kind, Service
from qualz.speech import SHARED
from qualz.tools import find_flite
from tests.ai.stub_server import StubServer, stub_server
from tests.dashboard.conftest import HTMX
from tests.room.test_speech import Speaker, employ, tone

PAGE = "/settings/voice"
TRIALS = f"{PAGE}/trials"
KEY = "sk-very-secret-key"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with stub_server() as server:
        server.answer = lambda request: request.sends(tone(), kind="audio/wav")
        yield server


def typed(url: str = "", **more: str) -> dict[str, str]:
    known = {"choice": "service", "protocol": "openai", "url": url}
    return known | {"model": "kokoro", "voice": "af_heart", "key": KEY} | more


def kept() -> Service:
    service = Service.of(Kind.VOICE)
    assert service is not None
    return service


def names(app: Flask) -> list[str]:
    return [voice.name for voice in app.extensions["voices"].of_server("en")]


def test_only_who_signed_in_sees_sets_and_hears_it(client: FlaskClient):
    assert "/sign-in" in client.get(PAGE).location
    assert "/sign-in" in client.post(PAGE, data=typed()).location
    assert client.post(TRIALS, data=typed(), headers=HTMX).status_code == 401
    assert "/sign-in" in client.get(f"{PAGE}/samples/{'0' * 32}.ogg").location


def test_what_is_chosen_speaks_and_is_shown_again(app: Flask, adas: FlaskClient):
    employ(app, Speaker())
    assert names(app) == ["a speaker"]
    assert "a speaker. Needs no network" in adas.get(PAGE).text
    adas.post(PAGE, data=typed("http://host:8880/v1"))
    assert names(app) == ["kokoro af_heart at http://host:8880/v1"]
    page = adas.get(PAGE).text
    assert all(one in page for one in ("http://host:8880/v1", "af_heart", "A key is kept"))
    assert KEY not in page
    assert app.extensions["vault"].read("voice") == KEY
    adas.post(PAGE, data=typed(choice="none"))
    assert app.extensions["voices"].is_silent
    assert re.search(r'<input[^>]*checked[^>]*value="none"', adas.get(PAGE).text)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({}, "Write the whole address"),
        ({"url": "file:///etc/passwd", "choice": "browser"}, "Write the whole address"),
        ({"url": "http://host", "model": ""}, "Give the model&#39;s name"),
        ({"url": "http://host", "voice": "", "choice": "automatic"}, "Give the voice&#39;s name"),
        ({"choice": "shouting"}, "Invalid Choice"),
    ],
)
def test_what_cannot_be_right_is_told_and_not_kept(
    adas: FlaskClient, more: dict[str, str], complaint: str
):
    answer = adas.post(PAGE, data=typed(**more))
    assert answer.status_code == 422
    assert complaint in answer.text
    assert Service.of(Kind.VOICE) is None
    assert complaint in adas.post(TRIALS, data=typed(**more), headers=HTMX).text


@pytest.mark.parametrize("more", [{}, {"protocol": "piper", "model": "", "voice": ""}])
def test_a_test_plays_the_service_and_says_how_long_it_took(
    app: Flask, adas: FlaskClient, stub: StubServer, more: dict[str, str]
):
    for _ in range(2):
        page = adas.post(TRIALS, data=typed(stub.url, **more), headers=HTMX).text
        assert re.search(r"It took \d+\.\d s", page)
        address = re.search(r'src="(/settings/voice/samples/[^"]+)"', page)
        assert address
        assert adas.get(address[1]).data.startswith(b"OggS")
    # Asked each time: it is about how long that takes.
    assert len(stub.requests) == 2
    assert Service.of(Kind.VOICE) is None
    assert KEY not in page
    assert [one for one in app.extensions["storage"].path(SHARED).iterdir() if one.is_file()] == []


def test_a_test_that_fails_says_why_and_who_speaks_instead(
    app: Flask, adas: FlaskClient, stub: StubServer
):
    stub.answer = lambda request: request.refuses(401, f"no, {KEY}")
    page = adas.post(TRIALS, data=typed(stub.url), headers=HTMX).text
    assert "it refuses the key" in page
    assert "browser reads" in page
    employ(app, Speaker())
    page = adas.post(TRIALS, data=typed(stub.url, choice="automatic"), headers=HTMX).text
    assert "it refuses the key" in page
    assert "This is a speaker" in page
    assert KEY not in page
    stub.answer = lambda request: request.sends("<html>")
    page = adas.post(TRIALS, data=typed(stub.url), headers=HTMX).text
    assert "what is no sound" in page


def test_flite_is_heard_and_what_is_not_on_the_server_is_for_the_page_to_say(
    app: Flask, adas: FlaskClient
):
    binary = find_flite()
    if binary is None:
        pytest.skip("no flite: apt-get install flite")
    employ(app, Flite(binary))
    page = adas.post(TRIALS, data=typed(choice="program")).text
    assert "This is flite slt" in page
    assert "<html" in page
    assert "<voice-sample" in adas.post(TRIALS, data=typed(choice="browser"), headers=HTMX).text
    assert "Nobody speaks" in adas.post(TRIALS, data=typed(choice="none"), headers=HTMX).text


@pytest.mark.parametrize("name", ["x.ogg", "..%2f..%2fqualz.db", f"{'a' * 32}.ogg"])
def test_only_samples_are_given_out(adas: FlaskClient, name: str):
    assert adas.get(f"{PAGE}/samples/{name}").status_code == 404
