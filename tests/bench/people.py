"""A study full of participants who hold their keys, made without a browser and without waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select, update

from qualz import clock, moderation
from qualz.ai.scripted import ScriptedModerator
from qualz.core import create_core
from qualz.database import db
from qualz.guide import Question
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.room import admission
from qualz.settings import Settings
from qualz.sign_in import SignIn
from qualz.study import Camera, Study
from tests.conftest import add_researcher
from tests.e2e.server import Server

EMAIL = "bench@example.org"


@dataclass
class Person:
    """A participant, as a load generator knows one: where they are and what lets them in."""

    interview: str
    place: str
    cookie: str
    upload: str
    offset: int = 0


@dataclass(frozen=True)
class Venue:
    """A study and the researcher who watches it."""

    study: str
    link: str
    researcher_cookie: str


@contextmanager
def _domain(server: Server) -> Iterator[Flask]:
    app = create_core(
        Settings(
            data=server.data,
            database_url=f"sqlite:///{server.data / 'qualz.db'}",
            secret_key=(server.data / "secret-key").read_text().strip(),
        )
    )
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def found_study(server: Server, *, camera: Camera = Camera.ON_BY_DEFAULT) -> Venue:
    with _domain(server) as app:
        ada = db.session.scalar(select(Researcher).where(Researcher.email == EMAIL))
        study = Study.start(ada or add_researcher("Ada", EMAIL), title="Bench", camera=camera)
        study.revise_guide([Question(id=f"q{n}", text=f"Question {n}?") for n in range(5)])
        study.open()
        db.session.commit()
        signed = SecureCookieSessionInterface().get_signing_serializer(app)
        assert signed
        _, token = SignIn.begin(study.researcher)
        db.session.commit()
        key = signed.dumps({"_user_id": token, "_fresh": True})
        return Venue(
            study=study.public_id,
            link=f"/i/{study.invitation.token}",
            researcher_cookie=f"qualz={key}",
        )


def invite(server: Server, venue: Venue, count: int, *, reported_type: str) -> list[Person]:
    """So many participants at the door, each with a question before them and a part begun."""
    # Cookies are made for whoever asks: somebody has to.
    with _domain(server) as app, app.test_request_context():
        study = db.session.scalars(select(Study).where(Study.public_id == venue.study)).one()
        people = [_enter(study, reported_type) for _ in range(count)]
        db.session.commit()
        return people


def let_in(server: Server, people: list[Person]) -> None:
    """All at once they are live: whoever is not heard within 4 s has dropped."""
    _set(server, people, state=Interview.State.LIVE, last_seen_at=clock.now())


def send_home(server: Server, people: list[Person]) -> None:
    """Their interviews are over, so that the sweep has nothing to do with them any more."""
    over = {"completed_at": clock.now(), "away_since": None}
    _set(server, people, state=Interview.State.COMPLETED, **over)


def _set(server: Server, people: list[Person], **values: Any) -> None:
    with _domain(server):
        theirs = Interview.public_id.in_([person.interview for person in people])
        db.session.execute(update(Interview).where(theirs).values(**values))
        db.session.commit()


def _enter(study: Study, reported_type: str) -> Person:
    interview = Interview.begin(study.invitation)
    interview.place = "bench"
    moderation.hear(interview, ScriptedModerator())
    part = interview.recording.start_part(
        key="bench", reported_type=reported_type, has_camera=reported_type.startswith("video/")
    )
    db.session.flush()
    response = admission.admit(Response(), interview)
    return Person(
        interview=interview.public_id,
        place=interview.place,
        cookie=response.headers["Set-Cookie"].partition(";")[0],
        upload=f"/room/{interview.public_id}/parts/{part.public_id}",
    )
