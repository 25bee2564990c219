"""`make screenshots`: every page, on a desktop and a phone, in light and in dark.

They go to test-results/screenshots; those that the README shows are in docs/screenshots.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from qualz.tools import find_chromium
from tests.e2e import tour
from tests.e2e.actors import Participant, Researcher
from tests.e2e.conftest import ARGUMENTS
from tests.e2e.server import Server
from tests.e2e.test_accessibility import SCHEMES, SIZES

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "test-results" / "screenshots"
SHOWN = {
    "detail-desktop-light": "detail",
    "detail-desktop-dark": "detail-dark",
    "room-phone-light": "room",
    "wizard-guide-desktop-light": "guide",
}
# With the transcript below the player.
TALL = {"width": 1280, "height": 1180}


def photograph(name: str, page: Page) -> None:
    before = page.viewport_size
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            shot = f"{name}-{size}-{scheme}"
            if SHOWN.get(shot, "").startswith("detail"):
                page.set_viewport_size(TALL)
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(200)
            page.screenshot(path=OUT / f"{shot}.png")
    page.emulate_media(color_scheme="light")
    if before:
        page.set_viewport_size(before)


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=ARGUMENTS, chromium_sandbox=False
        )
        server = Server(Path(data))
        server.start()
        try:
            desktop = browser.new_context(viewport={"width": 1280, "height": 800})
            phone = browser.new_context(viewport={"width": 390, "height": 780})
            researcher = Researcher(desktop, server.url)
            tour.all_of_it(server, researcher, Participant(phone, server.url), photograph)
        finally:
            server.stop()
            browser.close()
    (ROOT / "docs" / "screenshots").mkdir(parents=True, exist_ok=True)
    for taken, shown in SHOWN.items():
        shutil.copy(OUT / f"{taken}.png", ROOT / "docs" / "screenshots" / f"{shown}.png")
    print(f"{len(list(OUT.iterdir()))} screenshots in {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
