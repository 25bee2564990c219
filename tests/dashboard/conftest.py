"""Researchers with a browser, and interviews in whatever state a test is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from qualz import clock
from qualz.dashboard.entrances import TOKEN
from qualz.database import db
from qualz.interview import Interview
from qualz.part import EndReason, Part
from qualz.recording import Recording
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.sign_in import SignIn
from qualz.study import Study
from tests.conftest import add_researcher

SAMPLES = Path(__file__).parent.parent / "samples"
HTMX = {"HX-Request": "true"}


class Browser(FlaskClient):
    """One person's browser. Tests share an app context, and Flask-Login remembers by that."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        g.pop("_login_user", None)
        g.pop("csrf_token", None)
        g.pop("csrf_valid", None)
        return super().open(*args, **kwargs)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.test_client_class = Browser
    return app.test_client()


def signed_in(app: Flask, researcher: Researcher) -> FlaskClient:
    """A browser that signed in earlier; signing in itself takes its time on purpose."""
    app.test_client_class = Browser
    browser = app.test_client()
    _, token = SignIn.begin(researcher)
    db.session.commit()
    with browser.session_transaction() as session:
        session.permanent = True
        session[TOKEN] = token
    return browser


@pytest.fixture
def adas(app: Flask, ada: Researcher) -> FlaskClient:
    """The browser in which Ada is signed in."""
    return signed_in(app, ada)


@pytest.fixture
def strangers(app: Flask, ada: Researcher) -> FlaskClient:
    """The browser of somebody who has an account and no part in Ada's studies."""
    mallory = add_researcher("Mallory", "mallory@example.org", role=Role.RESEARCHER, is_guest=True)
    return signed_in(app, mallory)


@pytest.fixture
def record(app: Flask) -> Callable[..., Part]:
    """Gives an interview a part whose bytes are a real recording."""

    def record(interview: Interview, *, is_open: bool = False, ago: int = 600) -> Part:
        count = len(interview.recording.parts)
        part = interview.recording.start_part(
            key=f"{interview.public_id}-{count}",
            reported_type="audio/webm;codecs=opus",
            started_at=clock.now() - timedelta(seconds=ago),
        )
        db.session.flush()
        data = (SAMPLES / "chromium-opus.webm").read_bytes()
        app.extensions["storage"].append(part.file, data, at=0)
        part.bytes_durable = len(data)
        part.last_byte_at = part.started_at + timedelta(seconds=6)
        if not is_open:
            part.close(EndReason.FINISHED)
        db.session.commit()
        return part

    return record


@pytest.fixture
def finish(app: Flask) -> Callable[..., Recording]:
    """Ends an interview and gives it a Full Session."""

    def finish(interview: Interview) -> Recording:
        interview.complete()
        recording = interview.recording
        recording.full_session = f"{recording.folder}/full-session.webm"
        recording.full_session_type = "audio/webm"
        data = (SAMPLES / "chromium-opus.webm").read_bytes()
        app.extensions["storage"].append(recording.full_session, data, at=0)
        recording.ready_at = clock.now()
        recording.report = {
            "duration": 6.0,
            "parts": [
                {"part": part.public_id, "label": part.label, "start": 6.0 * index}
                for index, part in enumerate(recording.parts)
            ],
        }
        recording.state = Recording.State.READY
        db.session.commit()
        return recording

    return finish


def of(study: Study, interview: Interview, rest: str = "") -> str:
    """The address of something of an interview."""
    return f"/studies/{study.public_id}/transcripts/{interview.public_id}{rest}"
