"""What listeners are held to, and how well the embedded one hears."""

from __future__ import annotations

import random
import threading
import time
from array import array
from pathlib import Path

import pytest

from qualz.ai.hearing import CannotHear, Heard, Word, patiently, seconds_of, tidied
from qualz.ai.pocketsphinx_listener import PocketsphinxListener
from qualz.tools import find_flite
from tests.ai.spoken import corpus, misheard, speak

WORST = 0.15


@pytest.fixture(scope="session")
def flite() -> str:
    found = find_flite()
    if found is None:
        pytest.skip("no flite: apt-get install flite")
    return str(found)


@pytest.fixture(scope="module")
def listener() -> PocketsphinxListener:
    return PocketsphinxListener()


def noise(seconds: float, loudness: float) -> bytes:
    dice = random.Random(1)
    return array(
        "h", (int(dice.gauss(0, loudness)) for _ in range(int(16_000 * seconds)))
    ).tobytes()


@pytest.mark.long
def test_of_clear_speech_at_most_every_seventh_word_is_misheard(
    flite: str, listener: PocketsphinxListener, tmp_path: Path
):
    errors = words = 0
    seconds, began = 0.0, time.process_time()
    for said, sound in corpus(flite, tmp_path):
        heard = listener.hear(sound, language="en")
        assert heard.is_draft
        assert heard.text == " ".join(word.text for word in heard.words)
        errors += misheard(said, heard.text)
        words += len(said.split())
        seconds += seconds_of(sound)
    rate = errors / words
    print(f"\nword error rate {rate:.3f} of {words} words, {time.process_time() - began:.1f} s of")
    print(f"work for {seconds:.0f} s of speech")
    assert rate <= WORST


def test_words_have_the_times_at_which_they_are_said(
    flite: str, listener: PocketsphinxListener, tmp_path: Path
):
    sentence = speak(flite, "I have used the product for three years", "kal16", tmp_path / "a.wav")
    pause = bytes(32_000 * 3)
    heard = listener.hear(sentence + pause + sentence, language="en")
    first, second = (word for word in heard.words if word.text == "product")
    assert second.start - first.start == pytest.approx(seconds_of(sentence) + 3, abs=0.1)
    assert all(word.confidence is not None for word in heard.words)


@pytest.mark.parametrize(
    "sound",
    [b"", bytes(100), bytes(32_000 * 5), noise(5, 30)],
    ids=["nothing", "a moment", "silence", "a quiet room"],
)
def test_silence_gives_nothing(listener: PocketsphinxListener, sound: bytes):
    heard = listener.hear(sound, language="en")
    assert (heard.text, heard.words) == ("", ())


def test_it_knows_english_alone(listener: PocketsphinxListener):
    assert [one for one in ("en", "en-GB", "de", "enm") if listener.knows(one)] == ["en", "en-GB"]


def test_times_are_inside_the_sound_in_order_and_plain_numbers():
    class Foreign(float):
        """As numpy's: a float by descent."""

    said = [
        Word(text=" well ", start=-1, end=Foreign(0.4), confidence=Foreign(1.7)),
        Word(text="  ", start=0.5, end=0.6),
        Word(text="yes", start=0.2, end=0.1),
        Word(text="and", start=float("nan"), end=29.7),
        Word(text="no", start=0.1, end=float("inf")),
    ]
    found = tidied(said, 2.0)
    assert [(one.text, one.start, one.end) for one in found] == [
        ("well", 0, 0.4),
        ("yes", 0.2, 0.2),
        ("and", 0.2, 2.0),
        ("no", 0.2, 2.0),
    ]
    assert all(type(one.start) is type(one.end) is float for one in found)
    assert found[0].confidence == 1
    assert found[0].as_json(after=10) == {"w": "well", "s": 10.0, "e": 10.4, "p": 1.0}


def test_who_waits_for_a_listener_gives_signs_of_life_and_does_not_wait_for_ever():
    over = threading.Event()
    beats: list[int] = []

    def never() -> Heard:
        over.wait(20)
        return Heard(text="too late", engine="slow")

    with pytest.raises(CannotHear, match="too long"):
        patiently(never, within=1.2, beat=lambda: beats.append(1))
    over.set()
    assert beats


@pytest.mark.parametrize("trouble", [CannotHear("is deaf"), ValueError("odd"), MemoryError()])
def test_what_a_listener_raises_comes_out(trouble: Exception):
    def fails() -> Heard:
        raise trouble

    with pytest.raises(type(trouble)):
        patiently(fails, within=5)
