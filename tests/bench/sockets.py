"""Heartbeats: how soon each is acknowledged, beside a bare Flask-SocketIO server."""

from __future__ import annotations

import asyncio
import random

from qualz.simulation.wire import Host, Line
from tests.bench.load import Act, Pace, Tally, costs, paced
from tests.bench.people import Person, found_study, invite, let_in, send_home
from tests.bench.servers import bare, qualz, web_of
from tests.bench.table import Table, mebibytes, ms, times
from tests.bench.targets import Figures
from tests.bench.uploads import Candidate

BEAT = 2.0
# Browsers come one by one; a flood of handshakes is not what is measured.
AT_ONCE = 25


class Heart:
    """A participant whose socket beats. A socket that was lost is opened anew, as the page does."""

    def __init__(self, port: int, person: Person) -> None:
        self.port = port
        self.person = person
        self.line: Line | None = None

    async def open(self) -> None:
        auth = {"interview": self.person.interview, "place": self.person.place}
        self.line = await Line.open(Host("127.0.0.1", self.port), "/room", auth, self.person.cookie)

    async def beat(self, _count: int = 1) -> None:
        """What the page says every two seconds."""
        if self.line is None or self.line.transport.is_closing():
            await self.open()
        assert self.line
        told = self.person.offset // 8
        report = {
            "recording": True,
            "paused": False,
            "muted": False,
            "waiting": 0,
            "part": 1,
            "level": round(random.random(), 2),
            "ms": told,
            "safe": told,
        }
        answer = await self.line.ask("heartbeat", report)
        assert answer == {"here": True}, f"answer {answer}"

    def close(self) -> None:
        if self.line:
            self.line.close()


async def connected(port: int, people: list[Person]) -> list[Heart]:
    gate = asyncio.Semaphore(AT_ONCE)
    hearts = [Heart(port, person) for person in people]

    async def enter(heart: Heart) -> None:
        async with gate:
            await heart.open()

    await asyncio.gather(*map(enter, hearts))
    return hearts


def measure(*, full: bool) -> Figures:
    count, seconds = (1000, 12.0) if full else (200, 6.0)
    table = Table(
        f"Heartbeats of {count} sockets, each every {BEAT:.0f} s: acknowledged after",
        *("", "asked", "done", "p50", "p99", "Qualz's to it", "busy processors", "trouble"),
    )
    first: Tally | None = None
    with qualz() as server, bare() as (port, worker):
        before = web_of(server).memory_info().rss
        for candidate in (
            Candidate("Qualz", server.port, web_of(server), server),
            Candidate("bare Flask-SocketIO", port, worker),
        ):
            tally, cost = _load(candidate, count, Pace(every=BEAT, seconds=seconds))
            first = first or tally
            ratio = "" if candidate.server else times(first.p99, tally.p99)
            table.add(
                *(candidate.name, f"{count / BEAT:.0f}/s", f"{tally.rate:,.0f}/s"),
                *(ms(tally.p50), ms(tally.p99), ratio, cost, tally.trouble),
            )
        after = web_of(server).memory_info().rss
    table.note(f"Qualz's web process: {mebibytes(before)} before, {mebibytes(after)} after.")
    table.show()
    return {}


def _load(candidate: Candidate, count: int, pace: Pace) -> tuple[Tally, str]:
    server = candidate.server
    if server is None:
        strangers = [Person("", "", "", "") for _ in range(count)]
        return asyncio.run(_drive(candidate, strangers, pace))
    people = invite(server, found_study(server), count, reported_type="audio/webm")
    result = asyncio.run(_drive(candidate, people, pace))
    send_home(server, people)
    return result


async def _drive(candidate: Candidate, people: list[Person], pace: Pace) -> tuple[Tally, str]:
    hearts = await connected(candidate.port, people)
    if candidate.server:
        let_in(candidate.server, people)
    acts: list[Act] = [heart.beat for heart in hearts]
    with costs(server=candidate.process) as cost:
        tally = await paced(acts, pace)
    for heart in hearts:
        heart.close()
    return tally, str(cost)
