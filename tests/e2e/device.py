"""A participant's device: a browser with a profile on its disk, which can be killed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil
from playwright.sync_api import BrowserContext, Playwright

from qualz.tools import find_chromium
from tests.e2e.actors import Traveller
from tests.e2e.proxy import Network


class Device:
    def __init__(
        self, playwright: Playwright, profile: Path, network: Network, arguments: Sequence[str]
    ) -> None:
        self.playwright = playwright
        self.profile = profile
        self.network = network
        self.arguments = arguments
        self._context: BrowserContext | None = None

    def is_switched_on(self) -> Traveller:
        self._context = self.playwright.chromium.launch_persistent_context(
            self.profile,
            executable_path=find_chromium(),
            headless=True,
            args=list(self.arguments),
            chromium_sandbox=False,
            viewport={"width": 390, "height": 780},
        )
        return Traveller(self._context, self.network)

    def is_switched_off(self) -> None:
        """In order, so that all that the browser would like to keep is on the disk."""
        if self._context:
            self._context.close()
            self._context = None

    def is_killed(self) -> None:
        """By SIGKILL, and with it all that it started."""
        browser = self._browser()
        family = [browser, *browser.children(recursive=True)]
        for process in family:
            process.kill()
        _, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []
        self._context = None

    def _browser(self) -> psutil.Process:
        """Of what this test run has started, the process that has our profile and no parent that
        has it too."""
        profile = f"--user-data-dir={self.profile}"
        for process in psutil.Process().children(recursive=True):
            line = process.cmdline()
            if profile in line and not any(word.startswith("--type=") for word in line):
                return process
        raise AssertionError("no browser runs on this profile")
