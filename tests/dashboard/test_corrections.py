"""Corrections of what was heard: who comes second is told, and what was heard is kept."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from qualz import export, search
from qualz.conversation import Act
from qualz.correction import Correction
from qualz.database import db
from qualz.export import Form
from qualz.interview import Interview
from qualz.study import Study
from qualz.turn import Manner, Speaker, Turn
from tests.dashboard.conftest import HTMX, of
from tests.dashboard.test_recordings import words_of

HEARD = "we all weighs ask the clark"


@pytest.fixture
def turn(interview: Interview) -> Turn:
    """An answer as a machine has misheard it."""
    interview._append(Turn(speaker=Speaker.MODERATOR, act=Act.QUESTION, text="How do you search?"))
    interview._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SPOKEN, text=HEARD))
    interview.make_findable()
    db.session.commit()
    return interview.turns[1]


@pytest.fixture
def address(study: Study, interview: Interview, turn: Turn) -> str:
    return of(study, interview, "/turns/2/correction")


def seen_in(form: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', form)
    assert found
    return found[1]


def opens(browser: FlaskClient, address: str) -> str:
    return seen_in(browser.get(address, headers=HTMX).text)


def saves(browser: FlaskClient, address: str, text: str, seen: str) -> tuple[int, str]:
    answer = browser.post(address, data={"text": text, "seen": seen}, headers=HTMX)
    return answer.status_code, answer.text


def found(word: str) -> list[int]:
    ids = search.found_by(word)
    assert ids is not None
    return list(db.session.scalars(ids))


def test_a_correction_is_read_found_and_exported_and_the_original_is_one_tap_away(
    adas: FlaskClient, address: str, interview: Interview, turn: Turn
):
    status, page = saves(adas, address, "We always ask\r\nthe clerk ", opens(adas, address))
    assert status == 200
    assert "We always ask\nthe clerk" in page
    assert f"Heard as: {HEARD}" in words_of(page)
    assert "Edited by Ada" in words_of(page)
    assert found("clerk") == [interview.id]
    assert found("clark") == []
    for form in (Form.TXT, Form.VTT, Form.MD, Form.CSV):
        written = export.export(interview, form).decode()
        assert "clerk" in written
        assert "clark" not in written
    told = json.loads(export.export(interview, Form.JSON))["turns"][1]
    assert told["text"] == "We always ask\nthe clerk"
    assert told["correction"]["original"] == HEARD
    assert told["correction"]["by"] == "Ada"


def test_taking_it_back_shows_what_was_heard_and_keeps_who_wrote_what(
    adas: FlaskClient, address: str, interview: Interview, turn: Turn
):
    _, page = saves(adas, address, "the clerk", opens(adas, address))
    undo = re.search(r'hx-delete="([^"]+)"', page)
    assert undo
    page = adas.delete(undo[1], headers=HTMX).text
    assert HEARD in page
    assert "Edited by" not in page
    assert found("clark") == [interview.id]
    kept = db.session.scalars(select(Correction).order_by(Correction.number)).all()
    assert [one.text for one in kept] == ["the clerk", None]
    # Done twice, by an old page: it says so and changes nothing.
    assert adas.delete(undo[1], headers=HTMX).status_code == 409


def test_of_two_who_correct_the_same_turn_the_second_sees_both_texts_and_decides(
    adas: FlaskClient, address: str, turn: Turn
):
    first = second = opens(adas, address)
    assert saves(adas, address, "the clerk", first)[0] == 200
    answer = adas.post(address, data={"text": "the <clock>", "seen": second}, headers=HTMX)
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#said-2"
    assert "Ada was sooner" in words_of(answer.text)
    assert "The turn now reads: the clerk" in words_of(answer.text)
    assert "the &lt;clock&gt;</textarea>" in answer.text
    db.session.expire_all()
    assert turn.words == "the clerk"
    assert saves(adas, address, "the <clock>", seen_in(answer.text))[0] == 200
    assert turn.words == "the <clock>"
    assert [one.text for one in turn.corrections] == ["the clerk", "the <clock>"]


def test_hearing_it_again_never_loses_a_correction_and_shows_what_is_heard_now(
    adas: FlaskClient, address: str, study: Study, interview: Interview, turn: Turn
):
    saves(adas, address, "We always ask the clerk", opens(adas, address))
    interview.heard(turn, "we always ask a clerk", is_draft=False)
    db.session.commit()
    page = words_of(adas.get(of(study, interview, "/turns"), headers=HTMX).text)
    assert turn.words == "We always ask the clerk"
    assert f"When it was corrected it read: {HEARD}" in page
    assert "Heard now: we always ask a clerk" in page
    assert found("the") == [interview.id]
    # Who was correcting while it was heard anew is told as well.
    assert saves(adas, address, "x", "0-000000000000")[0] == 422


def test_what_was_not_heard_yet_can_be_written_down(
    adas: FlaskClient, study: Study, interview: Interview, turn: Turn
):
    interview._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SPOKEN))
    db.session.commit()
    address = of(study, interview, "/turns/3/correction")
    assert saves(adas, address, "From memory", opens(adas, address))[0] == 200
    assert "From memory" in export.export(interview, Form.TXT).decode()


def test_what_the_moderator_said_and_other_peoples_interviews_cannot_be_corrected(
    adas: FlaskClient, strangers: FlaskClient, address: str, turn: Turn
):
    moderators = address.replace("/turns/2/", "/turns/1/")
    assert saves(adas, moderators, "x", opens(adas, moderators))[0] == 409
    assert saves(adas, address.replace("/turns/2/", "/turns/9/"), "x", "")[0] == 404
    assert strangers.get(address).status_code == 404
    assert saves(strangers, address, "x", "")[0] == 404
    assert db.session.scalar(select(func.count(Correction.id))) == 0


def test_a_text_that_is_the_same_again_is_no_correction(
    adas: FlaskClient, address: str, turn: Turn
):
    assert saves(adas, address, f" {HEARD}\r\n", opens(adas, address))[0] == 200
    assert turn.corrections == []
    # As a browser sends what somebody types.
    turn.text = "one two\r\nthree"
    db.session.commit()
    assert saves(adas, address, "one two\r\nthree", opens(adas, address))[0] == 200
    assert turn.corrections == []
