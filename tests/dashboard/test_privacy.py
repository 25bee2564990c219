"""Pseudonyms on export, and what is handed to a participant who asks what is held about them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz import correction, jobs, removal
from qualz.bundle import Bundle
from qualz.comment import Comment
from qualz.database import db
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.part import Part
from qualz.passages import text_of
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.pseudonym import Pseudonyms
from qualz.recording import Recording
from qualz.said import said_in
from qualz.settings import Settings
from qualz.study import Study
from qualz.turn import Manner, Speaker, Turn
from tests.dashboard.conftest import HTMX, of

SAID = "I am Grace, and Anna said: write to grace@example.org! My id is PID-99, will that do?"
HIDDEN = "I am P01, and [name] said: write to P01! My id is P01, will that do?"


def by_link(study: Study, name: str, email: str, **carried: str) -> Interview:
    [(link, _)] = PersonalLink.create(study, [Person(name, email)])
    db.session.flush()
    interview = Interview.begin(link, carried=carried)
    db.session.flush()
    assert link.begin(interview)
    db.session.commit()
    return interview


@pytest.fixture
def grace(study: Study, record: Callable[..., Part], finish: Callable[..., Recording]) -> Interview:
    """Among two who are called Anna."""
    study.parameters = ["pid"]
    grace = by_link(study, "Grace Hopper", "grace@example.org", pid="PID-99")
    for surname in ("Freud", "Seghers"):
        by_link(study, f"Anna {surname}", f"anna@{surname}.example")
    part = record(grace)
    turn = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text=SAID, part=part)
    grace._append(turn)
    db.session.flush()
    ada = study.researcher
    Comment.write(turn, "Hopper, surely", by=ada)
    Highlight.mark(turn, SAID.index("write"), "write to grace@example.org", by=ada)
    correction.correct(turn, f"{SAID} Will!", seen=correction.version(turn), by=ada)
    db.session.commit()
    finish(grace)
    return grace


def test_names_are_replaced_as_whole_words_and_nothing_else(study: Study, grace: Interview):
    will = by_link(study, "Will O’Neill", "")
    by_link(study, "li van vliet", "")
    db.session.get_one(Interview, will.id - 3).rename("The pilot interview with a nurse")
    db.session.flush()
    hidden = Pseudonyms(study)
    for said, shown in {
        SAID: HIDDEN,
        "Hopper’s. GRACE HOPPER; grace hopper; gracefully, disgrace.": (
            "P01’s. P01; P01; gracefully, disgrace."
        ),
        "Anna Freud and Anna Seghers": "P02 and P03",
        "I will, says Will O’Neill’s aunt": "I will, says P04’s aunt",
        "The nurse, a Vliet by name, and Li Van Vliet": "The nurse, a P05 by name, and P05",
        "ask nobody@nowhere.example.": "ask [e-mail].",
        "": "",
    }.items():
        assert hidden.words(said, grace) == shown
    assert hidden.words("Anna", db.session.get_one(Interview, grace.id + 1)) == "P02"
    assert hidden.label(will) == "P04"
    assert hidden.parameters(grace) == {"pid": "P01"}


def test_highlights_stand_where_their_words_are_shown(study: Study, grace: Interview):
    hidden = Pseudonyms(study)
    text, blocks = text_of(said_in(grace, hidden), hidden)
    [mark] = [mark for block in blocks for mark in block.marks]
    assert text[mark.start : mark.end] == "write to P01"


@pytest.mark.parametrize("kind", ["files", "project"])
def test_no_export_with_pseudonyms_tells_a_name(
    adas: FlaskClient, study: Study, grace: Interview, kind: str
):
    forms = ["docx", "vtt", "srt", "txt", "md", "csv", "json"]
    form = {"kind": kind, "form": forms, "pseudonyms": "1"}
    adas.post(f"/studies/{study.public_id}/exports", data=form)
    [bundle] = Bundle.all_of(study)
    jobs.bundle(bundle.id)
    with adas.get(f"/media/exports/{bundle.public_id}") as answer:
        found = zipfile.ZipFile(io.BytesIO(answer.data))
    texts = {name: found.read(name) for name in found.namelist()}
    for name, data in list(texts.items()):
        if name.endswith(".docx"):
            document = zipfile.ZipFile(io.BytesIO(data))
            texts |= {f"{name}/{one}": document.read(one) for one in document.namelist()}
    whole = b"\n".join([*texts.values(), *(name.encode() for name in texts)]).lower()
    assert b"p01" in whole
    for name in (b"grace", b"hopper", b"anna", b"freud", b"pid-99", b"example.org"):
        assert name not in whole, name
    assert "with pseudonyms" in adas.get(f"/studies/{study.public_id}/exports").text


def test_one_transcript_comes_with_a_pseudonym_too(
    adas: FlaskClient, study: Study, grace: Interview
):
    assert "pseudonyms=1" in adas.get(of(study, grace, "/export"), headers=HTMX).text
    answer = adas.get(of(study, grace, "/export/txt?pseudonyms=1"))
    assert f"P01:\n{HIDDEN}" in answer.text
    assert "P01.txt" in answer.headers["Content-Disposition"]


def test_whoever_asks_gets_all_that_is_held_about_them_and_nobody_else(
    app: Flask, adas: FlaskClient, settings: Settings, study: Study, grace: Interview
):
    other = Study.start(study.researcher, title="Second")
    other.revise_guide(study.guide.questions)
    other.open()
    db.session.commit()
    by_link(other, "G. H.", "Grace@Example.org")
    dialog = adas.get(of(study, grace, "/data-request"), headers=HTMX).text
    assert "the other interview of grace@example.org" in dialog
    assert adas.post(of(study, grace, "/data-request"), data={"others": "1"}).status_code == 303
    [bundle] = Bundle.all_of(study)
    page = adas.get(f"/studies/{study.public_id}/exports").text
    assert "Waiting to make the Data request of 2 interviews" in page
    jobs.bundle(bundle.id)
    with adas.get(f"/media/exports/{bundle.public_id}") as answer:
        assert "Data request" in answer.headers["Content-Disposition"]
        found = zipfile.ZipFile(io.BytesIO(answer.data))
    mine = "Search habits 0001"
    assert set(found.namelist()) == {
        *(f"{mine}/{name}" for name in ("data.json", "part 1.webm", "full session.webm")),
        *(f"{mine}/transcript.{form}" for form in ("docx", "txt", "vtt")),
        *(f"Second 0001/transcript.{form}" for form in ("docx", "txt", "vtt")),
        *("Second 0001/data.json", "README.txt", "manifest.json"),
    }
    [part] = grace.recording.parts
    data = app.extensions["storage"].path(part.file).read_bytes()
    assert found.read(f"{mine}/part 1.webm") == data
    listed = json.loads(found.read("manifest.json"))["files"]
    assert hashlib.sha256(data).hexdigest() in {one["sha256"] for one in listed}
    told = json.loads(found.read(f"{mine}/data.json"))
    assert list(told)[:5] == ["study", "interview", "number", "called", "state"]
    assert told["personal_link"]["email"] == "grace@example.org"
    assert told["link_parameters"] == {"pid": "PID-99"}
    [turn] = told["turns"]
    assert (turn["text"], turn["comments"][0]["text"]) == (SAID, "Hopper, surely")
    assert turn["corrections"][0]["text"] == f"{SAID} Will!"
    assert told["events"][0]["kind"] == "began"
    assert "Freud" not in json.dumps(told)
    # What was handed out goes with the interview that it was made of.
    removal.remove_interview(grace, app.extensions["storage"])
    Bundle.keep_up(app.extensions["storage"])
    assert not list(settings.media.glob("exports/*/*"))


def test_a_stranger_asks_for_nobodys_data(
    app: Flask, strangers: FlaskClient, study: Study, grace: Interview
):
    for rest in ("/data-request", "/keeping"):
        assert strangers.get(of(study, grace, rest)).status_code == 404
        assert strangers.post(of(study, grace, rest)).status_code == 404


def test_a_rule_is_set_and_one_interview_is_kept(adas: FlaskClient, study: Study, grace: Interview):
    address = f"/studies/{study.public_id}/retention"
    refused = adas.post(address, data={"rule": "own", "everything": "3"})
    assert refused.status_code == 422
    assert "8 days at least" in refused.text
    assert 'value="3"' in refused.text
    assert adas.post(address, data={"rule": "own", "everything": "x"}).status_code == 422
    adas.post(address, data={"rule": "own", "recordings": "30", "everything": " 90 "})
    page = adas.get(f"/studies/{study.public_id}/settings").text
    assert "Recordings are deleted 30 days after the interview, everything else after 90" in page
    assert "Recording kept until" in adas.get(of(study, grace)).text
    adas.post(of(study, grace, "/keeping"), data={"reason": "a <complaint>"})
    page = adas.get(of(study, grace)).text
    assert "Kept: a &lt;complaint&gt;" in page
    assert "Recording kept until" not in page
    assert "Keep it no longer" in adas.get(of(study, grace, "/keeping"), headers=HTMX).text
    adas.post(of(study, grace, "/keeping"), data={"release": "1"})
    assert "Recording kept until" in adas.get(of(study, grace)).text
    adas.post(address, data={"rule": "workspace"})
    adas.post("/settings/retention", data={"everything": "100"})
    assert "Everything is deleted 100 days" in adas.get(f"/studies/{study.public_id}/settings").text
    assert adas.post("/settings/retention", data={"everything": "2"}).status_code == 422
