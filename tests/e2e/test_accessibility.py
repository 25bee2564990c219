"""axe-core finds nothing on any page, in light and in dark, on a desktop and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from tests.e2e import tour
from tests.e2e.actors import Participant, Researcher
from tests.e2e.server import Server

# After which what was to change on the screen has changed.
TWO_FRAMES = "() => new Promise((on) => requestAnimationFrame(() => requestAnimationFrame(on)))"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {"desktop": (1280, 800), "phone": (390, 780)}


class Checker:
    """Looks at a page as axe-core does, and keeps what it finds."""

    def __init__(self) -> None:
        self._axe = AXE.read_text()
        self.seen: list[str] = []
        self.found: list[str] = []

    def __call__(self, name: str, page: Page) -> None:
        self.seen.append(name)
        before = page.viewport_size
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            self._no_sideways_scrolling(f"{name} ({size})", page)
            for scheme in SCHEMES:
                # Without motion, or axe would meet colours on their way from light to dark.
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.evaluate(TWO_FRAMES)
                self._ask_axe(f"{name} ({size}, {scheme})", page)
        page.emulate_media(color_scheme="light", reduced_motion="no-preference")
        if before:
            page.set_viewport_size(before)

    def _ask_axe(self, where: str, page: Page) -> None:
        # Evaluated, not added as a script: the page's own policy allows none from elsewhere.
        page.evaluate(f"typeof axe === 'undefined' && (() => {{ {self._axe} }})()")
        told = page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
        for violation in told["violations"]:
            nodes = "; ".join(
                f"{node['html'][:120]} {node['failureSummary']}" for node in violation["nodes"][:3]
            )
            self.found.append(f"{where}: {violation['id']}: {violation['help']}: {nodes}")

    def _no_sideways_scrolling(self, where: str, page: Page) -> None:
        width = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        if width > 0:
            self.found.append(f"{where}: {width} px wider than the screen")


def test_axe_finds_nothing_on_any_page(
    browser: Browser, server: Server, participant: Participant
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    look = Checker()
    tour.all_of_it(server, Researcher(context, server.url), participant, look)
    context.close()
    assert len(look.seen) > 25
    assert not look.found, "\n".join(look.found)
