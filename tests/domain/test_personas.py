"""Personas speak: in each language the moderator knows, and are understood as they are meant."""

from __future__ import annotations

import random
from dataclasses import asdict
from itertools import chain

import pytest

from qualz.ai.language import Language
from qualz.conversation import Act, Exchange
from qualz.personas import STYLES, Persona, Style
from qualz.phrases import Phrases
from qualz.question import Question

QUESTION = Question(id="q", text="?")
ASKED = Exchange(turn=1, act=Act.QUESTION, text="?", question_id="q")
LANGUAGES = [one.code for one in Language.known()]


def answers(style: Style, language: str, heard: Exchange = ASKED) -> list[str]:
    """What forty of that style say to a question."""
    phrases = Phrases.of(language)
    people = (Persona(random.Random(seed), style, phrases) for seed in range(40))
    return [text for one in people if (text := one.replies(heard, QUESTION, ()).text)]


def test_there_are_phrases_in_each_language_of_the_moderator():
    assert LANGUAGES == ["de", "en", "es", "fr", "pt"]
    assert [one.code for one in Phrases.known()] == LANGUAGES
    assert Phrases.of("pt-BR").code == "pt"
    assert Phrases.of("ja").code == "en"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_each_persona_speaks_each_language_and_no_other(style: Style, language: str):
    said = answers(style, language)
    own = Phrases.of(language)
    own_words = set(chain.from_iterable((own.facts, own.short, own.rude, own.evasive)))
    folded = {text.casefold().rstrip(".") for text in own_words}
    assert all(
        any(text.casefold().startswith(phrase) for phrase in folded)
        or text in (own.stops, *own.lost)
        for text in said
    )
    marks = {"code-switching": own.mixed, "contradictory": [own.turns_round]}
    expected = {"rambling": own.filler, "evasive": own.evasive, "hostile": own.rude, **marks}
    telling = expected.get(style.name, own.short)
    assert any(phrase in text for phrase in telling for text in said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_they_are_understood_as_they_are_meant(language: str):
    speech, phrases = Language.of(language), Phrases.of(language)
    assert speech.means("stop", phrases.stops)
    assert speech.means("stop", phrases.stops_here)
    assert sum(speech.means("declines", text) for text in phrases.evasive) == 2
    others = asdict(phrases)
    for name in ("code", "stops", "stops_here", "evasive"):
        del others[name]
    for given in others.values():
        for text in [given] if isinstance(given, str) else given:
            assert not [intent for intent in speech.intents if speech.means(intent, text)], text
    # Else there is nothing for the moderator to take up.
    told = [*phrases.facts, *phrases.short]
    assert sum(speech.has("evaluative", text) for text in told) >= 7
    assert sum(speech.has("event", text) for text in phrases.facts) >= 2


def test_nouns_keep_their_capitals():
    facts = [text for text in answers(STYLES[0], "de") if "Preis" in text or "Handy" in text]
    assert facts


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"facts": ["one"]}, "fewer than 4"),
        ({"rude": []}, "rude is empty"),
        ({"stops": ["one"]}, "stops is a list"),
        ({"filler": "one"}, "filler is no list"),
        ({"lost": [" "]}, "lost is empty"),
        ({"polite": ["one"]}, "unknown: polite"),
    ],
)
def test_a_file_with_something_wrong_in_it_says_what(changes: dict[str, object], complaint: str):
    whole = {
        name: list(given) if isinstance(given, tuple) else given
        for name, given in asdict(Phrases.of("de")).items()
    }
    assert Phrases.read(whole) == Phrases.of("de")
    with pytest.raises(ValueError, match=complaint):
        Phrases.read({**whole, **changes})
