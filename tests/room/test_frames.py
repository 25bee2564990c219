"""In other sites' pages: only where the study says so, and with cookies that last there."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz.database import db
from qualz.interview import Interview
from qualz.study import Study
from tests.room.conftest import Participant

SITE = "https://www.example.org"
FRAMED = {"Sec-Fetch-Dest": "iframe"}
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def embedded(study: Study) -> Study:
    study.embedders = [SITE]
    db.session.commit()
    return study


def ancestors(client: FlaskClient, address: str) -> str:
    policy = client.get(address).headers["Content-Security-Policy"]
    return policy.partition("frame-ancestors ")[2]


def test_participants_pages_are_shown_where_the_study_says_and_no_others(
    participant: Participant, study: Study
):
    door = f"/i/{study.invitation.token}"
    participant.consents(study)
    for address in (door, participant.room):
        assert ancestors(participant.client, address) == "'none'"
    study.embedders = [SITE, "http://localhost:9000"]
    db.session.commit()
    for address in (door, participant.room):
        assert ancestors(participant.client, address) == f"{SITE} http://localhost:9000"
    study.become(Study.State.CLOSED)
    db.session.commit()
    stranger = participant.client.application.test_client()
    assert ancestors(stranger, door) == f"{SITE} http://localhost:9000"
    for address in ("/", "/sign-in", "/i/nowhere", f"/studies/{study.public_id}/share"):
        assert ancestors(stranger, address) == "'none'"


def test_in_a_frame_the_keys_are_kept_apart_for_the_site_around_it(
    participant: Participant, embedded: Study
):
    client, door = participant.client, f"/i/{embedded.invitation.token}"
    shown = client.get(door, headers=FRAMED)
    assert "qualz_kept=1" in shown.headers["Set-Cookie"]
    digest = shown.text.split('name="shown" value="')[1].split('"')[0]
    # Sent by hand: over plain http the test's browser sends no cookie that is marked as secure.
    form = {"shown": digest, "consent": "yes"}
    client.set_cookie("qualz_kept", "1")
    answer = client.post(door, data=form, headers=FRAMED | OURS)
    (cookie,) = answer.headers.getlist("Set-Cookie")
    for mark in ("Secure", "SameSite=None", "Partitioned", "HttpOnly"):
        assert mark in cookie
    alone = client.post(door, data=form).headers["Set-Cookie"]
    assert "SameSite=Lax" in alone
    assert "Partitioned" not in alone


def test_a_browser_that_keeps_nothing_is_sent_to_a_tab_before_anything_is_begun(
    participant: Participant, embedded: Study
):
    door = f"/i/{embedded.invitation.token}"
    answer = participant.client.post(f"{door}?PID=7", data={"consent": "yes"}, headers=FRAMED)
    assert answer.status_code == 403
    assert f"frame-ancestors {SITE}" in answer.headers["Content-Security-Policy"]
    assert f'href="{door}?PID=7" target="_blank"' in answer.text
    participant.client.set_cookie("qualz_kept", "1")
    for site in ({}, {"Sec-Fetch-Site": "cross-site"}):
        assert participant.client.post(door, headers=FRAMED | site).status_code == 403
    assert db.session.query(Interview).count() == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 400), ({"Sec-Fetch-Site": "cross-site"}, 400), ({"Sec-Fetch-Site": "same-site"}, 400)],
)
def test_another_site_sends_nothing_in_a_participants_name(
    app: Flask, participant: Participant, study: Study, headers: dict[str, str], status: int
):
    participant.consents(study)
    app.config["WTF_CSRF_ENABLED"] = True
    beat = {"place": "laptop"}
    for address in (f"{participant.room}/arrivals", f"/i/{study.invitation.token}"):
        sent = participant.client.post(address, json=beat, headers=headers)
        assert sent.status_code == status
    assert (
        participant.client.post(f"{participant.room}/arrivals", json=beat, headers=OURS).status_code
        == 200
    )
