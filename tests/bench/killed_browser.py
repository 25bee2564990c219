"""A browser is killed while it records: how much of that nobody ever gets back."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from playwright.sync_api import Playwright, sync_playwright

from tests.bench.people import found_study
from tests.bench.servers import folder, qualz
from tests.bench.table import Table, percentile, seconds
from tests.bench.targets import Figures
from tests.e2e.conftest import ARGUMENTS
from tests.e2e.device import Device
from tests.e2e.kept import Kept
from tests.e2e.proxy import Network
from tests.e2e.server import Server, eventually

# Each is killed at another moment of its timeslice.
APART = 0.271


def measure(*, full: bool) -> Figures:
    rounds = 8 if full else 3
    with qualz() as server, sync_playwright() as playwright:
        link = found_study(server).link
        lost = [_lost(server, playwright, link, n * APART) for n in range(rounds)]
    table = Table(f"A browser is killed ({rounds} times)", "", "median", "most")
    told = [seconds(percentile(lost, share)) for share in (0.5, 1)]
    table.add("recorded and lost", *told)
    table.note("To reach: at most one timeslice, 1 s.")
    table.show()
    return {"recorded": max(lost)}


def _lost(server: Server, playwright: Playwright, link: str, later: float) -> float:
    """From the last moment that is kept of the part to the end of its browser, in seconds."""
    network = Network(server.port)
    network.starts()
    with folder() as profile:
        device = Device(playwright, profile, network, ARGUMENTS)
        try:
            person = device.is_switched_on()
            person.begins(link)
            person.is_recorded(seconds=2)
            kept = Kept(server, person.page)
            time.sleep(later)
            killed_at = time.time()
            device.is_killed()
            eventually(lambda: kept.is_away, what="the server notices")
            # What its journal holds comes as soon as any link is opened.
            again = device.is_switched_on()
            again.opens(f"{again.url}{link}")
            again.page.get_by_role("link", name="Go on where you left off").click()
            again.passes_the_device_check()
            eventually(lambda: kept.end_reasons[0] == "crashed", what="the part is closed")
            return killed_at - _kept_until(kept)
        finally:
            device.is_switched_off()
            network.stops()


def _kept_until(kept: Kept) -> float:
    [(began, stored_ms)] = kept.server.ask(
        "SELECT recorder_started_at, stored_ms FROM parts "
        "JOIN recordings ON recordings.id = recording_id "
        "JOIN interviews ON interviews.id = interview_id "
        "WHERE interviews.public_id = ? AND parts.number = 1",
        kept.interview,
    )
    started = datetime.fromisoformat(began).replace(tzinfo=UTC).timestamp()
    return started + stored_ms / 1000
