"""JSON lines, and an interview's id through a request, a socket's event and a worker's job."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from qualz import jobs, logs
from qualz.database import db
from qualz.interview import Interview
from qualz.merge import Merge
from qualz.processes import child
from qualz.settings import Settings
from qualz.study import Study
from qualz.tokens import new_token
from tests.room.conftest import Participant


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, log="json")


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    """What a reader of the log finds in it."""

    def written(level: int = logging.INFO) -> list[dict[str, Any]]:
        lines = [logs.JsonLines().format(one) for one in caplog.records if one.levelno >= level]
        assert not any("\n" in line for line in lines)
        return [json.loads(line) for line in lines]

    with caplog.at_level(logging.DEBUG):
        logs.begin()
        yield written
    logs.begin()


def test_each_request_gets_a_line_that_says_which_interview_it_is_about(
    client: FlaskClient, study: Study, written: Any
):
    participant = Participant(client)
    interview = participant.consents(study)
    participant.arrives()
    client.get("/healthz")
    found = {one["endpoint"]: one for one in written() if one["message"] == "answered"}
    line = found["room.arrive"]
    assert line["interview"] == interview.public_id
    assert (line["method"], line["status"], line["level"]) == ("POST", 200, "info")
    assert line["ms"] >= 0
    assert line["at"].endswith("+00:00")
    assert len({one["request"] for one in found.values()}) == len(found)
    # The one after it is about no interview any more, and comes all the time.
    assert "healthz" not in found
    [quiet] = [one for one in written(logging.DEBUG) if one.get("endpoint") == "healthz"]
    assert "interview" not in quiet


def test_what_breaks_is_on_one_line_with_its_traceback(written: Any):
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("qualz").error("It broke", exc_info=sys.exc_info())
    [line] = [one for one in written() if "error" in one]
    assert line["error"].startswith("Traceback")
    assert (line["message"], line["level"]) == ("It broke", "error")


def test_nothing_that_somebody_typed_into_an_address_is_taken_for_an_interview(
    client: FlaskClient, written: Any
):
    token = new_token()
    for told in (token, "short", "x" * 25):
        client.get(f"/room/{told}/question")
    assert [one for one in written() if "interview" in one] == []
    assert token not in json.dumps(written(logging.DEBUG))


def test_a_socket_tells_of_its_interview(app: Flask, study: Study, written: Any):
    participant = Participant(app.test_client())
    interview = participant.consents(study)
    participant.arrives()
    socket = app.extensions["socketio"].test_client(
        app,
        namespace="/room",
        auth={"interview": interview.public_id, "place": "laptop"},
        flask_test_client=participant.client,
    )
    public_id = interview.public_id
    db.session.execute(text("ALTER TABLE interviews RENAME TO gone"))
    db.session.commit()
    with pytest.raises(OperationalError):
        socket.emit("heartbeat", {"part": 1}, namespace="/room", callback=True)
    db.session.rollback()
    [line] = [one for one in written() if one["logger"] == "qualz.room.heartbeats"]
    assert (line["event"], line["interview"]) == ("heartbeat", public_id)


def test_a_job_tells_of_its_interview(app: Flask, interview: Interview, written: Any):
    merge = Merge.begin(interview.recording)
    assert merge
    db.session.commit()
    app.extensions.pop("ffmpeg", None)
    jobs.merge(merge.id)
    [line] = [one for one in written() if one["message"].startswith("Merge")]
    assert line["message"] == f"Merge {merge.id} is failed"
    assert line["interview"] == interview.public_id


def test_gunicorn_and_the_children_write_the_same(tmp_path: Any):
    told = "import logging.config as c, logging as l; from qualz import logs;"
    told += "c.dictConfig(logs.for_gunicorn()); logs.set_up('json');"
    told += "l.getLogger('gunicorn.error').info('Listening'); l.getLogger('rq').info('Working')"
    begin = partial(child.spawn, [sys.executable, "-c", told], {})
    code, _, errors = child.run_errand(begin, lambda: None)
    assert code == 0, errors
    assert [json.loads(line)["message"] for line in errors.splitlines()] == ["Listening", "Working"]
