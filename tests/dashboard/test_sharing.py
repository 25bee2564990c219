"""The Share page: whom the link lets in, what it carries, where it leads on."""

from __future__ import annotations

import csv
import html
import io
import json
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from qualz.database import db
from qualz.export import Form, export
from qualz.interview import Interview
from qualz.study import Study
from tests.dashboard.conftest import of

FILLED = {
    "quota": "20",
    "opens_at": "2026-12-01T09:00",
    "closes_at": "2026-12-24T18:00",
    "access_code": "Blue Door",
    "parameters": "PROLIFIC_PID, panel\nPROLIFIC_PID",
    "redirect": "https://app.prolific.com/submissions/complete?cc=C1&p={{PROLIFIC_PID}}",
}


def test_what_is_set_is_kept_and_shown_again(adas: FlaskClient, study: Study):
    address = f"/studies/{study.public_id}/share"
    assert adas.post(address, data=FILLED).status_code == 303
    assert (study.quota, study.access_code) == (20, "Blue Door")
    assert study.opens_at == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert study.closes_at == datetime(2026, 12, 24, 18, tzinfo=UTC)
    assert study.parameters == ["PROLIFIC_PID", "panel"]
    page = adas.get(address).text
    for value in ("2026-12-01T09:00", "Blue Door", "submissions/complete?cc=C1&amp;p="):
        assert value in page
    assert adas.post(address, data={}).status_code == 303
    assert (study.quota, study.opens_at, study.parameters, study.redirect) == (None, None, [], "")


def test_prolifics_three_are_one_button_away(adas: FlaskClient, study: Study):
    adas.post(f"/studies/{study.public_id}/share", data={"preset": "prolific"})
    assert study.parameters == ["PROLIFIC_PID", "STUDY_ID", "SESSION_ID"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"quota": "many"}, "Write a whole number"),
        ({"quota": "0"}, "from 1 to 100,000"),
        ({"opens_at": "soon"}, "Write day and time"),
        ({"closes_at": "2026-11-01T00:00"}, "close before it opens"),
        ({"parameters": "a b <c>"}, "is no name"),
        ({"redirect": "http://a.example/"}, "begin with https://"),
        ({"embedders": "https://a.example http://b.example"}, "“http://b.example” is no site"),
        ({"embedders": "https://*.example; script-src *"}, "is no site"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_of_it_saved(
    adas: FlaskClient, study: Study, wrong: dict[str, str], said: str
):
    answer = adas.post(f"/studies/{study.public_id}/share", data=FILLED | wrong)
    assert answer.status_code == 422
    assert said in answer.text
    db.session.expire_all()
    assert (study.quota, study.redirect) == (None, "")


def test_a_stranger_sets_nothing(strangers: FlaskClient, study: Study):
    assert strangers.post(f"/studies/{study.public_id}/share", data=FILLED).status_code == 404


def test_the_page_says_when_the_door_is_shut_although_the_study_is_open(
    adas: FlaskClient, study: Study, interview: Interview
):
    interview.complete()
    study.quota = 1
    db.session.commit()
    assert "This study is full" in adas.get(f"/studies/{study.public_id}/share").text


def test_what_the_link_carried_is_shown_and_exported(adas: FlaskClient, study: Study):
    study.parameters = ["PID", "panel"]
    interview = Interview.begin(study.invitation, carried={"PID": "=1+1", "panel": "b", "x": "y"})
    db.session.commit()
    assert "=1+1" in adas.get(of(study, interview)).text
    assert json.loads(export(interview, Form.JSON))["parameters"] == {"PID": "=1+1", "panel": "b"}
    head = next(csv.reader(io.StringIO(export(interview, Form.CSV).decode("utf-8-sig"))))
    assert head[-2:] == ["PID", "panel"]


def test_a_frame_is_offered_for_the_sites_that_may_show_it(adas: FlaskClient, study: Study):
    address = f"/studies/{study.public_id}/share"
    study.title = 'A "quoted" <title>'
    db.session.commit()
    page = adas.get(address).text
    assert "&lt;iframe" not in page
    assert "Take part in the interview" in page
    sites = "https://WWW.Example.org:443/page\nhttps://www.example.org, http://localhost:9000"
    assert adas.post(address, data={"embedders": sites}).status_code == 303
    assert study.embedders == ["https://www.example.org", "http://localhost:9000"]
    code = html.unescape(adas.get(address).text.split(">&lt;iframe")[1].split("</textarea>")[0])
    assert 'title="A &#34;quoted&#34; &lt;title&gt;"' in code
    assert 'allow="microphone; autoplay; screen-wake-lock"' in code


def test_the_wizards_last_step_hands_out_all_ways_in(adas: FlaskClient, study: Study):
    study.embedders = ["https://www.example.org"]
    db.session.commit()
    page = html.unescape(adas.get(f"/studies/{study.public_id}/set-up/share").text)
    assert study.invitation.token in page
    assert "Make link" in page
    assert "<iframe src=" in page
    study.state = Study.State.DRAFT
    db.session.commit()
    page = html.unescape(adas.get(f"/studies/{study.public_id}/set-up/share").text)
    assert "Make link" not in page
    assert "<iframe src=" not in page
