"""What a page weighs the first time: itself, scripts, styles and icons, each compressed."""

from __future__ import annotations

import gzip

from playwright.sync_api import Browser, Response, sync_playwright

from qualz.tools import find_chromium
from tests.bench.people import found_study, invite
from tests.bench.servers import qualz
from tests.bench.table import Table
from tests.bench.targets import Figures
from tests.e2e.conftest import ARGUMENTS


def measure(*, full: bool) -> Figures:
    table = Table("What comes with a page, compressed", "", "KB", "files")
    figures: Figures = {}
    with qualz() as server, sync_playwright() as playwright:
        venue = found_study(server)
        [person] = invite(server, venue, 1, reported_type="video/webm")
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=ARGUMENTS, chromium_sandbox=False
        )
        for name, path, cookie in (
            ("dashboard weight", f"/studies/{venue.study}/transcripts", venue.researcher_cookie),
            ("room weight", f"/room/{person.interview}", person.cookie),
        ):
            sizes = _sizes(browser, server.url, path, cookie)
            figures[name] = sum(sizes) / 1024
            table.add(name.removesuffix(" weight"), figures[name], len(sizes))
        browser.close()
    table.note("To reach: the dashboard 150 KB, the room 200 KB.")
    table.show()
    return figures


def _sizes(browser: Browser, url: str, path: str, cookie: str) -> list[int]:
    """Compressed bytes of each answer."""
    context = browser.new_context()
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": url}])
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    shown = page.goto(url + path, wait_until="load")
    assert shown, "no answer"
    assert (shown.status, shown.url) == (200, url + path), shown.url
    # What scripts of the page load in turn, such as modules' modules.
    page.wait_for_timeout(1000)
    sizes = [len(gzip.compress(answer.body())) for answer in answers if answer.status == 200]
    context.close()
    return sizes
