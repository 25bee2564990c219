"""Logs hold no secret: neither of what went well nor of what broke."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from qualz.answers_link import AnswersLink
from qualz.api_token import ApiToken
from qualz.database import db
from qualz.logs import JsonLines
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.researcher import Researcher, SetUpLink
from qualz.resume_link import ResumeLink
from qualz.settings import Settings
from qualz.study import Study
from qualz.tokens import new_token
from tests.dashboard.conftest import Browser
from tests.leaks import leaks_in
from tests.room.conftest import Participant

PASSWORD = "correct horse battery"
KEY = "sk-of-a-service-outside"
SAID = "my neighbour is called Rumpelstiltskin"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With a line for each request."""
    return replace(settings, log="json")


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All that any part of the program would write down, had somebody turned its log up."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


def told(caplog: pytest.LogCaptureFixture) -> str:
    forms = (logging.Formatter("%(name)s %(message)s"), JsonLines())
    return "\n".join(form.format(record) for record in caplog.records for form in forms)


def test_no_secret_is_written_down_when_all_goes_well(
    app: Flask, settings: Settings, everything: pytest.LogCaptureFixture
):
    app.test_client_class = Browser
    owner, set_up = app.test_client(), SetUpLink.renew()
    db.session.commit()
    account = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    owner.post(f"/setup/{set_up}", data=account)
    owner.post("/sign-out")
    owner.post("/sign-in", data={**account, "password": f"{PASSWORD}!"})
    owner.post("/sign-in", data=account)
    secrets = [set_up, PASSWORD, KEY, SAID]
    for page in ("moderator", "hearing", "voice"):
        service = {"url": "http://127.0.0.1:9/v1", "model": "m", "key": KEY, "is_on": "y"}
        owner.post(f"/settings/{page}", data=service)
    owner.post("/settings/moderator/trials", data=service)
    owner.post("/settings/webhooks", data={"url": "https://example.org", "kinds": "merge.failed"})
    made = owner.post("/settings/api-tokens", data={"name": "Panel", "days": "30"}).text
    secrets.append(made.split('id="token" value="')[1].split('"')[0])
    study = a_study(db.session.query(Researcher).one())
    person = Participant(app.test_client())
    interview = person.consents(study)
    person.arrives()
    answer = {"key": "k", "to": 1, "manner": "typed", "text": SAID}
    person.client.get(f"{person.room}/question")
    person.client.post(f"{person.room}/turns", json=answer)
    person.client.get(person.room)
    secrets += [cookie.value for cookie in person.client._cookies.values()]
    place = f"/studies/{study.public_id}/transcripts/{interview.public_id}"
    owner.post(f"{place}/resume-links", data={"days": "7"})
    for doors in secret_doors(study, interview.public_id):
        secrets.append(doors.rpartition("/")[2])
        app.test_client().get(doors)
        app.test_client().post(doors, data={})
    owner.get(place)
    owner.get(f"{place}/export/md").close()
    for cookie in owner._cookies.values():
        secrets.append(cookie.value)
    log = told(everything)
    assert [secret[:12] for secret in secrets if secret in log] == []
    if settings.database_url.startswith("sqlite"):
        assert leaks_in(log, settings.data) == []


def test_no_secret_is_written_down_when_everything_breaks(
    app: Flask, study: Study, everything: pytest.LogCaptureFixture
):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.test_client_class = Browser
    person = Participant(app.test_client())
    interview = person.consents(study)
    doors = [*secret_doors(study, interview.public_id), f"/setup/{new_token()}"]
    with gone(
        "resume_links", "answers_links", "personal_links", "invitations", "researchers", "turns"
    ):
        secrets = ask_for_everything(app, person, doors)
    log = told(everything)
    assert log.count("Traceback") >= 2 * len(doors)
    assert [secret[:12] for secret in secrets if secret in log] == []


def ask_for_everything(app: Flask, person: Participant, doors: list[str]) -> list[str]:
    """Answers what nobody is to read of it."""
    browser: FlaskClient = app.test_client()
    secrets = [PASSWORD, SAID]
    for door in doors:
        secrets.append(door.rpartition("/")[2])
        sent = f"{door}/withdrawal" if door.startswith("/a/") else door
        answers = [browser.get(door), browser.post(sent, data={"consent": "yes"})]
        assert {answer.status_code for answer in answers} == {500}, door
        assert secrets[-1] not in answers[0].text
    browser.post("/sign-in", data={"email": "ada@example.org", "password": PASSWORD})
    browser.get("/api/v1/studies", headers={"Authorization": "Bearer qualz_broken-token"})
    secrets.append("qualz_broken-token")
    answer = {"key": "k", "to": 1, "manner": "typed", "text": SAID}
    person.client.post(f"{person.room}/turns", json=answer)
    return secrets + [cookie.value for cookie in person.client._cookies.values()]


@contextmanager
def gone(*tables: str) -> Iterator[None]:
    """As after a mistake that somebody made in the database."""
    for table in tables:
        db.session.execute(text(f"ALTER TABLE {table} RENAME TO gone_{table}"))
    db.session.commit()
    yield
    db.session.rollback()
    for table in tables:
        db.session.execute(text(f"ALTER TABLE gone_{table} RENAME TO {table}"))
    db.session.commit()


def test_a_leak_would_be_found(app: Flask, settings: Settings, study: Study):
    """Or the tests above, and those that read servers' logs with it, would tell nothing."""
    if not settings.database_url.startswith("sqlite"):
        pytest.skip("logs of servers are read where they have SQLite")
    _, resume = ResumeLink.create(
        Participant(app.test_client()).consents(study), validity=timedelta(days=7)
    )
    _, api = ApiToken.create(study.researcher, "Panel", validity=None)
    db.session.commit()
    (settings.data / "secret-key").write_text("k" * 40)
    for line in (
        f"GET /elsewhere?to={resume}&more",
        f"token-{resume}-and-more",
        f"Bearer {api}",
        study.invitation.token,
        "the key " + "k" * 40,
        "Cookie: qualz=.eJwljkEKwzAMBP-ic8HIlmw5nymWtaKFQA9xeij9ew",
        "GET /setup/" + "a" * 32,
    ):
        assert leaks_in(line, settings.data), line
    assert (
        leaks_in("merging /var/lib/qualz/media/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", Path())
        == []
    )


def a_study(owner: Researcher) -> Study:
    from qualz.guide import FollowUp, Question

    study = Study.start(owner, title="Search habits")
    study.revise_guide([Question(id="q1", text="How?", follow_up=FollowUp.NEVER)])
    study.open()
    db.session.commit()
    return study


def secret_doors(study: Study, interview: str) -> list[str]:
    found = next(one for one in study.interviews if one.public_id == interview)
    _, resume = ResumeLink.create(found, validity=timedelta(days=7))
    _, theirs = AnswersLink.create(found, validity=timedelta(days=7))
    ((_, personal),) = PersonalLink.create(study, [Person(name="Grace", email="g@example.org")])
    db.session.commit()
    return [f"/r/{resume}", f"/a/{theirs}", f"/p/{personal}", f"/i/{study.invitation.token}"]
