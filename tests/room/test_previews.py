"""Trying a study: the real room, and nothing of it among the results."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz import preview
from qualz.database import db
from qualz.interview import Interview
from qualz.recording import Recording
from qualz.study import Study
from qualz.sweep import begin_due_merges
from tests.conftest import add_researcher
from tests.dashboard.conftest import signed_in
from tests.room.conftest import Participant


@pytest.fixture
def address(app: Flask, study: Study) -> str:
    with app.test_request_context():
        return preview.address_of(study)


def tries(client: FlaskClient, address: str) -> str:
    shown = client.get(address).text.split('name="shown" value="')[1].split('"')[0]
    answer = client.post(address, data={"shown": shown, "consent": "yes"})
    assert answer.status_code == 303, answer.text
    return answer.location


def previews() -> list[Interview]:
    return list(db.session.scalars(db.select(Interview).where(Interview.is_preview)))


def test_a_preview_is_the_real_room_and_says_that_it_is_one(
    client: FlaskClient, study: Study, address: str
):
    assert "kept out of the results" in client.get(address).text
    room = tries(client, address)
    assert "kept out of the results" in client.get(room).text
    assert "How do you search?" in client.get(f"{room}/question").text
    assert study.guide.frozen_at is None


def test_nothing_of_a_preview_is_among_the_results(
    app: Flask, participant: Participant, study: Study, address: str, sound: bytes
):
    participant.room = tries(participant.client, address)
    participant.arrives()
    participant.client.get(f"{participant.room}/question")
    sent = {"key": "k", "to": "1", "manner": "typed", "text": "By the zebra button"}
    participant.client.post(f"{participant.room}/turns", data=sent)
    participant.uploads(sound)
    participant.client.put(f"{participant.room}/ending", json={})
    (tried,) = previews()
    begin_due_merges(hold=timedelta())
    assert tried.recording.state is Recording.State.NONE
    ada = signed_in(app, study.researcher)
    assert "No interviews" in ada.get("/studies").text
    listed = f"/studies/{study.public_id}/transcripts"
    assert tried.public_id not in ada.get(listed).text
    assert tried.public_id not in ada.get(f"{listed}?q=zebra").text
    assert ada.get(f"{listed}/{tried.public_id}").status_code == 404
    assert Interview.begin(study.invitation).number == 1


def test_another_try_takes_the_one_before_away(client: FlaskClient, study: Study, address: str):
    tries(client, address)
    (first,) = [one.public_id for one in previews()]
    tries(client, address)
    (second,) = [one.public_id for one in previews()]
    assert first != second


def test_a_draft_can_be_tried_and_by_nobody_without_its_key(
    client: FlaskClient, study: Study, address: str
):
    study.state = Study.State.DRAFT
    db.session.commit()
    assert client.get(address).status_code == 200
    tries(client, address)
    assert client.get(address + "x").status_code == 403
    assert client.get(f"/i/{study.invitation.token}").status_code == 403


def test_a_key_is_for_one_study(client: FlaskClient, study: Study, address: str):
    other = Study.start(add_researcher("Bo", "bo@example.org"), title="Other")
    db.session.flush()
    assert not preview.is_for(other, address.partition("preview=")[2])
    assert preview.is_for(study, address.partition("preview=")[2])
