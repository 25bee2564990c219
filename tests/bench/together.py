"""A thousand participants on one machine, each with a heartbeat and a chunk every two seconds."""

from __future__ import annotations

import asyncio

import psutil

from qualz.part import HEADER
from tests.bench.load import Cost, Pace, Tally, costs, paced
from tests.bench.people import Person, found_study, invite, let_in, send_home
from tests.bench.servers import qualz, sweep_of, web_of
from tests.bench.sockets import AT_ONCE, BEAT, connected
from tests.bench.table import Table, mebibytes, ms, percentile
from tests.bench.targets import Figures
from tests.bench.uploads import Chunk, Sender
from tests.e2e.server import Server

# Two seconds of sound at 64 kbit/s.
CHUNK = 16 * 1024
# What waits in a page goes up together, up to 256 KB at first.
GATHERED = 16


def measure(*, full: bool) -> Figures:
    if not full:
        return {}
    figures: Figures = {}
    table = Table(
        f"Participants together: a heartbeat and {CHUNK // 1024} KB each every {BEAT:.0f} s",
        *("", "asked", "done", "p50", "p99", "longest", "trouble"),
    )
    for count in (250, 500, 1000):
        with qualz() as server:
            p99 = _add(table, server, count)
            if count == 1000 and p99 is not None:
                figures["participants"] = 1000 * p99
    table.note("To reach with 1,000 on 2 cores: chunk acknowledged p99 under 500 ms.")
    table.show()
    return figures


def _add(table: Table, server: Server, count: int) -> float | None:
    """Answers how soon 99 of 100 chunks were acknowledged, in seconds."""
    web = web_of(server)
    people = invite(server, found_study(server), count, reported_type="audio/webm")
    before = web.memory_info().rss
    processes = {
        "web": web,
        "sweep": sweep_of(server),
        "redis": server.child("redis-server"),
    }
    pace = Pace(every=BEAT, seconds=30.0, patience=10.0)
    chunks, beats, cost = asyncio.run(_drive(server, people, pace, processes))
    for name, tally in (("chunks", chunks), ("heartbeats", beats)):
        table.add(
            *(f"{count:,} participants: {name}", f"{count / BEAT:.0f}/s", f"{tally.rate:,.0f}/s"),
            *(ms(tally.p50), ms(tally.p99), ms(percentile(tally.latencies, 1.0)), tally.trouble),
        )
    [(drops,)] = server.ask("SELECT count(*) FROM drops")
    table.note(f"{count:,} participants: busy processors: {cost}.")
    table.note(f"  {drops} drops noted of people who were there all along (to reach: 0).")
    held = f"{mebibytes(before)} before, {mebibytes(web.memory_info().rss)} after"
    table.note(f"  Qualz's web process: {held}.")
    send_home(server, people)
    return chunks.p99


async def _begin(senders: list[Sender]) -> None:
    """Their parts are under way: nobody meets a thousand who all begin within two seconds."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def begin(sender: Sender) -> None:
        async with gate:
            await sender.send(HEADER // CHUNK)

    await asyncio.gather(*map(begin, senders))


async def _drive(
    server: Server, people: list[Person], pace: Pace, processes: dict[str, psutil.Process]
) -> tuple[Tally, Tally, Cost]:
    chunk = Chunk(CHUNK)
    hearts = await connected(server.port, people)
    senders = [Sender(server.port, person, chunk) for person in people]
    await _begin(senders)
    let_in(server, people)
    gathering = Pace(pace.every, pace.seconds, pace.patience, most=GATHERED)
    with costs(**processes) as cost:
        sent, beaten = await asyncio.gather(
            paced([sender.send for sender in senders], gathering),
            paced([heart.beat for heart in hearts], pace),
        )
    for heart, sender in zip(hearts, senders, strict=True):
        heart.close()
        sender.close()
    return sent, beaten, cost
