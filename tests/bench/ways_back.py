"""How soon the page itself sees that it is cut off, and how soon it is back when the network is.

The moments are the page's own and the database's, not those at which somebody looked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from playwright.sync_api import Browser, Page, expect, sync_playwright

from qualz.tools import find_chromium
from tests.bench.drops import spread, worst
from tests.bench.people import Venue, found_study
from tests.bench.servers import qualz
from tests.bench.table import Table
from tests.bench.targets import Figures
from tests.e2e.actors import SLOW, Participant
from tests.e2e.conftest import ARGUMENTS
from tests.e2e.proxy import Network
from tests.e2e.server import Server

T = TypeVar("T")
Steps = Generator[None, None, T]

WATCH = """() => {
  const room = document.querySelector("interview-room")
  window.bench = []
  const note = () => window.bench.push([room.dataset.state, Date.now() / 1000])
  new MutationObserver(note).observe(room, { attributes: true, attributeFilter: ["data-state"] })
}"""
LONGEST = 60.0
# Longer than it takes to see that a network is silent, so that a short drop can be told from a
# long one.
GRACE = 6
# Each round begins at another phase of the heartbeat and of the recorder's timeslice.
APART = 0.271
SETTLED = 3.0


@dataclass
class Times:
    """What was measured of all drops of one kind."""

    seen: list[float] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    durable: list[float] = field(default_factory=list)
    rounds: int = 0


@dataclass
class Visitor:
    """A page in the room, behind a network of its own."""

    server: Server
    network: Network
    page: Page
    interview: str

    def said(self, state: str, since: float) -> float | None:
        """When the page first said so after a moment."""
        log = self.page.evaluate("() => window.bench")
        return next((at for told, at in log if told == state and at >= since), None)

    @property
    def newest_part(self) -> tuple[int, float]:
        """Its number, and when bytes of it last became durable."""
        [(number, at)] = self.server.ask(
            "SELECT parts.number, last_byte_at FROM parts "
            "JOIN recordings ON recordings.id = recording_id "
            "JOIN interviews ON interviews.id = interview_id "
            "WHERE interviews.public_id = ? ORDER BY parts.number DESC LIMIT 1",
            self.interview,
        )
        return number, _moment(at)

    def durable(self, since: float, after: int) -> float | None:
        """When bytes of a part after that number became durable."""
        number, at = self.newest_part
        return at if number > after and at > since else None


def measure(*, full: bool) -> Figures:
    # One page at a time: participants do not share two processors with each other.
    pages, rounds = (1, 12) if full else (1, 4)
    table = Table(
        "A page in Chromium is cut off and comes back",
        *("", "min", "median", "p95", "max", "never"),
    )
    figures: Figures = {}
    with _visitors(pages) as visitors:
        for how in ("silence", "reset"):
            short, long = Times(), Times()
            for _ in range(rounds):
                _together([_short(one, how, short) for one in visitors])
            for _ in range(max(1, rounds // 2)):
                _together([_long(one, how, long) for one in visitors])
            table.add(f"{how}: page says “reconnecting”", *spread(short.seen, short.rounds))
            for kind, taken in (("short", short), ("long", long)):
                part = "same part" if kind == "short" else "new part"
                told = f"{how}, {kind} drop: back → page live"
                table.add(told, *spread(taken.live, taken.rounds))
                told = f"{how}, {kind} drop: back → {part} durable"
                table.add(told, *spread(taken.durable, taken.rounds))
                back = worst(taken.live, taken.rounds, LONGEST)
                figures["back"] = max(back, figures.get("back", 0.0))
            if how == "silence":
                figures["browser notices"] = worst(short.seen, short.rounds, LONGEST)
    table.note("To reach: noticed within 3 s, recording again within 2 s.")
    table.show()
    return figures


def _short(visitor: Visitor, how: str, times: Times) -> Steps[None]:
    """Cut off until the page sees it and a moment longer."""
    at = _cut(visitor.network, how)
    yield from _seen(visitor, at, times)
    yield from _sleep(0.5)
    yield from _come_back(visitor, times, after=visitor.newest_part[0] - 1)


def _long(visitor: Visitor, how: str, times: Times) -> Steps[None]:
    """Cut off until the page gives the part up."""
    after = visitor.newest_part[0]
    at = _cut(visitor.network, how)
    yield from _becomes(lambda: visitor.said("paused", at))
    yield from _sleep(0.5)
    yield from _come_back(visitor, times, after=after)


def _cut(network: Network, how: str) -> float:
    """The last moment at which something went through."""
    return network.falls_silent() if how == "silence" else network.is_cut()


def _seen(visitor: Visitor, at: float, times: Times) -> Steps[None]:
    seen = yield from _becomes(lambda: visitor.said("reconnecting", at))
    if seen:
        times.seen.append(seen - at)


def _come_back(visitor: Visitor, times: Times, *, after: int) -> Steps[None]:
    at = visitor.network.comes_back()
    times.rounds += 1
    durable = yield from _becomes(lambda: visitor.durable(at, after))
    live = yield from _becomes(lambda: visitor.said("live", at))
    times.durable += [durable - at] if durable else []
    times.live += [live - at] if live else []
    yield from _sleep(SETTLED)


# ---- many at a time


def _together(rounds: list[Steps[None]]) -> None:
    """Go through the rounds side by side, each begun a little later than the one before."""
    waiting = [(time.monotonic() + at * APART, steps) for at, steps in enumerate(rounds)]
    running: list[Steps[None]] = []
    while waiting or running:
        while waiting and waiting[0][0] <= time.monotonic():
            running.append(waiting.pop(0)[1])
        running = [steps for steps in running if _goes_on(steps)]
        time.sleep(0.01)


def _goes_on(steps: Steps[None]) -> bool:
    try:
        next(steps)
    except StopIteration:
        return False
    return True


def _becomes(look: Callable[[], T | None]) -> Steps[T | None]:
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        yield
    return None


def _sleep(duration: float) -> Steps[None]:
    until = time.monotonic() + duration
    while time.monotonic() < until:
        yield


# ---- the stage


@contextmanager
def _visitors(count: int) -> Iterator[list[Visitor]]:
    with ExitStack() as stack:
        server = stack.enter_context(qualz(QUALZ_GRACE=str(GRACE)))
        venue = found_study(server)
        # Several pages come at once; how soon they enter is not what is measured.
        expect.set_options(timeout=SLOW)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=ARGUMENTS, chromium_sandbox=False
        )
        stack.callback(browser.close)
        yield [_visit(stack, server, venue, browser) for _ in range(count)]


def _visit(stack: ExitStack, server: Server, venue: Venue, browser: Browser) -> Visitor:
    network = Network(server.port)
    network.starts()
    stack.callback(network.stops)
    context = browser.new_context(viewport={"width": 390, "height": 780})
    stack.callback(context.close)
    participant = Participant(context, network.url)
    participant.opens(network.url + venue.link)
    participant.consents()
    participant.passes_the_device_check()
    participant.is_recorded(seconds=1)
    participant.page.evaluate(WATCH)
    interview = participant.room_path.rpartition("/")[2]
    return Visitor(server, network, participant.page, interview)


def _moment(text: Any) -> float:
    if text is None:
        return 0.0
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
