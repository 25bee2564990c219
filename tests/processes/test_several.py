"""Several web processes behind one port: whatever one of them held goes on at another."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import create_engine, text

from qualz import clock, switchboard
from qualz.application import create_app
from qualz.core import CHANNEL
from qualz.settings import Settings
from qualz.simulation.wire import Host, Line
from tests.bench.people import Person, Venue, found_study, invite, let_in
from tests.bench.sockets import Heart
from tests.bench.uploads import Chunk, Sender
from tests.processes.conftest import Deployment, eventually

# Enough that chance leaves some of them to each process.
PEOPLE, WATCHING = 16, 4


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    deployment.environment["WEB"] = "2"
    return deployment.start()


class Page(Line):
    """A researcher's, which notices that its socket was closed."""

    is_hung_up = False

    def _hear(self, kind: bytes, text: str) -> None:
        self.is_hung_up |= kind == b"1"
        super()._hear(kind, text)


def webs(deployment: Deployment) -> list[psutil.Process]:
    master = deployment.named("gunicorn")
    return master.children() if master else []


def test_one_of_them_is_killed_and_everybody_goes_on_at_the_other(deployment: Deployment):
    server: Any = deployment
    venue = found_study(server)
    people = invite(server, venue, PEOPLE, reported_type="audio/webm")
    let_in(server, people)
    # In a thread of its own: the browsers of other stories keep a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(story(deployment, venue, people))).result()
    engine = create_engine(f"sqlite:///{deployment.data / 'qualz.db'}")
    with engine.connect() as connection:
        now = connection.execute(text("SELECT state, away_since FROM interviews")).all()
        held = connection.execute(text("SELECT bytes_durable FROM parts")).scalars().all()
    engine.dispose()
    assert set(now) == {("live", None)}
    assert set(held) == {people[0].offset}
    eventually(lambda: len(webs(deployment)) == 2)
    assert deployment.get("/readyz")[0] == 200
    assert "Traceback" not in deployment.logs()


async def story(deployment: Deployment, venue: Venue, people: list[Person]) -> None:
    chunk = Chunk(4096)
    hearts = [Heart(deployment.port, one) for one in people]
    senders = [Sender(deployment.port, one, chunk) for one in people]
    watching = [await watch(deployment, venue) for _ in range(WATCHING)]
    await go_on(hearts, senders)
    lines = [heart.line for heart in hearts if heart.line]
    held = {web.pid: len(web.net_connections("tcp")) for web in webs(deployment)}
    # Or this would tell nothing.
    assert min(held.values()) > 1, held
    await everybody_hears(deployment, watching)
    victim = max(held, key=lambda pid: held[pid])
    os.kill(victim, 9)
    await until(lambda: any(line.transport.is_closing() for line in lines))
    # Whoever was at the other one notices nothing.
    assert not all(line.transport.is_closing() for line in lines)
    await go_on(hearts, senders)
    assert {one.offset for one in people} == {2 * len(chunk.body)}
    for one in (*hearts, *senders, *lines, *watching):
        one.close()


async def go_on(hearts: list[Heart], senders: list[Sender]) -> None:
    for heart, sender in zip(hearts, senders, strict=True):
        await heart.beat()
        await sender.send()


async def watch(deployment: Deployment, venue: Venue) -> Page:
    return await Page.open(
        Host("127.0.0.1", deployment.port),
        "/workplace",
        {"study": venue.study},
        venue.researcher_cookie,
    )


async def everybody_hears(deployment: Deployment, watching: list[Page]) -> None:
    """That one researcher's pages are hung up on, whichever process holds them."""
    data = deployment.data
    redis = Redis.from_url(f"unix://{data}/run/redis.sock")
    message = '{"method": "disconnect", "namespace": "/workplace", "room": "researcher-1"}'
    assert redis.publish(CHANNEL, message) == 2
    await until(lambda: all(page.is_hung_up for page in watching))


async def until(condition: Any) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It never came to that.")


def test_a_participant_whose_process_died_was_away_because_of_the_server(
    settings: Settings, redis_url: str
):
    Redis.from_url(redis_url).flushall()
    app: Flask = create_app(replace(settings, redis_url=redis_url, web=2))
    began = app.extensions["listening_since"] = clock.now() - timedelta(hours=1)
    with app.app_context():
        assert switchboard.listening_since() == began
        switchboard.note_end(redis_url)
        assert clock.now() - switchboard.listening_since() < timedelta(minutes=1)


def test_where_there_is_one_process_its_own_sockets_are_closed():
    closed: list[str] = []
    manager = SimpleNamespace(get_participants=lambda *_: [("a", 1), ("b", 2)])
    server = SimpleNamespace(manager=manager, disconnect=lambda sid, **_: closed.append(sid))
    switchboard.hang_up(server, "/workplace", "researcher-1")
    assert closed == ["a", "b"]
