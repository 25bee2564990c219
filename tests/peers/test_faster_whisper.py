"""The real faster-whisper, with a model that was made here: what it gives is fit to be kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qualz.ai import hearing_trial
from qualz.ai.hearing import CannotHear, seconds_of
from qualz.ai.whisper_listener import WhisperListener

pytestmark = pytest.mark.long


@pytest.fixture(scope="module", autouse=True)
def is_installed() -> None:
    if not WhisperListener.is_installed():
        pytest.skip("no faster-whisper: pip install .[whisper]")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.peers import tiny_whisper

    return tiny_whisper.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def listener(model: Path) -> WhisperListener:
    listener = WhisperListener(str(model))
    listener.warm_up()
    return listener


def test_its_words_are_plain_in_order_and_inside_the_sound(
    listener: WhisperListener, monkeypatch: pytest.MonkeyPatch
):
    """Random weights doubt that anybody speaks; here that is not the question."""
    monkeypatch.setattr("qualz.ai.whisper_listener._NO_SPEECH", 2.0)
    sound = hearing_trial.sample()
    heard = listener.hear(sound, language="en-GB")
    assert heard.engine.startswith("faster-whisper ")
    assert not heard.is_draft
    assert heard.text
    assert heard.words
    # As the database takes it: faster-whisper's own numbers are none that JSON knows.
    kept = json.loads(json.dumps([word.as_json() for word in heard.words]))
    ends = seconds_of(sound)
    starts = [word["s"] for word in kept]
    assert starts == sorted(starts)
    assert all(0 <= word["s"] <= word["e"] <= ends + 0.001 for word in kept)
    assert all(0 <= word["p"] <= 1 for word in kept)


def test_silence_gives_nothing(listener: WhisperListener):
    heard = listener.hear(bytes(32_000 * 5), language="en")
    assert (heard.text, heard.words) == ("", ())


def test_from_silence_its_model_would_invent_words(listener: WhisperListener):
    """Else the test before says nothing."""
    import numpy

    invented, _ = listener._loaded.transcribe(
        numpy.zeros(16_000 * 5, numpy.float32), language="en", vad_filter=False, temperature=0.0
    )
    assert any(one.text.strip() for one in invented)


@pytest.mark.parametrize("model", ["nowhere/at-all", "/no/such/folder"])
def test_a_model_that_cannot_be_had_is_told_in_words(model: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CannotHear, match="cannot load"):
        WhisperListener(model).hear(hearing_trial.sample(), language="en")
