"""A server with interviews, and the empty machine that it is to come back on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from flask import Flask
from flask.testing import FlaskClient

from qualz.database import alembic_config, db
from qualz.interview import Interview
from qualz.media.storage import Storage
from qualz.part import EndReason, Part
from qualz.settings import Settings
from tests.room.conftest import Participant

SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where the server keeps everything; its backups are elsewhere."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(settings: Settings, data: Path) -> Settings:
    return replace(settings, data=data, database_url=f"sqlite:///{data / 'qualz.db'}")


@pytest.fixture
def app(app: Flask) -> Flask:
    """With a database that knows which migration it is at."""
    command.stamp(alembic_config(), "head")
    return app


@pytest.fixture
def empty(settings: Settings, tmp_path: Path) -> Settings:
    """Another machine, with nothing on it yet."""
    data = tmp_path / "new"
    return replace(settings, data=data, database_url=f"sqlite:///{data / 'qualz.db'}")


@pytest.fixture
def participant(client: FlaskClient) -> Participant:
    return Participant(client)


@pytest.fixture
def storage(app: Flask) -> Storage:
    found: Storage = app.extensions["storage"]
    return found


def records(interview: Interview, storage: Storage, key: str, *, whole: bool = True) -> Part:
    """The participant's browser sends a part, all of it or its beginning."""
    data = (SAMPLES / "chromium-opus.webm").read_bytes()
    part = interview.recording.start_part(key=key, reported_type="audio/webm;codecs=opus")
    db.session.commit()
    part.append(data if whole else data[: len(data) // 2], at=0, storage=storage)
    if whole:
        part.declare_end(length=len(data), reason=EndReason.FINISHED)
    db.session.commit()
    return part
