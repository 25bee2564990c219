"""How soon the server notes that a participant is gone, and tells the dashboard."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qualz.simulation.wire import Host, Line
from tests.bench.load import Act
from tests.bench.people import Person, Venue, found_study, invite, let_in
from tests.bench.servers import qualz
from tests.bench.sockets import BEAT, Heart, connected
from tests.bench.table import Table, percentile, seconds
from tests.bench.targets import Figures
from tests.bench.uploads import EVERY, Chunk, Sender
from tests.e2e.server import Server

SOUND = 8 * 1024
# No multiple of it is one of the heartbeat, the chunk or the sweep: each loss has another phase.
APART = 0.271
LONGEST = 8.0
HOWS = ("silence", "reset")


@dataclass
class Loss:
    """One participant's disappearance, by the one clock of this machine."""

    person: Person
    how: str
    at: float = 0.0
    noted: float | None = None
    told: float | None = None


def measure(*, full: bool) -> Figures:
    count = 40 if full else 12
    table = Table(
        f"A participant is lost ({count} times): the server knows after",
        *("", "min", "median", "p95", "max", "never"),
    )
    figures: Figures = {}
    with qualz() as server:
        losses = _lose(server, 2 * count)
        for how in HOWS:
            those = [loss for loss in losses if loss.how == how]
            noted = [loss.noted - loss.at for loss in those if loss.noted]
            told = [loss.told - loss.at for loss in those if loss.told]
            table.add(f"{how}: drop in the database", *spread(noted, count))
            table.add(f"{how}: dashboard told of it", *spread(told, count))
            if how == "silence":
                figures["server notices"] = worst(noted, count, LONGEST)
    table.note("To reach: a silent loss noted within 5 s.")
    table.show()
    return figures


def spread(values: list[float], count: int) -> list[str | int]:
    """Least, median, p95 and most of what was measured, and how often nothing was."""
    shares = [percentile(values, share) for share in (0, 0.5, 0.95, 1)]
    return [*map(seconds, shares), count - len(values)]


def worst(values: list[float], count: int, waited: float) -> float:
    """The longest of them; how long was waited for one that never came."""
    return max(values) if len(values) == count else waited


def _lose(server: Server, count: int) -> list[Loss]:
    venue = found_study(server)
    people = invite(server, venue, count, reported_type="audio/webm")
    losses = [Loss(person, HOWS[at % 2]) for at, person in enumerate(people)]
    told = asyncio.run(_drive(server, venue, losses))
    for loss in losses:
        loss.noted = _noted(server, loss)
        # Pages ask when they are told, so only what is told after it was noted tells of it.
        later = [at for interview, at in told if interview == loss.person.interview]
        loss.told = min((at for at in later if loss.noted and at >= loss.noted), default=None)
    return losses


def _noted(server: Server, loss: Loss) -> float | None:
    """When the drop was noted. One from before the loss is somebody else's trouble."""
    found = server.ask(
        "SELECT noticed_at FROM drops JOIN interviews ON interviews.id = interview_id "
        "WHERE public_id = ?",
        loss.person.interview,
    )
    moments = [datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() for (at,) in found]
    return min((at for at in moments if at >= loss.at), default=None)


async def _drive(server: Server, venue: Venue, losses: list[Loss]) -> list[tuple[str, float]]:
    told: list[tuple[str, float]] = []

    def hear(event: str, news: Any) -> None:
        if event == "changed":
            told.append((news["interview"], time.time()))

    people = [loss.person for loss in losses]
    hearts = await connected(server.port, people)
    auth = {"study": venue.study}
    watch = await Line.open(
        Host("127.0.0.1", server.port), "/workplace", auth, venue.researcher_cookie, hear
    )
    chunk = Chunk(SOUND)
    senders = [Sender(server.port, person, chunk) for person in people]
    let_in(server, people)
    stays = [
        [asyncio.create_task(_stay(heart.beat, BEAT)), asyncio.create_task(_stay(send, EVERY))]
        for heart, send in zip(hearts, [sender.send for sender in senders], strict=True)
    ]
    await asyncio.sleep(2 * BEAT)
    for loss, stay, heart, sender in zip(losses, stays, hearts, senders, strict=True):
        _vanish(stay, heart, sender, loss.how)
        loss.at = time.time()
        await asyncio.sleep(APART)
    await asyncio.sleep(LONGEST)
    for wire in (watch, *(one for pair in zip(hearts, senders, strict=True) for one in pair)):
        wire.close()
    return told


async def _stay(act: Act, every: float) -> None:
    while True:
        await act(1)
        await asyncio.sleep(every)


def _vanish(stay: list[asyncio.Task[None]], heart: Heart, sender: Sender, how: str) -> None:
    for task in stay:
        task.cancel()
    for wire in (heart.line, sender.connection):
        if wire and how == "silence":
            wire.fall_silent()
        elif wire:
            wire.cut()
