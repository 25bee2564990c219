"""Getting into the room, and being kept out of it."""

from __future__ import annotations

import re
from datetime import timedelta

import time_machine
from flask import Flask
from sqlalchemy import insert
from sqlalchemy.event import listen, remove
from sqlalchemy.orm import ORMExecuteState

from qualz import clock
from qualz.conversation import Kind
from qualz.database import db
from qualz.event import Event
from qualz.interview import Interview
from qualz.resume_link import ResumeLink
from qualz.study import Study
from tests.room.conftest import Participant

WEEK = timedelta(weeks=1)


def link_to(interview: Interview) -> tuple[ResumeLink, str]:
    link, token = ResumeLink.create(interview, validity=WEEK)
    db.session.commit()
    return link, f"/r/{token}"


def comes_by(app: Flask, address: str) -> tuple[Participant, int]:
    """Somebody opens a resume link on a device that has never been here, and presses Continue."""
    somebody = Participant(app.test_client())
    answer = somebody.client.post(address)
    somebody.room = answer.location or ""
    return somebody, answer.status_code


def test_nobody_is_recorded_without_consent(participant: Participant, study: Study):
    answer = participant.client.post(f"/i/{study.invitation.token}", data={})
    assert answer.status_code == 422
    assert study.interviews == []


def test_a_link_that_was_never_given_out_leads_to_a_friendly_page(participant: Participant):
    answer = participant.client.get("/i/never-given-out")
    assert answer.status_code == 404
    assert "leads nowhere" in answer.text


def test_the_room_is_closed_to_whoever_has_no_key(
    app: Flask, participant: Participant, study: Study
):
    participant.consents(study)
    stranger = app.test_client()
    assert stranger.get(participant.room).status_code == 403
    assert stranger.get(f"{participant.room}/question").status_code == 403
    assert stranger.post(f"{participant.room}/arrivals", json={"place": "x"}).status_code == 403


def test_a_second_device_is_asked_before_it_takes_over(
    app: Flask, participant: Participant, study: Study
):
    participant.consents(study)
    participant.arrives("laptop")
    assert participant.arrives("phone").status_code == 409
    assert participant.arrives("phone", take_over=True).json == {"moved": True}


def test_opening_a_resume_link_changes_nothing_until_continue_is_pressed(
    app: Flask, interview: Interview
):
    interview.complete()
    link, address = link_to(interview)
    assert app.test_client().get(address).status_code == 200
    assert link.last_used_at is None
    assert interview.is_over


def test_a_resume_link_lets_a_new_device_in(app: Flask, interview: Interview):
    _, address = link_to(interview)
    somebody, status = comes_by(app, address)
    assert status == 303
    assert somebody.client.get(somebody.room).status_code == 200


def test_a_revoked_link_shuts_out_whoever_came_by_it(app: Flask, interview: Interview):
    link, address = link_to(interview)
    somebody, _ = comes_by(app, address)
    link.revoke()
    db.session.commit()
    assert somebody.client.get(somebody.room).status_code == 403
    assert somebody.arrives().status_code == 403
    answer = app.test_client().get(address)
    assert answer.status_code == 410
    assert "Continue" not in answer.text


def test_after_a_week_the_link_and_the_key_are_over(app: Flask, interview: Interview):
    with time_machine.travel("2026-11-01T10:00:00Z", tick=False) as clock:
        _, address = link_to(interview)
        somebody, _ = comes_by(app, address)
        clock.shift(WEEK + timedelta(seconds=1))
        assert comes_by(app, address)[1] == 410
        assert somebody.client.get(somebody.room).status_code == 403


