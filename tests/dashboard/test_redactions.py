"""Redactions: no page, file, search or answer of the API has the words that were redacted."""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz import captions, clock, codings, correction, export, packing, redacting
from qualz.api_token import ApiToken
from qualz.database import db
from qualz.errors import CannotCorrect, ChangedMeanwhile
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.packing import Wanted
from qualz.part import Part
from qualz.recording import Recording
from qualz.redaction import Redaction
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.search import found_by
from qualz.study import Study
from qualz.turn import Turn
from tests.dashboard.conftest import HTMX, of
from tests.dashboard.test_highlights import address, turn  # noqa: F401
from tests.dashboard.test_recordings import words_of

SECRET = "menu 👍"


@pytest.fixture
def redacted(turn: Turn, ada: Researcher) -> Redaction:  # noqa: F811
    """The second and third word, inside a highlight that was there before."""
    Highlight.mark(turn, 0, "the menu 👍 <b>", by=ada)
    db.session.commit()
    return redacting.redact(turn, 4, SECRET, by=ada, reason="A product's name")


def test_selected_words_are_covered_by_a_press_and_come_back_by_another(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    turn: Turn,  # noqa: F811
):
    place = of(study, interview, "/turns/2/redactions")
    dialog = adas.get(f"{place}/new?start=4&end=10", headers=HTMX).text
    assert 'name="quote" value="menu 👍"' in dialog
    data = {"quote": SECRET, "start": 4, "treatment": "beep", "reason": "A <name>"}
    page = adas.post(place, data=data, headers=HTMX).text
    shown = re.sub(r"<span class=\"redacted\"[^>]*>", "[", page).replace("</span>", "]")
    assert "the [██████] &lt;b&gt; is below the menu I think" in shown
    assert SECRET not in page
    assert "A &lt;name&gt;" in page
    one = db.session.scalars(select(Redaction)).one()
    # Words two and three of an answer whose words take a second each, from 10 s on.
    assert (one.begins_ms, one.ends_ms, one.treatment) == (11_000, 12_500, "beep")
    undone = adas.delete(of(study, interview, f"/redactions/{one.public_id}"), headers=HTMX).text
    assert SECRET in undone
    assert adas.delete(of(study, interview, f"/redactions/{one.public_id}")).status_code == 200


def test_the_words_are_in_no_form_in_which_a_transcript_leaves_the_server(
    redacted: Redaction, interview: Interview, study: Study
):
    forms = {form: export.export(interview, form) for form in export.Form}
    document = zipfile.ZipFile(io.BytesIO(forms.pop(export.Form.DOCX))).read("word/document.xml")
    written = [
        document.decode(),
        *(data.decode() for data in forms.values()),
        captions.webvtt(interview),
        codings.table(Highlight.all_of(study)),
    ]
    for text in written:
        assert "[redacted]" in text.replace("\\", "")
        assert SECRET not in text
        assert "👍" not in text
    told = json.loads(forms[export.Form.JSON])["turns"][1]
    assert told["text"].startswith("the [redacted] <b>")
    assert told["highlights"][0]["quote"] == "the [redacted] <b>"


def test_a_word_that_stands_nowhere_else_finds_its_interview_no_more(
    ada: Researcher,
    interview: Interview,
    turn: Turn,  # noqa: F811
):
    def finds(word: str) -> bool:
        query = found_by(word)
        assert query is not None
        return interview.id in db.session.scalars(query).all()

    assert finds("below")
    one = redacting.redact(turn, turn.text.index("below"), "below", by=ada)
    assert not finds("below")
    assert finds("think")
    redacting.undo(one)
    assert finds("below")


def test_no_address_gives_the_media_while_the_copy_is_made(
    app: Flask,
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    redacted: Redaction,
):
    first, second = interview.recording.parts
    assert adas.get(f"/media/parts/{second.public_id}").status_code == 404
    with adas.get(f"/media/parts/{first.public_id}") as answer:
        assert answer.status_code == 200
    for what in ("full-sessions", "posters", "peaks"):
        assert adas.get(f"/media/{what}/{interview.public_id}").status_code == 404
    page = words_of(adas.get(of(study, interview, "/recording"), headers=HTMX).text)
    assert "It plays when a copy without that is made" in page
    assert "Clip 2" not in page.partition("Show original")[0]
    told = [one.name for one in packing.media_of(interview, Wanted(recording=True))]
    assert told == [", clip 1.webm"]


