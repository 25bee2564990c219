"""A listener behind an OpenAI-compatible server, with the habits of those that people run."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qualz.ai import hearing_trial, transcription
from qualz.ai.breaker import REST, Breaker
from qualz.ai.endpoint import Endpoint
from qualz.ai.hearing import CannotHear, Heard, Listener
from qualz.ai.pocketsphinx_listener import PocketsphinxListener
from qualz.ai.stand_in import StoodInFor
from qualz.ai.transcription import Transcription
from tests.ai.spoken import misheard
from tests.ai.stub_server import Request, StubServer, stub_server

SAMPLE = Path(__file__).parent.parent / "samples" / "speech.wav"
TEXT = "I have used the product"
WORDS = [{"word": "I", "start": 0.2, "end": 0.3}, {"word": "have", "start": 0.3, "end": 99}]


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with stub_server() as server:
        yield server


@pytest.fixture(scope="module")
def speech() -> bytes:
    """Two seconds of somebody who speaks, each third sample of what was recorded."""
    with wave.open(str(SAMPLE)) as file:
        recorded = file.readframes(file.getframerate() * 2)
    samples = memoryview(recorded).cast("h")[::3]
    return samples.tobytes()


def endpoint(stub: StubServer) -> Endpoint:
    return Endpoint(url=stub.url, model="tiny", key="sk-secret")


def listener(stub: StubServer) -> Transcription:
    return Transcription(endpoint(stub))


def fields(stub: StubServer) -> list[str]:
    """What form each request asked for."""
    asked = [request.body for request in stub.requests]
    return [
        one["response_format"].decode() + (" words" if "timestamp_granularities[]" in one else "")
        for one in asked
    ]


def sends(**answer: object) -> Callable[[Request], None]:
    return lambda request: request.sends(json.dumps(answer))


def test_text_and_words_come_back_and_the_sound_went_out_whole(stub: StubServer, speech: bytes):
    stub.answer = sends(text=f" {TEXT} ", words=WORDS)
    heard = listener(stub).hear(speech, language="en-GB")
    assert (heard.text, heard.engine, heard.is_draft) == (TEXT, "tiny", False)
    assert [(word.text, word.start, word.end) for word in heard.words] == [
        ("I", 0.2, 0.3),
        ("have", 0.3, pytest.approx(2.0, abs=0.01)),
    ]
    (request,) = stub.requests
    assert request.body["language"] == b"en"
    assert stub.headers[0]["authorization"] == "Bearer sk-secret"
    with wave.open(io.BytesIO(request.body["file"])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.readframes(10**9) == speech


@pytest.mark.parametrize(
    ("knows", "asked"),
    [("verbose_json", 2), ("json", 3)],
    ids=["no words", "no verbose_json"],
)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_what_a_server_does_not_offer_is_done_without_and_remembered(
    stub: StubServer, speech: bytes, knows: str, asked: int, status: int
):
    def answer(request: Request) -> None:
        if request.body["response_format"] == knows.encode() and (
            "timestamp_granularities[]" not in request.body
        ):
            request.sends(json.dumps({"text": TEXT}))
        else:
            request.refuses(status)

    stub.answer = answer
    one = listener(stub)
    assert one.hear(speech, language="en").text == TEXT
    assert len(stub.requests) == asked
    assert one.hear(speech, language="en").words == ()
    assert fields(stub)[asked:] == [knows]
    assert one.form == asked - 1


def test_a_server_that_is_ill_is_not_spoken_to_plainly_for_ever(stub: StubServer, speech: bytes):
    stub.answer = lambda request: request.refuses(500)
    one = listener(stub)
    with pytest.raises(CannotHear, match="answers with 500"):
        one.hear(speech, language="en")
    stub.answer = sends(text=TEXT)
    one.hear(speech, language="en")
    assert fields(stub)[-1] == "verbose_json words"


@pytest.mark.parametrize(
    "body",
    ["", "<html>", "[]", '"text"', '{"text": null}', '{"no": "text"}', '{"text": ["a"]}'],
)
def test_garbage_is_not_heard(stub: StubServer, speech: bytes, body: str):
    stub.answer = lambda request: request.sends(body)
    with pytest.raises(CannotHear):
        listener(stub).hear(speech, language="en")


@pytest.mark.parametrize(
    "words",
    [None, 7, ["I"], [{"word": "I"}], [{"word": "I", "start": "soon", "end": 1}], [None]],
)
def test_odd_words_cost_the_words_alone(stub: StubServer, speech: bytes, words: object):
    stub.answer = sends(text=TEXT, words=words)
    heard = listener(stub).hear(speech, language="en")
    assert (heard.text, heard.words) == (TEXT, ())


def test_a_server_that_does_not_answer_is_given_up(
    stub: StubServer, speech: bytes, monkeypatch: pytest.MonkeyPatch
):
    stub.answer = lambda _request: stub.over.wait(20) and None
    monkeypatch.setattr(transcription, "LONGEST", 0.5)
    with pytest.raises(CannotHear, match="timed out"):
        listener(stub).hear(speech, language="en")


@pytest.mark.parametrize("status", [401, 404, 429])
def test_a_refusal_is_told_in_words(stub: StubServer, speech: bytes, status: int):
    stub.answer = lambda request: request.refuses(status)
    with pytest.raises(CannotHear):
        listener(stub).hear(speech, language="en")
    assert len(stub.requests) == 1


def test_silence_is_not_sent(stub: StubServer):
    assert listener(stub).hear(bytes(64_000), language="en").text == ""
    assert stub.requests == []


# ---- one that fails, and who hears meanwhile


class English(Listener):
    """Hears always the same, and English alone."""

    name = "own"

    def knows(self, language: str) -> bool:
        return language == "en"

    def hear(self, sound: bytes, *, language: str) -> Heard:
        return Heard(text="roughly", engine=self.name, is_draft=True)


@pytest.mark.parametrize("trouble", ["refuses", "answers garbage"])
def test_one_that_failed_three_times_rests_for_five_minutes_and_is_asked_again(
    stub: StubServer, speech: bytes, trouble: str
):
    at = [0.0]
    one = Transcription(endpoint(stub), breaker=Breaker(now=lambda: at[0]))
    if trouble == "refuses":
        stub.answer = lambda request: request.refuses(503)
    else:
        stub.answer = lambda request: request.sends("<html>")
    for _ in range(3):
        with pytest.raises(CannotHear):
            one.hear(speech, language="en")
    stub.answer = sends(text=TEXT)
    asked = len(stub.requests)
    with pytest.raises(CannotHear, match="left alone for five minutes"):
        one.hear(speech, language="en")
    assert len(stub.requests) == asked
    at[0] = REST + 1
    assert one.hear(speech, language="en").text == TEXT


def test_while_it_fails_and_while_it_rests_the_servers_own_listener_hears(
    stub: StubServer, speech: bytes
):
    one = StoodInFor(listener(stub), English())
    stub.answer = lambda request: request.refuses(503)
    heard = [one.hear(speech, language="en") for _ in range(5)]
    assert {(each.text, each.engine, each.is_draft) for each in heard} == {("roughly", "own", True)}
    assert len(stub.requests) == 3
    # Nobody here knows German, so the answer's length has to do.
    assert one.knows("de")
    with pytest.raises(CannotHear):
        one.hear(speech, language="de")


def test_the_servers_own_listener_has_nothing_to_do_while_the_service_hears(
    stub: StubServer, speech: bytes
):
    stub.answer = sends(text=TEXT)
    assert StoodInFor(listener(stub), English()).hear(speech, language="en").engine == "tiny"


# ---- a trial


def test_a_trial_says_what_was_heard_how_long_it_took_and_whether_words_had_times(
    stub: StubServer,
):
    stub.answer = sends(text=TEXT, words=WORDS)
    found = hearing_trial.run(endpoint(stub))
    assert (found.text, found.timed_words, found.form_name) == (TEXT, 2, "verbose_json")
    assert found.is_usable
    assert 0 < found.seconds < 10
    sent = {request.body["file"] for request in stub.requests}
    assert sent == {transcription.as_wav(hearing_trial.sample())}


def test_a_trial_of_one_that_fails_says_why_and_what_it_offers(stub: StubServer):
    stub.answer = lambda request: request.refuses(404)
    found = hearing_trial.run(endpoint(stub))
    assert (found.reason, found.models) == ("knows no such address or model", ("tiny",))
    assert not found.is_usable


def test_the_sentence_of_the_trial_is_what_it_is_said_to_be():
    heard = PocketsphinxListener().hear(hearing_trial.sample(), language="en").text
    said = hearing_trial.SENTENCE.replace(",", "").removesuffix(".")
    assert misheard(said, heard) <= 1
