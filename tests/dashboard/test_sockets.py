from __future__ import annotations

from typing import Any

from flask import Flask, g
from flask.testing import FlaskClient

from qualz import broadcasts
from qualz.interview import Interview
from qualz.study import Study

WORKPLACE = "/workplace"


def listens(app: Flask, browser: FlaskClient, study: Study) -> Any:
    # Tests share an app context, and Flask-Login remembers by that.
    g.pop("_login_user", None)
    return app.extensions["socketio"].test_client(
        app,
        namespace=WORKPLACE,
        auth={"study": study.public_id},
        flask_test_client=browser,
    )


def test_the_page_of_a_study_hears_that_an_interview_changed(
    app: Flask, adas: FlaskClient, study: Study, interview: Interview
):
    ear = listens(app, adas, study)
    broadcasts.interview_changed(interview)
    heard = ear.get_received(WORKPLACE)
    assert [(one["name"], one["args"]) for one in heard] == [
        ("changed", [{"interview": interview.public_id}])
    ]


def test_nobody_else_hears_anything(
    app: Flask, client: FlaskClient, strangers: FlaskClient, study: Study
):
    assert not listens(app, strangers, study).is_connected(WORKPLACE)
    assert not listens(app, client, study).is_connected(WORKPLACE)
