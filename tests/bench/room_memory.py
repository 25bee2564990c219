"""What a page holds in memory over an interview of two hours at 1 Mbit/s, in minutes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.bench.chromium import Page, chromium
from tests.bench.people import Person, found_study, invite
from tests.bench.servers import folder, qualz, web_of
from tests.bench.table import Table, mebibytes
from tests.bench.targets import Figures
from tests.e2e.server import Server

RECORDER = Path(__file__).parent / "fast_recorder.js"
STOPS = (0, 25, 50, 75, 100)
PATIENCE = 60.0
# Chromium clears up behind IndexedDB when it finds the time.
SETTLED = 2.0


def measure(*, full: bool) -> Figures:
    slices, quarter = (7200, 150.0) if full else (600, 8.0)
    table = Table(
        f"The room's page while it records {slices:,} slices of 133 KB",
        *(
            "",
            "slices",
            "slices/s",
            "JS heap",
            "renderer",
            "browser",
            "helpers",
            "IndexedDB",
            "waiting",
        ),
    )
    with qualz() as server, folder() as profile:
        [person] = invite(server, found_study(server), 1, reported_type="video/webm")
        before = web_of(server).memory_info().rss
        with chromium(profile / "profile") as page:
            _enter(page, server, person)
            for share in STOPS:
                count, rate = _record(page, max(1, slices * share // 100), quarter)
                table.add(f"{share} %", count, rate, *_held(page))
        held = f"{mebibytes(before)} before, {mebibytes(web_of(server).memory_info().rss)} after"
        [(kept,)] = server.ask("SELECT sum(bytes_durable) FROM parts")
    table.note(f"Durable on the server: {mebibytes(kept)}. Its web process: {held}.")
    table.show()
    return {}


def _enter(page: Page, server: Server, person: Person) -> None:
    """Through the device check into the room, with the recorder that is faster than time."""
    page.ask("Page.enable")
    page.ask("Page.addScriptToEvaluateOnNewDocument", source=RECORDER.read_text())
    name, _, value = person.cookie.partition("=")
    page.ask("Network.setCookie", name=name, value=value, url=server.url)
    page.ask("Page.navigate", url=f"{server.url}/room/{person.interview}")
    start = "document.querySelector('device-check[data-state=ready] [data-piece=start]')"
    _wait(page, f"Boolean({start})")
    page.tells(f"{start}.click()")
    _wait(page, "document.querySelector('interview-room').dataset.state === 'live'")


def _record(page: Page, up_to: int, within: float) -> tuple[int, float]:
    """Let it record so many slices in all, or as many as it can meanwhile.

    Answers how many there are then, and how many a second it took.
    """
    began, before = time.monotonic(), page.tells("bench.durable / bench.size")
    page.tells(f"bench.upTo = {up_to}; bench.go()")
    while time.monotonic() < began + within and not page.tells(f"bench.delivered >= {up_to}"):
        time.sleep(0.1)
    page.tells("bench.upTo = bench.delivered")
    _wait(page, "bench.durable >= bench.delivered * bench.size")
    count = page.tells("bench.delivered")
    rate = (count - before) / (time.monotonic() - began)
    time.sleep(SETTLED)
    return count, rate


def _held(page: Page) -> list[str]:
    heap = page.heap()
    resident: dict[str, Any] = page.resident()
    usage = page.tells("navigator.storage.estimate().then((told) => told.usage)")
    waiting = page.tells("Number(document.querySelector('upload-status').dataset.waitingBytes)")
    held = [heap, resident["renderer"], resident["browser"], resident["helpers"], usage, waiting]
    return [mebibytes(size) for size in held]


def _wait(page: Page, condition: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not page.tells(condition):
        if time.monotonic() > deadline:
            state = page.tells("document.querySelector('interview-room')?.dataset.state")
            raise AssertionError(f"not within {PATIENCE:.0f} s: {condition}; the room is {state}")
        time.sleep(0.1)
