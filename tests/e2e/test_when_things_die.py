"""The same interview, with the worker killed while it merges and Redis emptied meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import psutil
import pytest
from redis import Redis

from tests.e2e.actors import Participant, Researcher
from tests.e2e.server import Server, eventually
from tests.e2e.test_one_interview import CAMERAS, assert_plays_as_one
from tests.gate import Gate

QUESTIONS = ["What happened?", "And then?"]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, gate: Gate) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("qualz"), FFMPEG=str(gate.program), QUALZ_LEASE="3")
    server.start()
    yield server
    server.stop()


def is_interviewed(
    participant: Participant, link: str, meanwhile: Callable[[], None] = lambda: None
) -> None:
    participant.opens(link)
    participant.consents()
    participant.passes_the_device_check()
    participant.hears(QUESTIONS[0])
    participant.answers_aloud(seconds=2)
    participant.hears(QUESTIONS[1])
    participant.reloads()
    meanwhile()
    participant.hears(QUESTIONS[1])
    participant.answers_aloud(seconds=2)
    participant.finishes()


@pytest.mark.long
def test_a_worker_killed_during_the_merge_costs_nothing(
    server: Server, gate: Gate, researcher: Researcher, participant: Participant
):
    gate.closes()
    title = "Story with a killed worker"
    link = researcher.creates_a_study(title, QUESTIONS, camera=CAMERAS["off"])
    is_interviewed(participant, link)
    worker = server.child("worker merges")
    eventually(lambda: gate.waiting_for(worker), within=30, what="it merges")
    horses = worker.children(recursive=True)
    os.kill(worker.pid, signal.SIGKILL)
    # Nothing of it lives on to publish beside the one that takes over.
    _, alive = psutil.wait_procs(horses, timeout=10)
    assert alive == []
    researcher.opens_transcripts(title)
    researcher.opens_interview("Participant 1")
    researcher.plays_a_clip()
    gate.opens()

    researcher.waits_for_the_full_session()
    assert_plays_as_one(researcher, server, title)
    [(attempts,)] = server.ask("SELECT attempts FROM merges")
    assert attempts == 2
    assert len(list((server.data / "media").rglob("full-session*.webm"))) == 1


def test_redis_emptied_during_the_interview_costs_nothing(
    server: Server, gate: Gate, researcher: Researcher, participant: Participant
):
    gate.opens()
    title = "Story with an emptied Redis"
    link = researcher.creates_a_study(title, QUESTIONS, camera=CAMERAS["disabled"])
    redis = Redis.from_url(server.redis_url)

    is_interviewed(participant, link, meanwhile=redis.flushall)
    redis.flushall()
    researcher.opens_transcripts(title)
    researcher.opens_interview("Participant 1")
    researcher.waits_for_the_full_session()
    assert_plays_as_one(researcher, server, title)


@pytest.mark.long
def test_redis_killed_is_brought_back_and_the_merge_still_ends(
    server: Server, gate: Gate, researcher: Researcher, participant: Participant
):
    gate.opens()
    title = "Story with a killed Redis"
    link = researcher.creates_a_study(title, QUESTIONS, camera=CAMERAS["disabled"])

    def redis_is_killed() -> None:
        os.kill(server.child("redis-server").pid, signal.SIGKILL)

    is_interviewed(participant, link, meanwhile=redis_is_killed)
    researcher.opens_transcripts(title)
    researcher.opens_interview("Participant 1")
    researcher.waits_for_the_full_session()
    assert_plays_as_one(researcher, server, title)
