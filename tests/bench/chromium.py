"""A Chromium that nobody looks over the shoulder of.

Playwright has the browser report every request, and the renderer keeps their bodies for it: that
is memory which no participant's browser needs. Here only what is asked for is switched on.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from simple_websocket import Client

from qualz.tools import find_chromium
from tests.bench.servers import ended_afterwards
from tests.e2e.conftest import ARGUMENTS

QUIET = ["--no-sandbox", "--remote-debugging-port=0", "--disable-extensions", "--disable-logging"]
ANSWERED_WITHIN = 60.0


class Page:
    """A page by its DevTools connection."""

    def __init__(self, address: str, process: psutil.Process) -> None:
        self.process = process
        self._line = Client(address, receive_bytes=1 << 16)
        self._asked = 0

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        self._line.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        deadline = time.monotonic() + ANSWERED_WITHIN
        while time.monotonic() < deadline:
            said = json.loads(self._line.receive(timeout=ANSWERED_WITHIN) or "{}")
            if said.get("id") == self._asked:
                if "error" in said:
                    raise AssertionError(f"{method}: {said['error']}")
                result: dict[str, Any] = said["result"]
                return result
        raise AssertionError(f"Chromium does not answer {method}.")

    def tells(self, expression: str) -> Any:
        """The value of an expression in the page, awaited if it is a promise."""
        told = self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in told:
            raise AssertionError(told["exceptionDetails"])
        return told["result"].get("value")

    def heap(self) -> int:
        """Bytes of JavaScript that are still referred to."""
        for _ in range(2):
            self.ask("HeapProfiler.collectGarbage")
        return int(self.ask("Runtime.getHeapUsage")["usedSize"])

    def resident(self) -> dict[str, int]:
        """Bytes in memory: of the page's renderer, of the browser, and of its helpers together."""
        held = {"renderer": 0, "browser": self.process.memory_info().rss, "helpers": 0}
        for child in self.process.children(recursive=True):
            try:
                kind, size = " ".join(child.cmdline()), child.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            if "--type=renderer" in kind:
                held["renderer"] = max(held["renderer"], size)
            elif "--type=utility" in kind:
                held["helpers"] += size
        return held


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    command = [str(find_chromium()), *ARGUMENTS, *QUIET, f"--user-data-dir={profile}"]
    with (profile.parent / "chromium.log").open("w+") as log:
        process = subprocess.Popen([*command, "about:blank"], stdout=log, stderr=log)
        with ended_afterwards(process):
            yield Page(_address(profile, process), psutil.Process(process.pid))


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the first page listens for DevTools; the browser writes its port into a file."""
    deadline = time.monotonic() + ANSWERED_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            port = (profile / "DevToolsActivePort").read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in json.load(answer) if one["type"] == "page"]
            if pages and re.match("ws://", pages[0]["webSocketDebuggerUrl"]):
                return str(pages[0]["webSocketDebuggerUrl"])
        except (OSError, IndexError):
            pass
        time.sleep(0.05)
    raise AssertionError("Chromium does not start.")