def test_participants_pages_tell_other_sites_nothing(participant: Participant, study: Study):
    answer = participant.client.get(f"/i/{study.invitation.token}")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_answers_lead_to_the_goodbye_and_finish_completes(participant: Participant, study: Study):
    participant.consents(study)
    participant.arrives()
    assert "How do you search?" in participant.client.get(f"{participant.room}/question").text
    for position, text in ((1, "With the search box at the top"), (3, "Nothing")):
        answer = participant.client.post(
            f"{participant.room}/turns",
            data={"to": position, "key": f"k{position}", "manner": "typed", "text": text},
        )
        assert answer.status_code == 200
    assert "Finish" in answer.text
    ended = participant.client.put(f"{participant.room}/ending", json={"early": False})
    assert ended.status_code == 204
    assert db.session.query(Interview).one().is_over


def key_of(participant: Participant) -> str:
    """What a room's page keeps beside its recording."""
    page = participant.client.get(participant.room).text
    found = re.search(r'"returnKey": "([^"]+)"', page)
    assert found
    return found[1]


def returns(app: Flask, room: str, key: str) -> tuple[Participant, int]:
    """A browser without its cookies asks to be let in again by what it kept."""
    somebody = Participant(app.test_client())
    somebody.room = room
    return somebody, somebody.client.post(f"{room}/readmissions", json={"key": key}).status_code


def test_a_browser_that_lost_its_cookie_is_let_in_by_what_it_kept(
    app: Flask, participant: Participant, study: Study
):
    participant.consents(study)
    somebody, status = returns(app, participant.room, key_of(participant))
    assert status == 204
    assert somebody.client.get(somebody.room).status_code == 200


def test_what_it_kept_lets_in_nowhere_else_and_no_guess_does(
    app: Flask, participant: Participant, study: Study
):
    participant.consents(study)
    key = key_of(participant)
    other = Participant(app.test_client())
    other.consents(study)
    assert returns(app, other.room, key)[1] == 403
    assert returns(app, participant.room, key[:-2] + "xx")[1] == 403
    cookie = participant.client.get_cookie(f"qualz_room_{participant.room.split('/')[-1]}")
    assert cookie
    assert returns(app, participant.room, cookie.value)[1] == 403


def test_what_it_kept_is_worth_nothing_once_its_link_was_revoked(app: Flask, interview: Interview):
    link, address = link_to(interview)
    somebody, _ = comes_by(app, address)
    key = key_of(somebody)
    assert returns(app, somebody.room, key)[1] == 204
    link.revoke()
    db.session.commit()
    assert returns(app, somebody.room, key)[1] == 403


def test_an_answer_outlives_another_that_wrote_to_the_log_at_that_moment(
    app: Flask, participant: Participant, study: Study
):
    interview = participant.consents(study)
    participant.client.get(f"{participant.room}/question")
    events = db.session.query(Event).count()
    times: list[int] = []

    def write(statement: ORMExecuteState) -> None:
        # Before anything of the answer is written: SQLite has one writer at a time.
        if not times and statement.is_update:
            times.append(1)
            with db.engine.begin() as other:
                row = {"interview_id": interview.id, "position": events + 1, "at": clock.now()}
                other.execute(insert(Event).values(**row, kind=Kind.REOPENED, payload={}))

    listen(db.session, "do_orm_execute", write)
    try:
        answer = participant.client.post(
            f"{participant.room}/turns",
            data={"to": 1, "key": "k", "text": "With the search box at the top"},
        )
    finally:
        remove(db.session, "do_orm_execute", write)
    assert times
    assert "What annoys you?" in answer.text
    assert "With the search box at the top" in [turn.text for turn in interview.turns]


def test_the_room_says_where_the_interview_was_and_the_link_quotes_nobody(
    app: Flask, participant: Participant, study: Study
):
    interview = participant.consents(study)
    participant.client.get(f"{participant.room}/question")
    assert '"whereWeWere": ""' not in participant.client.get(participant.room).text
    participant.client.post(
        f"{participant.room}/turns", data={"to": 1, "key": "k", "text": "With the box at the top"}
    )
    page = participant.client.get(participant.room).text
    assert "We were at question 2 of 2; the last thing you told me was: “With the box" in page
    _, address = link_to(interview)
    door = app.test_client().get(address).text
    assert "We were at question 2 of 2." in door
    assert "With the box" not in door
