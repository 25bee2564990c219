"""The participant's own page: what they said, to read and to take back."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from qualz.database import db
from qualz.interview import Interview
from tests.room.conftest import Participant
from tests.room.test_withdrawals import talked  # noqa: F401


def link_at_the_end(participant: Participant) -> str:
    page = participant.client.get(participant.room).text
    found = re.search(r'href="(/a/[^"]+)"', page)
    assert found
    return found[1]


def test_by_the_link_at_the_end_one_answer_is_taken_back_and_the_others_stay(
    participant: Participant,
    talked: Interview,  # noqa: F811
    client: FlaskClient,
    app: Flask,
):
    link = link_at_the_end(participant)
    written = next(turn for turn in talked.turns if turn.text == "unforgettable")
    address = f"{link}/answers/{written.position}/withdrawal"
    # Any browser will do; but not before the interview is over.
    browser = app.test_client()
    assert "Finish the interview first" in browser.get(link).text
    assert browser.post(address).status_code == 409
    talked.complete()
    db.session.commit()
    page = browser.get(link).text
    assert "unforgettable" in page
    assert page.count("Take back this answer") == 2
    assert browser.post(address).status_code == 303
    page = browser.get(link).text
    assert "unforgettable" not in page
    assert "You took this answer back" in page
    assert page.count("Take back this answer") == 1
    assert browser.get(link).headers["Referrer-Policy"] == "no-referrer"


def test_everything_is_taken_back_by_the_same_link(
    participant: Participant,
    talked: Interview,  # noqa: F811
):
    link = link_at_the_end(participant)
    talked.complete()
    db.session.commit()
    assert participant.client.post(f"{link}/withdrawal").status_code == 303
    gone = participant.client.get(link)
    assert gone.status_code == 410
    assert "Everything you said is deleted" in gone.text


def test_a_link_that_was_changed_leads_nowhere(
    participant: Participant,
    talked: Interview,  # noqa: F811
):
    link = link_at_the_end(participant)
    for wrong in (f"{link}x", link[:-3], "/a/anything"):
        assert participant.client.get(wrong).status_code == 404
        assert participant.client.post(f"{wrong}/withdrawal").status_code == 404
    assert not talked.is_withdrawn
