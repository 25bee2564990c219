"""Voices: the programs of this server and services elsewhere, with the habits that they have."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qualz.ai import spoken_elsewhere
from qualz.ai.endpoint import Endpoint
from qualz.ai.pocketsphinx_listener import PocketsphinxListener
from qualz.ai.programs_that_speak import Flite
from qualz.ai.speaking import CannotSpeak, Voice
from qualz.ai.spoken_elsewhere import PiperService, SpeechService
from qualz.media import program
from qualz.media.program import DidNotWork
from qualz.media.sandbox import Limits
from qualz.tools import find_flite
from tests.ai.spoken import misheard
from tests.ai.stub_server import Request, StubServer, stub_server

TEXT = "What was the last time that you looked for a phone"
SOUND = b"RIFF....WAVE"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with stub_server() as server:
        yield server


@pytest.fixture
def flite() -> Flite:
    found = find_flite()
    if found is None:
        pytest.skip("no flite: apt-get install flite")
    return Flite(found, "kal16")


def openai(stub: StubServer) -> Voice:
    return SpeechService(Endpoint(url=stub.url, model="tiny", key="sk-secret"), "alloy")


def piper(stub: StubServer) -> Voice:
    return PiperService(stub.url)


def sounds(request: Request) -> None:
    request.sends(SOUND, kind="audio/wav")


def test_flite_says_what_it_is_given(flite: Flite):
    with wave.open(io.BytesIO(flite.say(f"{TEXT}?", language="en-GB"))) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
        heard = PocketsphinxListener().hear(file.readframes(10**7), language="en")
    assert misheard(TEXT, heard.text) <= 2


@pytest.mark.parametrize("text", ["-h", "--help", "/etc/passwd", "<b>hi</b> & “so” – ok"])
def test_a_text_is_never_taken_for_an_option_or_a_file(flite: Flite, text: str):
    assert flite.say(text, language="en").startswith(b"RIFF")


def test_flite_knows_english_alone(flite: Flite):
    assert [flite.knows(one) for one in ("en", "en-US", "de")] == [True, True, False]


def test_a_program_that_is_not_there_or_fails_says_nothing(tmp_path: Path):
    for binary in (tmp_path / "gone", Path("/bin/false"), Path("/bin/true")):
        with pytest.raises(CannotSpeak):
            Flite(binary).say(TEXT, language="en")


def test_a_program_that_does_not_end_is_killed():
    with pytest.raises(DidNotWork, match="not done"):
        program.run(["/bin/sleep", "60"], within=0.05, limits=Limits())


def test_a_service_is_asked_for_the_text_in_its_voice(stub: StubServer):
    stub.answer = sounds
    assert openai(stub).say(TEXT, language="de") == SOUND
    (request,) = stub.requests
    assert request.handler.path == "/v1/audio/speech"
    asked = {"input": TEXT, "model": "tiny", "voice": "alloy", "response_format": "wav"}
    assert request.body == asked
    assert stub.headers[0]["authorization"] == "Bearer sk-secret"


def test_piper_is_asked_for_the_text(stub: StubServer):
    stub.answer = sounds
    assert piper(stub).say(TEXT, language="de") == SOUND
    assert (stub.requests[0].handler.path, stub.requests[0].body) == ("/v1/", {"text": TEXT})


@pytest.mark.parametrize("made", [openai, piper])
@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 503])
def test_a_refusal_is_told_and_nothing_else_is_tried(
    stub: StubServer, made: Callable[[StubServer], Voice], status: int
):
    stub.answer = lambda request: request.refuses(status)
    with pytest.raises(CannotSpeak) as told:
        made(stub).say(TEXT, language="en")
    assert TEXT not in told.value.reason
    assert len(stub.requests) == 1


@pytest.mark.parametrize("made", [openai, piper])
def test_one_that_does_not_answer_is_given_up_and_then_left_alone(
    stub: StubServer, made: Callable[[StubServer], Voice], monkeypatch: pytest.MonkeyPatch
):
    stub.answer = lambda _request: stub.over.wait(20) and None
    monkeypatch.setattr(spoken_elsewhere, "WITHIN", 0.2)
    voice = made(stub)
    for _ in range(3):
        with pytest.raises(CannotSpeak, match="timed out"):
            voice.say(TEXT, language="en")
    with pytest.raises(CannotSpeak, match="left alone"):
        voice.say(TEXT, language="en")
    assert len(stub.requests) == 3


@pytest.mark.parametrize("made", [openai, piper])
def test_one_that_never_stops_is_cut_off(
    stub: StubServer, made: Callable[[StubServer], Voice], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(spoken_elsewhere, "LARGEST", 1000)
    stub.answer = lambda request: request.sends(b"x" * 5000, kind="audio/wav")
    with pytest.raises(CannotSpeak, match="without end"):
        made(stub).say(TEXT, language="en")


def test_one_that_is_not_there_cannot_be_reached():
    for voice in (
        PiperService("http://127.0.0.1:9"),
        SpeechService(Endpoint(url="http://127.0.0.1:9/v1", model="m"), "v"),
    ):
        with pytest.raises(CannotSpeak, match="cannot be reached"):
            voice.say(TEXT, language="en")
