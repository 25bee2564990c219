"""The door: whom it lets in, what it says to others, and that whoever is inside goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from qualz import clock
from qualz.database import db
from qualz.interview import Interview
from qualz.resume_link import ResumeLink
from qualz.study import Study
from tests.room.conftest import Participant

State = Study.State


def becomes(study: Study, *states: Study.State) -> None:
    for state in states:
        study.become(state)
    db.session.commit()


@pytest.mark.parametrize(
    ("state", "language", "said"),
    [
        (State.PAUSED, "en", "paused for now"),
        (State.CLOSED, "en", "takes no more participants"),
        (State.PAUSED, "de", "macht gerade eine Pause"),
        (State.CLOSED, "fr", "Cette étude est close"),
    ],
)
def test_a_shut_door_says_so_in_the_language_of_the_study(
    participant: Participant, study: Study, state: Study.State, language: str, said: str
):
    study.language = language
    becomes(study, state)
    answer = participant.client.get(f"/i/{study.invitation.token}")
    assert answer.status_code == 403
    assert said in answer.text
    assert 'name="consent"' not in answer.text


@pytest.mark.parametrize("states", [[State.PAUSED], [State.CLOSED], [State.CLOSED, State.ARCHIVED]])
def test_whoever_is_inside_goes_on_whatever_becomes_of_the_study(
    app: Flask, participant: Participant, study: Study, states: list[Study.State]
):
    interview = participant.consents(study)
    participant.arrives()
    _, token = ResumeLink.create(interview, validity=timedelta(days=7))
    becomes(study, *states)
    client = participant.client
    assert client.get(participant.room).status_code == 200
    assert client.get(f"{participant.room}/question").status_code == 200
    assert participant.starts_part().status_code == 201
    door = client.get(f"/i/{study.invitation.token}")
    assert door.status_code == 200
    assert f'href="{participant.room}"' in door.text
    assert 'name="consent"' not in door.text
    elsewhere = app.test_client()
    assert elsewhere.get(f"/r/{token}").status_code == 200
    assert elsewhere.post(f"/r/{token}").status_code == 303
    assert elsewhere.get(participant.room).status_code == 200


def test_who_read_the_door_before_it_was_shut_begins_nothing(
    participant: Participant, study: Study
):
    link = f"/i/{study.invitation.token}"
    shown = participant.client.get(link).text.split('name="shown" value="')[1].split('"')[0]
    becomes(study, State.PAUSED)
    answer = participant.client.post(link, data={"shown": shown, "consent": "yes"})
    assert answer.status_code == 403
    assert db.session.query(Interview).count() == 0


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("opens", "closes", "said"),
    [
        (-HOUR, HOUR, None),
        (HOUR, None, "not open yet"),
        (None, -HOUR, "takes no more participants"),
    ],
)
def test_the_door_opens_and_shuts_by_the_clock(
    participant: Participant,
    study: Study,
    opens: timedelta | None,
    closes: timedelta | None,
    said: str | None,
):
    study.opens_at = opens and clock.now() + opens
    study.closes_at = closes and clock.now() + closes
    db.session.commit()
    answer = participant.client.get(f"/i/{study.invitation.token}")
    assert answer.status_code == (403 if said else 200)
    assert said is None or said in answer.text


def test_a_full_study_says_so_and_counts_only_who_came_through(
    app: Flask, participant: Participant, study: Study
):
    study.quota = 1
    first = participant.consents(study)
    first.complete(early=True)
    db.session.commit()
    inside = Participant(app.test_client())
    second = inside.consents(study)
    second.complete()
    db.session.commit()
    late = app.test_client().get(f"/i/{study.invitation.token}")
    assert late.status_code == 403
    assert "This study is full, thank you" in late.text
    assert inside.client.get(inside.room).status_code == 200


def test_with_an_access_code_only_who_knows_it_begins(participant: Participant, study: Study):
    study.access_code = "Blue Door"
    db.session.commit()
    answer = participant.agrees(study, consent="yes", code="red door")
    assert answer.status_code == 422
    assert "That is not the access code" in answer.text
    assert "Blue Door" not in answer.text
    assert participant.agrees(study, consent="yes", code=" blue  door ").status_code == 303


def test_who_has_finished_is_shown_the_way_on_and_nobody_else(
    participant: Participant, study: Study
):
    study.parameters = ["PID"]
    study.redirect = "https://a.example/done?id={{PID}}"
    db.session.commit()
    link = f"/i/{study.invitation.token}?PID=a%26b"
    shown = participant.client.get(link).text.split('name="shown" value="')[1].split('"')[0]
    room = participant.client.post(link, data={"shown": shown, "consent": "yes"}).location
    interview = db.session.query(Interview).one()
    assert interview.parameters == {"PID": "a&b"}

    def way_on() -> str | None:
        return participant.client.get(f"{room}/way-on").json["address"]

    assert way_on() is None
    interview.complete()
    db.session.commit()
    assert way_on() == "https://a.example/done?id=a%26b"
    interview.screened_out = True
    db.session.commit()
    assert way_on() is None
    assert 'data-piece="way-on" hidden' in participant.client.get(room).text
