"""A study is opened, paused, closed, put away and brought back."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qualz.database import db
from qualz.errors import WrongState
from qualz.researcher import Researcher
from qualz.study import Study
from tests.dashboard.conftest import HTMX

State = Study.State


def makes(researcher: FlaskClient, study: Study, state: str, **more: str) -> TestResponse:
    return researcher.put(f"/studies/{study.public_id}/state", data={"state": state, **more})


@pytest.mark.parametrize(
    "way",
    [
        ["paused", "live", "closed", "live"],
        ["paused", "closed", "archived"],
        ["paused", "archived", "draft", "live"],
    ],
)
def test_a_study_goes_where_its_buttons_lead(adas: FlaskClient, study: Study, way: list[str]):
    for state in way:
        page = adas.get(f"/studies/{study.public_id}/settings").text
        assert f'name="state" value="{state}"' in page or study.is_draft
        assert makes(adas, study, state).status_code == 303
        assert study.state == state


def test_each_change_says_what_it_means(adas: FlaskClient, study: Study):
    makes(adas, study, "paused", **{"from": "list"})
    page = adas.get("/studies").text
    assert "is paused" in page
    assert "Whoever has begun an interview can go on with it" in page
    assert "Paused<" in page


def test_what_cannot_be_is_refused_and_nothing_happens(
    adas: FlaskClient, study: Study, ada: Researcher
):
    assert makes(adas, study, "archived").status_code == 409
    assert makes(adas, study, "exploded").status_code == 409
    assert study.state is State.LIVE
    with pytest.raises(WrongState, match="needs a title"):
        Study.start(ada, title="No questions").become(State.LIVE)


def test_to_ask_twice_is_to_ask_once(adas: FlaskClient, study: Study):
    assert makes(adas, study, "paused").status_code == 303
    assert makes(adas, study, "paused").status_code == 303
    assert study.state is State.PAUSED


def test_once_used_a_study_comes_out_of_the_archive_closed(adas: FlaskClient, study: Study):
    study.guide.freeze()
    db.session.commit()
    for state in ("closed", "archived", "closed"):
        makes(adas, study, state)
    assert study.state is State.CLOSED


def test_htmx_is_told_where_to_go(adas: FlaskClient, study: Study):
    sent = {"state": "paused", "from": "list"}
    answer = adas.put(f"/studies/{study.public_id}/state", data=sent, headers=HTMX)
    assert answer.headers["HX-Redirect"] == "/studies"


def test_a_stranger_cannot_pause_it(strangers: FlaskClient, study: Study):
    assert makes(strangers, study, "paused").status_code == 404
    assert study.state is State.LIVE
