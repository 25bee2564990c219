"""The guide's editor: sections, what a question can be, pictures, and all of it without scripts."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz.dashboard.rearranging import moved
from qualz.database import db
from qualz.guide import Section
from qualz.question import WAS_SKIPPED, Condition, Kind, Option, Question, Stimulus, Wording
from qualz.study import Study
from tests.dashboard.conftest import HTMX

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
BOATS = Question(
    id="own",
    text="Which boat is yours?",
    options=(Option(id="sail", text="A sailing boat"), Option(id="no", text="None", ends=True)),
)
FREE = Question(
    id="free",
    text="What annoys you at sea?",
    wording=Wording.FREE,
    goals=("names a moment", "says what followed"),
    must_ask=False,
    priority=3,
    seconds=90.0,
    sensitive=True,
    stimulus=Stimulus(kind=Kind.LINK, source="https://example.org/", alt="A chart"),
    show_if=Condition(question="own", answers=("sail", WAS_SKIPPED)),
)


def address(study: Study, rest: str = "") -> str:
    return f"/studies/{study.public_id}/set-up/guide{rest}"


def typed_on(page: str) -> dict[str, Any]:
    """What a browser would send of the guide's form, in the order of the page."""
    sent: dict[str, list[str]] = {}
    form = page[page.index('id="questions"') : page.index("data-undo hidden")]
    pattern = re.compile(
        r"<input([^>]*)>|<textarea([^>]*)>\s*([^<]*)</textarea>|<select([^>]*)>(.*?)</select>", re.S
    )
    for match in pattern.finditer(form):
        attributes = match[1] or match[2] or match[4]
        name = re.search(r'name="([^"]+)"', attributes)
        if name is None or 'type="file"' in attributes:
            continue
        if match[1]:
            if 'type="checkbox"' in attributes and " checked" not in attributes:
                continue
            found = re.search(r'value="([^"]*)"', attributes)
            value = found[1] if found else ""
        elif match[2]:
            value = match[3].strip()
        else:
            options = re.search(r'<option[^>]*selected[^>]*value="([^"]*)"', match[5])
            options = options or re.search(r'<option value="([^"]*)" selected', match[5])
            value = options[1] if options else re.search(r'value="([^"]*)"', match[5])[1]
        sent.setdefault(name[1], []).append(value)
    return sent


@pytest.fixture
def sailing(study: Study) -> Study:
    study.revise_guide(
        [
            Section(id="a", title="Boats", questions=(BOATS,)),
            Section(id="b", title="Weather", questions=(FREE,)),
        ]
    )
    db.session.commit()
    return study


def test_what_the_editor_shows_is_saved_as_it_was(adas: FlaskClient, sailing: Study):
    sections = sailing.guide.sections
    typed = typed_on(adas.get(address(sailing)).text)
    answer = adas.post(address(sailing), data={**typed, "go": "done"})
    assert answer.status_code == 302
    assert sailing.unsaved == {}
    assert sailing.guide.sections == sections


def test_a_heading_begins_a_section_and_a_question_moves_into_it(adas: FlaskClient, sailing: Study):
    typed = typed_on(adas.get(address(sailing)).text) | {"go": "up:free"}
    adas.post(address(sailing), data=typed)
    typed = typed_on(adas.get(address(sailing)).text)
    assert typed["question"] == ["s:a", "own", "free", "s:b"]
    page = adas.post(address(sailing), data=typed, follow_redirects=True).text
    assert "Write a question below it, or remove the section." in page


def test_removing_a_section_with_questions_is_asked_about_first(adas: FlaskClient, sailing: Study):
    typed = typed_on(adas.get(address(sailing)).text)
    page = adas.post(address(sailing), data={**typed, "go": "remove:s:b"}, follow_redirects=True)
    assert typed_on(page.text)["question"] == ["s:a", "own", "s:b", "free"]
    asked = re.search(r"data-confirm\s*>", page.text)
    assert asked, "nobody asks"
    adas.post(address(sailing), data={**typed, "go": "remove-all:s:b"})
    assert typed_on(adas.get(address(sailing)).text)["question"] == ["s:a", "own"]


@pytest.mark.parametrize(
    ("name", "up", "then"),
    [
        ("s:2", True, "a s:2 d s:1 b c"),
        ("s:1", False, "a s:2 d s:1 b c"),
        ("s:1", True, "a s:1 b c s:2 d"),
        ("d", True, "a s:1 b c d s:2"),
    ],
)
def test_a_section_moves_with_its_questions(name: str, up: bool, then: str):
    assert moved(["a", "s:1", "b", "c", "s:2", "d"], name, up=up) == then.split()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"question-own-option-no-text": ""}, "Give two answers or more"),
        ({"question-free-link": "example"}, "Write the whole address"),
        ({"question-free-after_answers": []}, "Tick the answers after which it is asked."),
        ({"question-free-minutes": "soon"}, "Write minutes, like 2 or 1.5"),
        ({"question-free-shown": "file"}, "Choose the picture or film"),
        ({"section-b-title": ""}, "Name the section, or remove it."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    adas: FlaskClient, sailing: Study, wrong: dict[str, Any], said: str
):
    typed = typed_on(adas.get(address(sailing)).text) | wrong
    page = adas.post(address(sailing), data={**typed, "go": "next"}, follow_redirects=True).text
    assert page.count(said) == 2


