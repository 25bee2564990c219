"""Notifications in the workplace: the bell, the list, and what each researcher wants."""

from __future__ import annotations

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz import broadcasts, sweep
from qualz.database import db
from qualz.interview import Interview
from qualz.notification import Notification
from qualz.researcher import Researcher
from qualz.settings import Settings
from qualz.study import Study
from tests.dashboard.conftest import HTMX, of

WORKPLACE = "/workplace"


@pytest.fixture
def notified(interview: Interview, settings: Settings) -> Notification:
    """An interview of Ada's was completed, and she was told of it."""
    interview.complete()
    db.session.commit()
    sweep.once(settings)
    return db.session.scalars(select(Notification)).one()


def test_the_bell_counts_what_is_unread_on_every_page(
    adas: FlaskClient, strangers: FlaskClient, study: Study, notified: Notification
):
    for page in ("/studies", f"/studies/{study.public_id}/transcripts", "/settings/moderator"):
        assert "Notifications, 1 unread" in adas.get(page).text
    assert "unread" not in strangers.get("/studies").text


def test_a_notification_leads_to_its_interview_and_is_read_then(
    adas: FlaskClient, study: Study, interview: Interview, notified: Notification
):
    page = adas.get("/notifications").text
    assert "Participant 1 completed the interview" in page
    assert "Search habits" in page
    answer = adas.get(f"/notifications/{notified.public_id}")
    assert answer.location == of(study, interview)
    assert "unread" not in adas.get("/notifications/bell", headers=HTMX).text


def test_all_are_read_at_once_but_not_those_of_others(
    app: Flask, adas: FlaskClient, strangers: FlaskClient, notified: Notification
):
    strangers.post("/notifications/readings")
    assert notified.read_at is None
    assert strangers.get(f"/notifications/{notified.public_id}").status_code == 404
    adas.post("/notifications/readings")
    db.session.refresh(notified)
    assert notified.read_at


def test_the_bell_is_left_alone_while_it_would_say_the_same(
    adas: FlaskClient, notified: Notification
):
    first = adas.get("/notifications/bell", headers=HTMX).text
    seen = first.partition("seen=")[2].partition('"')[0]
    assert adas.get(f"/notifications/bell?seen={seen}", headers=HTMX).status_code == 204


def test_every_page_of_a_researcher_hears_that_there_is_news(
    app: Flask, adas: FlaskClient, strangers: FlaskClient, ada: Researcher, study: Study
):
    def ear(browser: FlaskClient, **auth: str):
        sockets = app.extensions["socketio"]
        g.pop("_login_user", None)
        return sockets.test_client(app, namespace=WORKPLACE, auth=auth, flask_test_client=browser)

    in_study, elsewhere = ear(adas, study=study.public_id), ear(adas)
    foreign = ear(strangers)
    broadcasts.news_for(ada.id)
    assert [one["name"] for one in in_study.get_received(WORKPLACE)] == ["news"]
    assert [one["name"] for one in elsewhere.get_received(WORKPLACE)] == ["news"]
    assert foreign.get_received(WORKPLACE) == []


def test_a_kind_that_nobody_wants_is_not_told(
    adas: FlaskClient, interview: Interview, settings: Settings
):
    adas.post("/settings/notifications", data={"app": ["recording.ready", "nonsense"]})
    page = adas.get("/settings/notifications").text
    assert page.count(" checked") == 1
    interview.complete()
    db.session.commit()
    sweep.once(settings)
    assert "Nothing has happened yet" in adas.get("/notifications").text
