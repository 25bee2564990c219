"""`/metrics`: what Prometheus is told, and who is told nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from qualz import background, clock, counting, jobs
from qualz.counts import Counts
from qualz.database import db
from qualz.interview import Interview
from qualz.merge import Merge
from qualz.metrics import FORWARDED
from qualz.settings import Settings
from qualz.study import Study
from tests.room.conftest import SAMPLES, Participant

TOKEN = "a-token-of-the-watchers"
Told = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
def settings(settings: Settings, redis_url: str) -> Settings:
    Redis.from_url(redis_url).flushall()
    return replace(settings, redis_url=redis_url)


def told(client: FlaskClient) -> Told:
    """By the name and the labels' values, in the order of the labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (
            sample.name.removeprefix("qualz_"),
            tuple(dict(sorted(sample.labels.items())).values()),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def participant(client: FlaskClient, study: Study) -> Participant:
    participant = Participant(client)
    participant.consents(study)
    participant.arrives()
    return participant


def test_who_is_there_and_how_much_of_it_is_safe(
    client: FlaskClient, participant: Participant, study: Study
):
    sound = (SAMPLES / "chromium-opus.webm").read_bytes()
    upload = participant.starts_part().location
    participant.sends(upload, sound[:2000], 0, **{"Recorded-Until": "2000"})
    participant.sends(upload, sound[2000:5000], 2000, **{"Recorded-Until": "3500"})
    beat = {"place": "laptop", "recording": True, "part": 1, "ms": 5000, "waiting": 4000}
    participant.client.post(f"{participant.room}/beats", json=beat)
    now = told(client)
    assert now["live_interviews", ("here",)] == 1
    assert now["live_interviews", ("away",)] == 0
    assert now["durable_lag_seconds", ("max",)] == pytest.approx(1.5)
    assert now["waiting_bytes", ()] == 4000
    assert now["received_bytes_total", ()] == 5000
    assert now["received_seconds_total", ()] == pytest.approx(3.5)
    assert now["up", ("database",)] == now["up", ("redis",)] == 1
    assert now["disk_size_bytes", ()] > now["disk_free_bytes", ()] > 0


def test_drops_are_counted_by_their_cause_and_not_before_they_are_true(
    client: FlaskClient, interview: Interview
):
    interview.arrive("laptop", page="one")
    interview.depart("laptop", "one")
    db.session.flush()
    assert ("drops_noticed_total", ()) in told(client)
    assert told(client)["drops_noticed_total", ()] == 0
    db.session.commit()
    assert told(client)["drops_noticed_total", ()] == 1
    interview.arrive("laptop", page="two", came="reload")
    db.session.commit()
    assert told(client)["drops_total", ("reload",)] == 1


def test_work_is_told_by_kind_state_and_duration(
    app: Flask, client: FlaskClient, interview: Interview
):
    merge = Merge.begin(interview.recording)
    assert merge
    merge.created_at = clock.now() - timedelta(seconds=40)
    db.session.commit()
    background.ring(app.extensions["queue"], "merge", merge.id)
    before = told(client)
    assert before["work", ("merge", "waiting")] == 1
    assert before["work_oldest_seconds", ("merge",)] == pytest.approx(40, abs=5)
    assert before["queue_length", ("merges",)] == 1
    assert before["workers", ("merges",)] == 0
    app.extensions.pop("ffmpeg", None)
    jobs.merge(merge.id)
    after = told(client)
    assert after["work", ("merge", "waiting")] == 0
    assert after["work", ("merge", "failed")] == 1
    done = ("merge", "failed")
    assert after["work_duration_seconds_count", done] == 1
    assert after["work_duration_seconds_bucket", ("merge", "10.0", "failed")] == 1


def test_what_one_process_counts_another_tells(settings: Settings, app: Flask):
    """And none of them tells it twice."""
    counting.counts().add(counting.RECEIVED_BYTES, 7)
    other = Counts(settings.redis_url)
    other.add(counting.RECEIVED_BYTES, 5)
    counting.counts().hand_over()
    assert [one.value for one in other.all()] == [12]
    assert [one.value for one in other.all()] == [12]


def test_counts_wait_for_a_redis_that_is_away(redis_url: str):
    counts = Counts("redis://127.0.0.1:9/0")
    counts.add("any", 3)
    counts.add("any", 4)
    counts._redis = Redis.from_url(redis_url)
    counts._redis.flushall()
    assert [one.value for one in counts.all()] == [7]


def test_without_redis_the_rest_is_told(app: Flask, client: FlaskClient):
    app.extensions["queue"] = background.connect("redis://127.0.0.1:9/0")
    now = told(client)
    assert now["up", ("redis",)] == 0
    assert now["live_interviews", ("here",)] == 0
    assert not [name for name, _ in now if "queue" in name]


def test_the_number_of_queries_does_not_grow(client: FlaskClient, study: Study):
    from sqlalchemy import event

    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    told(client)
    few = len(asked)
    for _ in range(5):
        joined = Interview.begin(study.invitation)
        db.session.commit()
        joined.arrive("laptop")
    db.session.commit()
    asked.clear()
    assert told(client)["live_interviews", ("here",)] == 5
    assert len(asked) == few


@pytest.mark.parametrize("name", FORWARDED)
def test_without_a_token_only_this_machine_is_told(client: FlaskClient, name: str):
    assert client.get("/metrics").status_code == 200
    elsewhere = client.get("/metrics", environ_overrides={"REMOTE_ADDR": "10.0.0.7"})
    by_proxy = client.get("/metrics", headers={name: "10.0.0.7"})
    for answer in (elsewhere, by_proxy):
        assert answer.status_code == 403
        assert "qualz_" not in answer.text


def test_with_a_token_whoever_shows_it_is_told(app: Flask, client: FlaskClient):
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, metrics_token=TOKEN)
    shown = {"Authorization": f"Bearer {TOKEN}"}
    far = {"REMOTE_ADDR": "10.0.0.7"}
    assert client.get("/metrics", headers=shown, environ_overrides=far).status_code == 200
    for wrong in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": TOKEN}):
        answer = client.get("/metrics", headers=wrong)
        assert answer.status_code == 401
        assert TOKEN not in answer.text
