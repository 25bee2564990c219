"""axe-core finds nothing on any page, in light and in dark, on a desktop and on a phone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as TimedOut

from tests.e2e import tour
from tests.e2e.actors import Participant, Researcher
from tests.e2e.server import Server

# After which what was to change on the screen has changed.
TWO_FRAMES = "() => new Promise((on) => requestAnimationFrame(() => requestAnimationFrame(on)))"
FITS = "() => document.documentElement.scrollWidth <= innerWidth"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    # Colours are all that a scheme changes; with the second one axe looks at those alone.
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}
SIZES = {"desktop": (1280, 800), "phone": (390, 780)}
Look = tuple[str, Literal["light", "dark"]]
# The second is what most pages are seen as that the first are not.
TWO: list[Look] = [("desktop", "light"), ("phone", "dark")]
ALL: list[Look] = [(size, scheme) for size in SIZES for scheme in SCHEMES]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that nobody has used: the pages before there is an owner are looked at, too."""
    server = Server(tmp_path_factory.mktemp("qualz"))
    server.start()
    yield server
    server.stop()


class Checker:
    """Looks at a page as axe-core does, and keeps what it finds."""

    def __init__(self, looks: Sequence[Look] = TWO) -> None:
        self._looks = looks
        self._axe = f"(() => {{ {AXE.read_text()} }})()"
        self.seen: list[str] = []
        self.found: list[str] = []

    def __call__(self, name: str, page: Page) -> None:
        self.seen.append(name)
        before = page.viewport_size
        for size, scheme in self._looks:
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            self._no_sideways_scrolling(f"{name} ({size})", page)
            # Without motion, or axe would meet colours on their way from light to dark.
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.evaluate(TWO_FRAMES)
            self._ask_axe(f"{name} ({size}, {scheme})", page, SCHEMES[scheme])
        page.emulate_media(color_scheme="light", reduced_motion="no-preference")
        if before:
            page.set_viewport_size(before)

    def _ask_axe(self, where: str, page: Page, options: dict[str, Any]) -> None:
        # Evaluated, not added as a script: the page's own policy allows none from elsewhere.
        if page.evaluate("typeof axe === 'undefined'"):
            page.evaluate(self._axe)
        told = page.evaluate("(options) => axe.run(options)", options)
        for violation in told["violations"]:
            nodes = "; ".join(
                f"{node['html'][:120]} {node['failureSummary']}" for node in violation["nodes"][:3]
            )
            self.found.append(f"{where}: {violation['id']}: {violation['help']}: {nodes}")

    def _no_sideways_scrolling(self, where: str, page: Page) -> None:
        # A page that was just made smaller is laid out anew first.
        try:
            page.wait_for_function(FITS, timeout=5_000)
        except TimedOut:
            width = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
            self.found.append(f"{where}: {width} px wider than the screen")


@pytest.mark.parametrize(
    "looks", [TWO, pytest.param(ALL, marks=pytest.mark.long)], ids=["two looks", "all looks"]
)
def test_axe_finds_nothing_on_any_page(
    browser: Browser, server: Server, participant: Participant, looks: list[Look]
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    look = Checker(looks)
    tour.all_of_it(server, Researcher(context, server.url), participant, look)
    context.close()
    assert len(look.seen) > 25
    assert not look.found, "\n".join(look.found)