def test_the_api_gives_neither_the_words_nor_the_sound(
    app: Flask, interview: Interview, redacted: Redaction, ada: Researcher
):
    _, token = ApiToken.create(ada, "A program", validity=None)
    db.session.commit()
    headers = {"Authorization": f"Bearer {token}"}
    client = app.test_client()
    place = f"/api/v1/interviews/{interview.public_id}"
    told = client.get(place, headers=headers).get_json()
    assert told["transcript"][1]["text"].startswith("the [redacted] <b>")
    assert [part["url"] is None for part in told["parts"]] == [False, True]
    assert told["recording"]["url"] is None
    assert client.get(f"{place}/recording", headers=headers).status_code == 404
    assert client.get(f"{place}/parts/2/clip", headers=headers).status_code == 404


def test_the_original_is_shown_and_played_on_request_and_that_is_written_down(
    adas: FlaskClient,
    strangers: FlaskClient,
    study: Study,
    interview: Interview,
    redacted: Redaction,
    caplog: pytest.LogCaptureFixture,
):
    words = of(study, interview, f"/redactions/{redacted.public_id}/original")
    sound = f"/media/originals/{interview.public_id}"
    assert strangers.post(words).status_code == 404
    assert strangers.get(sound).status_code == 404
    caplog.set_level(logging.INFO)
    assert SECRET in adas.post(words, headers=HTMX).text
    with adas.get(sound) as answer:
        assert answer.status_code == 200
    assert "was shown the words that are redacted" in caplog.text
    assert "was shown the sounds and pictures that are redacted" in caplog.text


def test_whoever_may_not_see_originals_neither_reads_nor_undoes_them(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    redacted: Redaction,
    ada: Researcher,
):
    ada.role = Role.RESEARCHER
    db.session.commit()
    place = of(study, interview, f"/redactions/{redacted.public_id}")
    assert adas.post(f"{place}/original").status_code == 403
    assert adas.get(f"/media/originals/{interview.public_id}").status_code == 403
    assert "Show original" not in adas.get(of(study, interview, "/turns"), headers=HTMX).text
    assert "Show original" not in adas.get(of(study, interview, "/recording"), headers=HTMX).text
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert adas.delete(place).status_code == 403
        page = adas.get(of(study, interview, "/turns"), headers=HTMX).text
    assert "Owners and admins can undo it" in page


def test_whoever_redacted_too_much_can_put_that_right_for_a_while(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    turn: Turn,  # noqa: F811
    redacted: Redaction,
    ada: Researcher,
):
    ada.role = Role.RESEARCHER
    db.session.commit()
    place = of(study, interview, "/turns/2/redactions")
    assert "You can undo it for 15 minutes" in adas.get(f"{place}/new", headers=HTMX).text
    # Not what somebody else has hidden from her.
    redacted.author = None
    db.session.commit()
    undo = of(study, interview, f"/redactions/{redacted.public_id}")
    assert adas.delete(undo).status_code == 403
    redacted.author = ada
    db.session.commit()
    assert SECRET in adas.delete(undo, headers=HTMX).text
    assert not turn.redactions


def test_a_turn_with_something_redacted_is_not_corrected_and_shows_no_older_text(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    turn: Turn,  # noqa: F811
    ada: Researcher,
):
    seen = correction.version(turn)
    correction.correct(turn, "the bar is below the menu I think", seen=seen, by=ada)
    redacting.redact(turn, 4, "bar", by=ada)
    with pytest.raises(CannotCorrect):
        correction.correct(turn, "Other", seen=correction.version(turn), by=ada)
    with pytest.raises(ChangedMeanwhile):
        redacting.redact(turn, 4, "bar", by=ada)
    page = adas.get(of(study, interview, "/turns"), headers=HTMX).text
    assert "Edited by" not in page
    assert "👍" not in page


def test_what_is_not_in_the_recording_is_covered_in_the_text_alone(
    ada: Researcher,
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
):
    record(interview)
    interview._append(Turn(speaker="participant", manner="typed", text="Ask Anna about it"))
    recording = finish(interview)
    one = redacting.redact(interview.turns[0], 4, "Anna", by=ada)
    assert not one.is_heard
    assert interview.turns[0].words == "Ask ████ about it"
    assert recording.full_session
    assert recording.state is Recording.State.READY
