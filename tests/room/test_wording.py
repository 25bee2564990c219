"""The participants' pages in their languages: complete, up to date, and nothing left in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.support import NullTranslations
from flask import Flask
from flask.testing import FlaskClient

from qualz import wording
from qualz.ai.language import Language
from qualz.database import db
from qualz.page_language import Catalogues
from qualz.resume_link import ResumeLink
from qualz.settings import Settings
from qualz.study import Camera, Study
from scripts.update_catalogues import extracted
from tests.room.conftest import Participant

ROOT = Path(__file__).parents[2]
OTHERS = wording.known()[1:]
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+>")
IN_SCRIPTS = re.compile(r'\btranslate\(\s*"((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module")
def source() -> Catalog:
    return extracted()


def messages(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def test_there_are_five_languages_and_those_of_the_moderator_are_among_them():
    assert {"en", "de", "es", "fr", "pt"} <= set(wording.known())
    assert {language.code for language in Language.known()} <= set(wording.known())


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_has_just_the_words_that_there_are(code: str, source: Catalog):
    """Else: scripts/update_catalogues.py, and translate."""
    here = {(message.id, message.context): message for message in messages(wording.read(code))}
    assert set(here) == {(message.id, message.context) for message in messages(source)}
    for message in messages(source):
        ours = [path for path, _ in here[message.id, message.context].locations]
        assert sorted(ours) == sorted({path for path, _ in message.locations}), message.id


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_is_complete_and_fits(code: str):
    for message in messages(wording.read(code)):
        assert not message.fuzzy, message.id
        of_source = PLACEHOLDER.findall(forms(message.id)[-1])
        for text in forms(message.string):
            assert text.strip(), message.id
            assert sorted(PLACEHOLDER.findall(text)) == sorted(of_source), message.id
            # It is put into attributes as it is.
            assert '"' not in text, message.id


def test_the_scripts_say_nothing_that_is_not_extracted(source: Catalog):
    found = {text for path in (ROOT / "static/js").rglob("*.js") for text in _said_in(path)}
    assert found == {
        message.id
        for message in messages(source)
        if any(path.startswith(wording.SCRIPTS) for path, _ in message.locations)
    }
    assert wording.of_scripts("de").keys() == found


def _said_in(path: Path) -> list[str]:
    # By its call: what else is given to it could not be extracted.
    text = path.read_text()
    said = IN_SCRIPTS.findall(text)
    calls = len(re.findall(r"\btranslate\(", text)) - text.count("function translate(")
    assert len(said) == calls, path
    return said


@pytest.mark.parametrize("code", wording.known())
def test_the_moderator_names_the_buttons_as_the_page_does(code: str):
    said = Language.of(code).said
    for name in ("closing", "out_of_time", "stopped"):
        assert wording.in_language("Finish", code) in said[name]
    assert wording.in_language("Stop", code) in said["stopping"]


# ---- a language of which nothing can be mistaken for English

BOLD = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "".join(chr(0x1D5EE + n) for n in range(26)) + "".join(chr(0x1D5D4 + n) for n in range(26)),
)
KEPT = re.compile(r"(%\(\w+\)s|<[^>]+>)")
READ = {"aria-label", "title", "placeholder", "alt"}


def disguised(text: str) -> str:
    """The same in mathematical letters, but for tags and what stands for a value."""
    parts = KEPT.split(text)
    return "".join(part if KEPT.fullmatch(part) else part.translate(BOLD) for part in parts)


class Disguise(NullTranslations):
    def gettext(self, message: str) -> str:
        return disguised(message)

    ugettext = gettext

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return disguised(singular if number == 1 else plural)

    ungettext = ngettext


class Seen(HTMLParser):
    """All that somebody reads or hears of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._unread = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._unread += tag in ("script", "style")
        self.texts += [value or "" for name, value in attributes if name in READ]

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.texts.append(data)

    @property
    def english(self) -> list[str]:
        found = (text.replace("Qualz", "").strip() for text in self.texts)
        return [text for text in found if re.search("[a-zA-Z]{2}", text)]


@pytest.fixture
def disguised_study(app: Flask, study: Study) -> Study:
    """Its own words have no Latin letters, and the pages' are disguised."""

    class Disguised(Catalogues):
        def get_translations(self) -> NullTranslations:
            return Disguise()

    app.extensions["babel"].instance.domain_instance = Disguised()
    study.title = study.consent_text = study.ending_text = "Ж"
    study.guide.kept_questions = [{**one, "text": "Ж?"} for one in study.guide.kept_questions]
    study.camera = Camera.ON_BY_DEFAULT
    db.session.commit()
    return study


def test_no_page_of_the_room_has_english_words_of_its_own(
    participant: Participant, disguised_study: Study, settings: Settings
):
    study, client = disguised_study, participant.client
    door = f"/i/{study.invitation.token}"
    pages = {"door": client.get(door).text, "not agreed": participant.agrees(study).text}
    interview = participant.consents(study)
    link, token = ResumeLink.create(interview, validity=settings.resume_link_validity)
    db.session.commit()
    pages["room"] = client.get(participant.room).text
    pages["question"] = client.get(f"{participant.room}/question").text
    pages["back at the door"] = client.get(door).text
    pages["resume"] = client.get(f"/r/{token}").text
    link.revoke()
    interview.complete()
    study.state = Study.State.DRAFT
    db.session.commit()
    pages["over"] = client.get(participant.room).text
    pages["unusable"] = client.get(f"/r/{token}").text
    pages["not open"] = client.get(door).text
    pages["nowhere"] = client.get("/i/nothing").text
    assert len(pages) == 10
    for name, page in pages.items():
        # Where they were is told by the moderator, in its own words for the study's language.
        assert not Seen(page.replace("We had only just begun.", "")).english, name


# ---- which language a page speaks


@pytest.mark.parametrize(
    ("language", "page", "words"),
    [
        ("en", 'lang="en" dir="ltr"', "What you agree to"),
        ("de", 'lang="de" dir="ltr"', "Womit Sie einverstanden sind"),
        ("fr", 'lang="fr" dir="ltr"', "Ce que vous acceptez"),
        ("es", 'lang="es" dir="ltr"', "Lo que acepta"),
        ("pt", 'lang="pt" dir="ltr"', "Com o que você concorda"),
        ("ar", 'lang="en" dir="ltr"', "What you agree to"),
    ],
)
def test_a_page_speaks_the_studys_language_or_english(
    client: FlaskClient, study: Study, language: str, page: str, words: str
):
    study.language = language
    db.session.commit()
    answer = client.get(f"/i/{study.invitation.token}", headers={"Accept-Language": "it, es"})
    assert f"<html {page}>" in answer.text
    assert words in answer.text
    own = '<h1 class="door__title" lang="ar" dir="rtl">Search habits' in answer.text
    assert own == (language == "ar")


def test_where_no_study_is_known_the_browser_says_in_which_language(client: FlaskClient):
    answer = client.get("/i/nothing", headers={"Accept-Language": "nl, de-AT;q=0.8, en;q=0.5"})
    assert '<html lang="de" dir="ltr">' in answer.text
    assert "Dieser Link führt nirgendwohin" in answer.text


def test_the_dashboard_stays_english(client: FlaskClient, ada: object):
    page = client.get("/sign-in", headers={"Accept-Language": "de"}).text
    assert '<html lang="en" dir="ltr">' in page
    assert "Skip to the content" in page


def test_the_room_brings_its_scripts_their_words(participant: Participant, study: Study):
    study.language = "de"
    db.session.commit()
    participant.consents(study)
    assert "Wird gesendet" in participant.client.get(participant.room).text
