"""Chunks: how many a second, and how soon each is durable, beside two bare servers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from dataclasses import dataclass
from typing import Any

import psutil

from qualz.simulation.wire import Connection, Host
from tests.bench.load import Act, Pace, Tally, costs, flat_out, paced
from tests.bench.people import Person, found_study, invite, let_in, send_home
from tests.bench.servers import bare, qualz, web_of
from tests.bench.table import Table, mebibytes, ms, times
from tests.bench.targets import Figures
from tests.e2e.server import Server

# The page's timeslice: a second of sound at 64 kbit/s, and of picture and sound at 1 Mbit/s.
EVERY = 1.0
SIZES = {"sound": 8 * 1024, "picture": 133 * 1024}
TYPES = {"sound": "audio/webm", "picture": "video/webm"}


class Chunk:
    """Bytes that all participants send. They are no media, and nobody looks into them but once."""

    def __init__(self, size: int) -> None:
        self.body = os.urandom(size)
        self.checksum = digest(self.body)


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


class Sender:
    """A participant who uploads; of each chunk it is known when it was acknowledged."""

    def __init__(self, port: int, person: Person, chunk: Chunk) -> None:
        self.port = port
        self.person = person
        self.chunk = chunk
        self.connection: Connection | None = None

    async def send(self, count: int = 1) -> None:
        if self.connection is None or self.connection.transport.is_closing():
            self.connection = await Connection.open(Host("127.0.0.1", self.port))
        person, body = self.person, self.chunk.body
        checksum = self.chunk.checksum if count == 1 else digest(body * count)
        head = (
            f"PATCH {person.upload} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
            f"Cookie: {person.cookie}\r\nTus-Resumable: 1.0.0\r\n"
            f"Upload-Checksum: sha256 {checksum}\r\n"
            f"Upload-Offset: {person.offset}\r\nRecorded-Until: {person.offset // 8}\r\n"
            "Content-Type: application/offset+octet-stream\r\n"
            f"Content-Length: {len(body) * count}\r\n\r\n"
        )
        answer = await self.connection.ask(head.encode(), body * count)
        assert answer.status == 204, f"answer {answer.status}"
        person.offset += len(body) * count

    def close(self) -> None:
        if self.connection:
            self.connection.close()


@dataclass
class Candidate:
    """Somebody who takes chunks, and the process that does."""

    name: str
    port: int
    process: psutil.Process
    server: Server | None = None


def measure(*, full: bool) -> Figures:
    levels = {"sound": [50, 100, 200, 500], "picture": [50, 100, 200]} if full else {}
    seconds = 6.0 if full else 3.0
    with qualz() as server, bare() as (port, worker):
        candidates = [
            Candidate("Qualz", server.port, web_of(server), server),
            Candidate("bare, append and fsync", port, worker),
            Candidate("bare, read and forget", port, worker),
        ]
        before = web_of(server).memory_info().rss
        for kind, size in SIZES.items():
            _measure(kind, size, levels.get(kind, [50]), candidates, seconds)
        after = web_of(server).memory_info().rss
    print(f"  Qualz's web process: {mebibytes(before)} before, {mebibytes(after)} after")
    return {}


def _measure(
    kind: str, size: int, levels: list[int], candidates: list[Candidate], seconds: float
) -> None:
    table = Table(
        f"Chunks of {size // 1024} KB ({kind}): durable after",
        *(
            "",
            "participants",
            "asked",
            "done",
            "p50",
            "p99",
            "Qualz's to it",
            "busy processors",
            "trouble",
        ),
    )
    for count in levels:
        pace = Pace(every=EVERY, seconds=seconds)
        _compare(table, kind, size, count, candidates, f"{count / EVERY:.0f}/s", pace)
    most = Table(
        f"Chunks of {size // 1024} KB ({kind}): as many as can be, 32 senders",
        *("", "a second", "Qualz's to it", "MB/s", "p50", "p99", "busy processors", "trouble"),
    )
    _compare_most(most, kind, size, candidates, seconds)
    table.show()
    most.show()


def _compare(
    table: Table,
    kind: str,
    size: int,
    count: int,
    candidates: list[Candidate],
    asked: str,
    pace: Pace,
) -> None:
    first: Tally | None = None
    for candidate in candidates:
        tally, cost = _load(candidate, kind, size, count, lambda acts: paced(acts, pace))
        first = first or tally
        rate = f"{tally.rate:,.0f}/s"
        table.add(
            *(candidate.name, count, asked, rate, ms(tally.p50), ms(tally.p99)),
            *(_ratio(first.p99, tally.p99, candidate), cost, tally.trouble),
        )


def _compare_most(
    table: Table, kind: str, size: int, candidates: list[Candidate], seconds: float
) -> None:
    first: Tally | None = None
    for candidate in candidates:
        tally, cost = _load(candidate, kind, size, 32, lambda acts: flat_out(acts, seconds))
        first = first or tally
        table.add(
            *(candidate.name, f"{tally.rate:,.0f}", _ratio(first.rate, tally.rate, candidate)),
            *(tally.rate * size / 1e6, ms(tally.p50), ms(tally.p99), cost, tally.trouble),
        )


def _ratio(ours: float | None, theirs: float | None, candidate: Candidate) -> str:
    return "" if candidate.server else times(ours, theirs)


def _load(candidate: Candidate, kind: str, size: int, count: int, drive: Any) -> tuple[Tally, str]:
    """Put the load on one of them while the others are idle."""
    if candidate.server:
        study = found_study(candidate.server)
        people = invite(candidate.server, study, count, reported_type=TYPES[kind])
        let_in(candidate.server, people)
    else:
        path = "/kept" if "fsync" in candidate.name else "/read"
        people = [Person("", "", "", f"{path}/{kind}-{count}-{n}") for n in range(count)]
    tally, cost = asyncio.run(_drive(candidate, people, Chunk(size), drive))
    if candidate.server:
        send_home(candidate.server, people)
    return tally, cost


async def _drive(
    candidate: Candidate, people: list[Person], chunk: Chunk, drive: Any
) -> tuple[Tally, str]:
    senders = [Sender(candidate.port, person, chunk) for person in people]
    acts: list[Act] = [sender.send for sender in senders]
    with costs(server=candidate.process) as cost:
        tally = await drive(acts)
    for sender in senders:
        sender.close()
    return tally, str(cost)
