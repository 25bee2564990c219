"""Personal links: one person, one interview, and the same way back into it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qualz import clock, withdrawal
from qualz.database import db
from qualz.interview import Interview
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.resume_link import ResumeLink
from qualz.study import Study
from tests.room.conftest import Participant

State = PersonalLink.State
BROWSER = {"Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def made(study: Study) -> tuple[PersonalLink, str]:
    """Ada has made a link for Jane."""
    made = PersonalLink.create(study, [Person("Jane Doe", "jane@example.org")])
    db.session.commit()
    return made[0]


def agrees(client: FlaskClient, token: str) -> TestResponse:
    shown = client.get(f"/p/{token}").text.split('name="shown" value="')[1].split('"')[0]
    return client.post(f"/p/{token}", data={"shown": shown, "consent": "yes"})


def test_jane_begins_under_her_name_and_comes_back_to_the_same_interview(
    app: Flask, client: FlaskClient, study: Study, made: tuple[PersonalLink, str]
):
    link, token = made
    assert token not in str(vars(link))
    assert "This link is for Jane Doe" in client.get(f"/p/{token}").text
    assert link.state is State.NOT_OPENED, "a program that previews links is nobody"
    client.get(f"/p/{token}", headers=BROWSER)
    assert link.state is State.OPENED
    room = agrees(client, token).location
    (interview,) = study.interviews
    assert (interview.name, link.interview, link.state) == ("Jane Doe", interview, State.STARTED)
    phone = app.test_client()
    assert "Welcome back" in phone.get(f"/p/{token}").text
    answer = phone.post(f"/p/{token}")
    assert (answer.status_code, answer.location) == (303, room)
    assert phone.get(room).status_code == 200
    assert len(db.session.query(Interview).all()) == 1


def test_who_read_the_door_in_two_browsers_begins_one_interview(
    app: Flask, client: FlaskClient, study: Study, made: tuple[PersonalLink, str]
):
    link, token = made
    begun = Interview.begin(link)
    assert link.begin(begun)
    db.session.commit()
    second = Interview.begin(PersonalLink.opened_by(token))
    assert not link.begin(second)
    db.session.rollback()
    assert [one.id for one in study.interviews] == [begun.id]


def test_a_finished_interview_is_not_opened_again_by_its_link(
    client: FlaskClient, made: tuple[PersonalLink, str]
):
    link, token = made
    agrees(client, token)
    assert link.interview
    link.interview.complete()
    db.session.commit()
    page = client.get(f"/p/{token}").text
    assert "You have finished this interview" in page
    assert link.interview.public_id in page, "the last of it may still be sent"
    assert client.post(f"/p/{token}").location == f"/p/{token}"
    assert link.interview.is_over


def test_revoking_shuts_out_and_a_new_link_lets_in_again(
    client: FlaskClient, made: tuple[PersonalLink, str]
):
    link, token = made
    room = agrees(client, token).location
    link.revoke()
    db.session.commit()
    assert client.get(room).status_code == 403
    assert "Perhaps you were sent a newer one" in client.get(f"/p/{token}").text
    newer = link.renew()
    db.session.commit()
    assert client.get(f"/p/{token}").status_code == 410
    assert client.get(room).status_code == 200
    assert client.post(f"/p/{newer}").status_code == 303


def test_who_was_shut_out_comes_in_by_a_resume_link(
    client: FlaskClient, made: tuple[PersonalLink, str]
):
    link, token = made
    room = agrees(client, token).location
    link.revoke()
    assert link.interview
    _, way_back = ResumeLink.create(link.interview, validity=timedelta(days=7))
    db.session.commit()
    assert client.post(f"/r/{way_back}").status_code == 303
    assert client.get(room).status_code == 200


def test_a_revoked_link_is_noticed_with_the_next_heartbeat(
    client: FlaskClient, made: tuple[PersonalLink, str]
):
    link, token = made
    room = agrees(client, token).location
    client.post(f"{room}/arrivals", json={"place": "laptop"})
    beat = {"place": "laptop", "part": 0, "waiting": 0}
    assert client.post(f"{room}/beats", json=beat).json == {"here": True}
    assert client.post(f"{room}/beats", json=beat).json == {"here": True}
    link.revoke()
    db.session.commit()
    assert client.post(f"{room}/beats", json=beat).status_code == 403


def test_the_door_has_its_say_but_asks_no_access_code(
    client: FlaskClient, study: Study, made: tuple[PersonalLink, str]
):
    _, token = made
    study.access_code = "Blue Door"
    study.quota = 1
    db.session.commit()
    assert 'name="code"' not in client.get(f"/p/{token}").text
    other = Interview.begin(study.invitation)
    other.complete()
    db.session.commit()
    assert "This study is full" in client.get(f"/p/{token}").text
    assert client.post(f"/p/{token}", data={"consent": "yes"}).status_code == 403
    study.quota = None
    study.become(Study.State.CLOSED)
    db.session.commit()
    assert "takes no more participants" in client.get(f"/p/{token}").text


def test_who_is_inside_goes_on_after_the_study_closed_for_as_long_as_a_resume_link_lives(
    app: Flask, client: FlaskClient, study: Study, made: tuple[PersonalLink, str]
):
    link, token = made
    agrees(client, token)
    study.become(Study.State.CLOSED)
    db.session.commit()
    phone = app.test_client()
    assert phone.post(f"/p/{token}").status_code == 303
    assert link.interview
    link.interview.state = Interview.State.ABANDONED
    db.session.commit()
    assert phone.get(f"/p/{token}").status_code == 403
    assert phone.post(f"/p/{token}").status_code == 403


def test_a_browser_that_lost_its_cookie_gets_back_the_one_of_its_link(
    app: Flask, client: FlaskClient, made: tuple[PersonalLink, str]
):
    link, token = made
    room = agrees(client, token).location
    page = client.get(room).text
    key = page.split('"returnKey": "')[1].split('"')[0]
    forgetful = app.test_client()
    assert forgetful.post(f"{room}/readmissions", json={"key": key}).status_code == 204
    assert forgetful.get(room).status_code == 200
    link.revoke()
    db.session.commit()
    assert forgetful.get(room).status_code == 403


def test_after_a_withdrawal_nothing_names_who_it_was(
    app: Flask, participant: Participant, made: tuple[PersonalLink, str]
):
    link, token = made
    agrees(participant.client, token)
    assert link.interview
    withdrawal.withdraw(link.interview, app.extensions["storage"])
    db.session.refresh(link)
    assert (link.name, link.email, link.sought) == ("", "", "")
    assert link.state is State.WITHDRAWN
    assert participant.client.get(f"/p/{token}").status_code == 410


def test_the_way_back_outlives_the_week_of_a_cookie(
    client: FlaskClient, made: tuple[PersonalLink, str]
):
    _, token = made
    room = agrees(client, token).location
    with time_machine.travel(clock.now() + timedelta(weeks=2)):
        assert client.get(room).status_code == 403
        assert client.post(f"/p/{token}").status_code == 303
        assert client.get(room).status_code == 200
