"""The page about the server: what owners and admins see, and what they can have done once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from rq import Worker
from sqlalchemy import event

from qualz import background, clock, jobs, trouble
from qualz.bundle import Bundle
from qualz.counting import counts
from qualz.database import db
from qualz.happening import Happening, Kind
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.leased import Leased
from qualz.mail import Mail
from qualz.merge import Merge
from qualz.packing import Wanted
from qualz.part import Part
from qualz.recording import Recording
from qualz.rendition import Kind as Form
from qualz.rendition import Rendition
from qualz.researcher import Researcher
from qualz.settings import Settings
from qualz.study import Study
from qualz.turn import Speaker, Turn
from tests.dashboard.conftest import HTMX

PAGE = "/settings/server"


@pytest.fixture
def settings(settings: Settings, redis_url: str) -> Settings:
    Redis.from_url(redis_url).flushall()
    return replace(settings, redis_url=redis_url)


def failed(work: Leased, reason: str = "It broke.") -> None:
    work.state, work.reason = Leased.State.FAILED, reason
    work.ended_at, work.attempts = clock.now(), 5


def failed_merge(interview: Interview) -> Merge:
    merge = Merge.begin(interview.recording)
    assert merge
    db.session.flush()
    failed(merge, "The disk is too full to merge.")
    interview.recording.state = Recording.State.FAILED
    db.session.commit()
    return merge


def rung(app: Flask, line: str) -> list[str]:
    [found] = background.lines(app.extensions["queue"], [line])
    return found.job_ids


def test_a_failed_merge_is_shown_with_its_reason_and_begun_anew(
    app: Flask, adas: FlaskClient, interview: Interview
):
    merge = failed_merge(interview)
    page = adas.get(PAGE).text
    assert "The disk is too full to merge." in page
    assert f"Participant {interview.number}" in page
    answer = adas.post(f"{PAGE}/attempts/merge/{merge.id}", follow_redirects=True)
    assert "It is in line once more." in answer.text
    assert "The disk is too full to merge." not in answer.text
    db.session.refresh(interview.recording)
    assert interview.recording.state is Recording.State.WAITING
    assert rung(app, "merges") == [f"merge-{merge.id + 1}"]


def test_what_is_over_or_was_wanted_is_no_failure(interview: Interview):
    failed_merge(interview)
    later = Merge.begin(interview.recording)
    assert later
    db.session.commit()
    assert trouble.items() == []
    later.cancel()
    db.session.commit()
    assert trouble.items() == []


def test_every_kind_of_work_can_be_done_once_more(
    app: Flask,
    interview: Interview,
    study: Study,
    ada: Researcher,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
):
    record(interview)
    finish(interview)
    turn = Turn(speaker=Speaker.PARTICIPANT, text="")
    interview._append(turn)
    turn.hearings.append(hearing := Hearing())
    happening = Happening(interview=interview, kind=Kind.READY, occurrence="one")
    db.session.add(happening)
    db.session.flush()
    mail = Mail(happening_id=happening.id, researcher_id=ada.id, due_at=clock.now())
    wanted = Wanted(forms=(), recording=True)
    work = {
        "hear": hearing,
        "mail": mail,
        "rendition": Rendition.ask(interview.recording, Form.SOUND),
        "bundle": Bundle.ask(study, Bundle.Kind.FILES, wanted, [interview.id]),
    }
    for one in work.values():
        db.session.add(one)
        db.session.flush()
        failed(one)
    db.session.commit()
    found = trouble.items()
    assert {one.state for one in found} == {"failed"}
    assert len(found) == len(work)
    asked = {trouble.retry(one.kind, one.id) for one in found}
    assert asked == {(job, one.id) for job, one in work.items()}
    db.session.commit()
    db.session.expire_all()
    assert {one.state for one in work.values()} == {Leased.State.WAITING}
    assert {one.attempts for one in work.values()} == {0}


def test_work_whose_worker_is_gone_is_stuck_and_given_to_another(
    app: Flask, adas: FlaskClient, interview: Interview
):
    merge = Merge.begin(interview.recording)
    assert merge
    db.session.commit()
    assert Merge.claim(merge.id, lease_for=timedelta(seconds=60))
    assert [one.state for one in trouble.items()] == ["running"]
    assert adas.post(f"{PAGE}/attempts/merge/{merge.id}").status_code == 303
    assert rung(app, "merges") == []
    merge.leased_until = clock.now() - timedelta(seconds=1)
    db.session.commit()
    assert "Its worker is gone" in adas.get(PAGE).text
    adas.post(f"{PAGE}/attempts/merge/{merge.id}")
    assert rung(app, "merges") == [f"merge-{merge.id}"]
    assert Merge.claim(merge.id, lease_for=timedelta(seconds=60))


def test_work_that_nobody_comes_for_is_stuck(adas: FlaskClient, interview: Interview):
    merge = Merge.begin(interview.recording)
    assert merge
    merge.created_at = clock.now() - trouble.LONG - timedelta(seconds=1)
    db.session.commit()
    assert "No worker has come for it." in adas.get(PAGE).text


def test_who_is_at_work_is_told(app: Flask, adas: FlaskClient):
    page = adas.get(PAGE).text
    assert page.count("No worker") == len(background.LINES)
    queue = app.extensions["queue"]
    worker = Worker(background.lines(queue, ["merges", "letters"]), connection=queue.connection)
    worker.register_birth()
    background.ring(queue, "merge", 7)
    counts().mark("sweep", clock.now().timestamp())
    page = adas.get(f"{PAGE}/now", headers=HTMX).text
    assert page.count("1 worker") == 2
    assert page.count("No worker") == len(background.LINES) - 2
    assert "Merges, letters" in page
    assert "1 waiting" in page
    assert "Gone" not in page


def test_what_the_disk_is_full_of_is_weighed_by_a_worker(
    app: Flask, adas: FlaskClient, interview: Interview, record: Callable[..., Part]
):
    record(interview)
    assert "is being looked at" in adas.get(PAGE).text
    assert rung(app, "leisure") == ["weigh"]
    jobs.weigh()
    page = adas.get(PAGE).text
    assert "Recordings as they came" in page
    # Elsewhere it lies on a disk of its own.
    assert ("Database" in page) is (db.engine.dialect.name == "sqlite")
    kept: Any = counts().kept("usage")
    assert kept["found"]["parts"] >= interview.recording.parts[0].bytes_durable


def test_without_redis_the_page_says_so(app: Flask, adas: FlaskClient):
    app.extensions["queue"] = background.connect("redis://127.0.0.1:9/0")
    assert "Redis does not answer" in adas.get(PAGE).text


def test_it_is_not_swapped_for_nothing(adas: FlaskClient):
    # The first one has a worker look at the disk, which the next one tells of.
    adas.get(f"{PAGE}/now", headers=HTMX)
    first = adas.get(f"{PAGE}/now", headers=HTMX).text
    seen = first.split("seen=")[1].split('"')[0]
    assert adas.get(f"{PAGE}/now?seen={seen}", headers=HTMX).status_code == 204


def test_the_number_of_queries_does_not_grow(adas: FlaskClient, study: Study):
    asked: list[str] = []

    study_id = study.id

    def fail_one() -> None:
        interview = Interview.begin(db.session.get_one(Study, study_id).invitation)
        db.session.flush()
        failed_merge(interview)

    fail_one()
    db.session.remove()
    event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    adas.get(f"{PAGE}/now", headers=HTMX)
    few = len(asked)
    for _ in range(4):
        fail_one()
    db.session.remove()
    asked.clear()
    assert adas.get(f"{PAGE}/now", headers=HTMX).text.count("Full Session ") >= 5
    assert len(asked) == few
