"""The participant's own page: what they said, to read and to take back."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qualz import clock, limits
from qualz.answers_link import MOST, AnswersLink
from qualz.database import db
from qualz.interview import Interview
from qualz.removal import remove_interview
from qualz.room.answers import signed_link_to
from qualz.tokens import digest
from tests.dashboard.conftest import HTMX, of, signed_in
from tests.room.conftest import Participant
from tests.room.test_withdrawals import talked  # noqa: F401


def asks_for_a_link(participant: Participant, token: str | None = None) -> TestResponse:
    address = f"{participant.room}/answers-links"
    return participant.client.post(address, json={"token": token})


def link_at_the_end(participant: Participant, interview: Interview) -> str:
    interview.complete()
    db.session.commit()
    answer = asks_for_a_link(participant)
    assert answer.headers["Cache-Control"] == "no-store"
    address: str = answer.json["address"]
    assert address == f"/a/{answer.json['token']}"
    return address


def test_by_the_link_at_the_end_one_answer_is_taken_back_and_the_others_stay(
    participant: Participant,
    talked: Interview,  # noqa: F811
    client: FlaskClient,
    app: Flask,
):
    # Not before the interview is over, nor while it goes on once more.
    assert asks_for_a_link(participant).status_code == 409
    link = link_at_the_end(participant, talked)
    written = next(turn for turn in talked.turns if turn.text == "unforgettable")
    address = f"{link}/answers/{written.position}/withdrawal"
    talked.reopen()
    db.session.commit()
    # Any browser will do.
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
    link = link_at_the_end(participant, talked)
    assert participant.client.post(f"{link}/withdrawal").status_code == 303
    gone = participant.client.get(link)
    assert gone.status_code == 410
    assert "Everything you said is deleted" in gone.text


def test_a_link_that_was_changed_leads_nowhere_and_guessing_has_to_wait(
    participant: Participant,
    talked: Interview,  # noqa: F811
    app: Flask,
):
    link = link_at_the_end(participant, talked)
    for wrong in (f"{link}x", link[:-3], "/a/anything"):
        assert participant.client.get(wrong).status_code == 410
        assert participant.client.post(f"{wrong}/withdrawal").status_code == 410
    assert not talked.is_withdrawn
    with app.test_request_context(environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        for _ in range(60):
            limits.note(limits.LINK)
    assert participant.client.get(link).status_code == 429


def test_whoever_reloads_the_last_page_sees_the_same_link_and_only_its_digest_is_kept(
    participant: Participant,
    talked: Interview,  # noqa: F811
):
    token = link_at_the_end(participant, talked).rpartition("/")[2]
    assert asks_for_a_link(participant, token).json["token"] == token
    (kept,) = talked.answers_links
    assert kept.token_digest == digest(token)
    # One that leads nowhere any more, or to somebody else's, is not given out again.
    kept.revoke()
    other = Interview.begin(talked.study.invitation)
    _, others = AnswersLink.create(other, validity=timedelta(days=1))
    db.session.commit()
    for held in (token, others, "", 7):
        answer = asks_for_a_link(participant, held)  # type: ignore[arg-type]
        assert answer.json["token"] not in (token, others)


def test_asking_for_ever_more_links_leaves_those_that_were_opened(
    participant: Participant,
    talked: Interview,  # noqa: F811
):
    link = link_at_the_end(participant, talked)
    assert participant.client.get(link).status_code == 200
    for _ in range(MOST + 2):
        newest = asks_for_a_link(participant).json["address"]
    assert len(talked.answers_links) == MOST
    for held in (link, newest):
        assert participant.client.get(held).status_code == 200


def test_a_link_ends_with_its_time_or_with_its_interview(
    participant: Participant,
    talked: Interview,  # noqa: F811
    app: Flask,
):
    link = link_at_the_end(participant, talked)
    browser = app.test_client()
    page = browser.get(link).text
    until = talked.answers_links[0].expires_at
    assert f"It works until {until:%B} {until.day}, {until.year}." in page
    with time_machine.travel(clock.now() + timedelta(days=364)):
        assert browser.get(link).status_code == 200
    with time_machine.travel(clock.now() + timedelta(days=366)):
        assert browser.get(link).status_code == 410
        assert browser.post(f"{link}/withdrawal").status_code == 410
    remove_interview(talked, app.extensions["storage"])
    assert db.session.query(AnswersLink).count() == 0
    assert browser.get(link).status_code == 410


def test_a_researcher_sees_the_links_and_revokes_one(
    participant: Participant,
    talked: Interview,  # noqa: F811
    app: Flask,
):
    adas = signed_in(app, talked.study.researcher)
    first, second = (
        link_at_the_end(participant, talked),
        asks_for_a_link(participant).json["address"],
    )
    participant.client.get(first)
    links = of(talked.study, talked, "/resume-links")
    page = adas.get(links, headers=HTMX).text
    assert "last opened" in page
    assert "never opened" in page
    assert first.rpartition("/")[2] not in page
    revoked = of(talked.study, talked, f"/answers-links/{talked.answers_links[0].id}")
    answer = adas.delete(revoked, headers=HTMX)
    assert "It shows nobody these answers any more" in answer.text
    assert participant.client.get(first).status_code == 410
    assert participant.client.get(second).status_code == 200
    other = Interview.begin(talked.study.invitation)
    db.session.commit()
    address = of(talked.study, other, f"/answers-links/{talked.answers_links[1].id}")
    assert adas.delete(address, headers=HTMX).status_code == 404


def test_a_link_of_the_version_before_goes_on_until_its_end(
    participant: Participant,
    talked: Interview,  # noqa: F811
):
    """The migration wrote down that there is one."""
    talked.complete()
    signed = f"/a/{signed_link_to(talked)}"
    assert participant.client.get(signed).status_code == 410
    kept = AnswersLink(expires_at=clock.now() + timedelta(days=365))
    talked.answers_links.append(kept)
    db.session.commit()
    assert "unforgettable" in participant.client.get(signed).text
    kept.revoke()
    db.session.commit()
    assert participant.client.get(signed).status_code == 410