def test_the_answers_to_rest_on_are_shown_anew_when_they_change(adas: FlaskClient, sailing: Study):
    typed = typed_on(adas.get(address(sailing)).text)
    draft = f"/studies/{sailing.public_id}/drafts/guide"
    assert "condition-free" not in adas.put(draft, data=typed, headers=HTMX).text
    typed["question-own-option-sail-text"] = ["A yacht"]
    fresh = adas.put(draft, data=typed, headers=HTMX).text
    assert 'id="condition-free"' in fresh
    assert "A yacht" in fresh


def test_a_picture_is_taken_shown_and_kept_with_its_question(adas: FlaskClient, sailing: Study):
    to = address(sailing, "/stimuli/own")
    sent = {"upload-own": (io.BytesIO(PNG), "boat.exe")}
    partial = adas.post(to, data=sent, headers=HTMX).text
    source = re.search(r'name="question-own-source" value="([^"]+)"', partial)[1]
    file = source.rpartition("/")[2]
    shown = adas.get(f"/studies/{sailing.public_id}/stimuli/{file}")
    assert (shown.data, shown.mimetype) == (PNG, "image/png")
    shown.close()
    typed = typed_on(adas.get(address(sailing)).text)
    typed |= {"question-own-source": source, "question-own-shown": "file", "go": "done"}
    adas.post(address(sailing), data=typed)
    assert sailing.guide.questions[0].stimulus == Stimulus(kind=Kind.IMAGE, source=source)


def test_without_scripts_a_picture_comes_with_the_form(adas: FlaskClient, sailing: Study):
    typed = typed_on(adas.get(address(sailing)).text)
    sent = {**typed, "upload-own": (io.BytesIO(PNG), "boat.png"), "section-a-title": "Ships"}
    answer = adas.post(address(sailing, "/stimuli/own"), data=sent, follow_redirects=True)
    assert 'value="Ships"' in answer.text
    assert re.search(r'name="question-own-source" value="stimuli/', answer.text)


def test_what_is_no_picture_or_too_large_is_refused_in_words(
    adas: FlaskClient, sailing: Study, app: Flask
):
    to = address(sailing, "/stimuli/own")
    script = {"upload-own": (io.BytesIO(b"<svg onload=alert(1)>"), "boat.png")}
    refused = adas.post(to, data=script, headers=HTMX)
    assert refused.status_code == 422
    assert "Choose a PNG" in refused.text
    huge = {"upload-own": (io.BytesIO(PNG), "boat.png")}
    refused = adas.post(
        to, data=huge, headers=HTMX, environ_overrides={"CONTENT_LENGTH": str(2**30)}
    )
    assert refused.status_code == 422
    assert "at most 100 MB" in refused.text


def test_a_strangers_browser_gets_neither_pictures_nor_the_editor(
    strangers: FlaskClient, sailing: Study
):
    sent = {"upload-own": (io.BytesIO(PNG), "boat.png")}
    assert strangers.post(address(sailing, "/stimuli/own"), data=sent).status_code == 404
    file = f"/studies/{sailing.public_id}/stimuli/{'0' * 64}.png"
    assert strangers.get(file).status_code == 404
    assert strangers.get(address(sailing, "/sections/new")).status_code == 404


def test_hints_stand_beside_their_questions_and_follow_what_is_typed(
    adas: FlaskClient, sailing: Study
):
    page = adas.get(address(sailing)).text
    assert 'data-kind="unread"' in page
    typed = typed_on(page)
    typed["question-free-text"] = ["Do you like the sea?"]
    fresh = adas.put(f"/studies/{sailing.public_id}/drafts/guide", data=typed, headers=HTMX).text
    _, _, beside = fresh.partition('id="hints-free"')
    assert 'data-kind="closed"' in beside.partition("</ul>")[0]
    assert adas.post(address(sailing), data={**typed, "go": "done"}).status_code == 302
    assert sailing.guide.questions[1].text == "Do you like the sea?"


def test_a_dry_run_tells_lengths_and_coverage_and_keeps_nothing(
    adas: FlaskClient, strangers: FlaskClient, sailing: Study
):
    there = f"/studies/{sailing.public_id}/dry-run"
    assert there in adas.get(f"/studies/{sailing.public_id}/guide").text
    partial = adas.get(there, headers=HTMX).text
    assert "Half take up to" in partial
    assert "What annoys you at sea?" in partial
    assert "by chance, in English, and" in partial
    assert "<html" not in partial
    assert "<html" in adas.get(there).text
    assert sailing.interviews == []
    assert strangers.get(there).status_code == 404
    sailing.language = "de"
    assert "by chance, in German, and" in adas.get(there).text
    sailing.language = "ja"
    assert "in English for want of phrases in the study’s language" in adas.get(there).text
