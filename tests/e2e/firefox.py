"""Debian's Firefox by WebDriver BiDi, which it speaks by itself. Playwright only drives a Firefox
of its own making.

https://www.w3.org/TR/webdriver-bidi/
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from simple_websocket import Client, ConnectionClosed

from tests.e2e.server import eventually

NAMES = ("firefox-esr", "firefox")
PATIENCE = 60
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Space": "\ue00d", "Control": "\ue009"}
# Firefox adds by itself what keeps one that is driven from asking other hosts for anything.
PREFERENCES = {
    "media.navigator.permission.disabled": True,
    # A page that has the microphone may sound; the tests' microphone is none that Firefox knows of.
    "media.autoplay.default": 0,
    "browser.sessionstore.resume_from_crash": False,
    "browser.shell.checkDefaultBrowser": False,
}


def find_firefox() -> str | None:
    return next((found for found in map(shutil.which, NAMES) if found), None)


class Loudspeaker:
    """Firefox lets no page mix sounds on a machine that has none; this one is heard by nobody."""

    def __init__(self, program: str, folder: Path) -> None:
        folder.mkdir()
        self.address = f"unix:{folder / 'socket'}"
        home = {"HOME": str(folder), "PULSE_RUNTIME_PATH": str(folder)}
        self._process = subprocess.Popen(
            [
                *(
                    program,
                    "-n",
                    "--daemonize=no",
                    "--exit-idle-time=-1",
                    "--load=module-null-sink",
                ),
                f"--load=module-native-protocol-unix auth-anonymous=1 socket={folder / 'socket'}",
            ],
            env=os.environ | home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually((folder / "socket").exists, what="there is a loudspeaker")

    def is_unplugged(self) -> None:
        self._process.kill()
        self._process.wait(10)


class Line(Client):  # type: ignore[misc]
    def handshake(self) -> None:
        # Firefox refuses whoever names the host without its port.
        self.host = f"{self.host}:{self.port}"
        super().handshake()


class Firefox:
    """One window of it. Its profile outlives it, as on anybody's disk."""

    def __init__(self, program: str, profile: Path, loudspeaker: Loudspeaker) -> None:
        profile.mkdir(exist_ok=True)
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines))
        # The number that an earlier one left behind would be taken for this one's.
        (profile / "WebDriverBiDiServer.json").unlink(missing_ok=True)
        self.complaints: list[str] = []
        self._process = subprocess.Popen(
            [
                *(program, "--headless", "--no-remote", "--profile", str(profile)),
                *("--remote-debugging-port", "0", "--width", "390", "--height", "780"),
            ],
            env=os.environ | {"PULSE_SERVER": loudspeaker.address},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._said: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            self._takes_the_wheel()
        except BaseException:
            self.is_killed()
            raise

    def _takes_the_wheel(self) -> None:
        address = eventually(self._address, what="Firefox can be driven")
        self._line = Line(f"{address}/session", max_message_size=64_000_000)
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._last = 0
        threading.Thread(target=self._hear, daemon=True).start()
        self._does("session.new", capabilities={})
        self._does("session.subscribe", events=["log.entryAdded"])
        self._tab = self._does("browsingContext.create", type="tab")["context"]

    def _listen(self) -> None:
        assert self._process.stderr
        self._said.extend(self._process.stderr)

    def _address(self) -> str | None:
        if self._process.poll() is not None:
            raise AssertionError(f"Firefox ended at once: {self._said}")
        found = re.search(r"WebDriver BiDi listening on (ws://\S+)", "".join(self._said))
        return found[1] if found else None

    def _hear(self) -> None:
        while True:
            try:
                told = json.loads(self._line.receive())
            except ConnectionClosed:
                return
            if told["type"] != "event":
                self._answers.put(told)
            elif told["params"]["level"] == "error":
                self.complaints.append(
                    f"{told['params']['text']} at {told['params'].get('source')}"
                )

    def _does(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        self._line.send(json.dumps({"id": self._last, "method": method, "params": params}))
        told = self._answers.get(timeout=PATIENCE)
        if told["type"] == "error":
            raise AssertionError(f"{method}: {told['message']}")
        assert told["id"] == self._last
        result: dict[str, Any] = told["result"]
        return result

    # ---- what one does with it

    def starts_each_page_with(self, script: str) -> None:
        self._does("script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}")

    def opens(self, url: str) -> None:
        self._does("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    @property
    def url(self) -> str:
        [tab] = self._does("browsingContext.getTree", root=self._tab)["contexts"]
        return str(tab["url"])

    def runs(self, function: str, *given: Any) -> Any:
        """What a function of JavaScript answers, or resolves to."""
        call = f"async () => JSON.stringify((await ({function})(...{json.dumps(given)})) ?? null)"
        told = self._does(
            "script.callFunction",
            functionDeclaration=call,
            awaitPromise=True,
            target={"context": self._tab},
        )
        if told["type"] != "success":
            raise AssertionError(told["exceptionDetails"]["text"])
        return json.loads(told["result"]["value"])

    def presses(self, *keys: str) -> None:
        """Keys by name or as they are, all held down before they are let go."""
        values = [KEYS.get(key, key) for key in keys]
        actions = [{"type": "keyDown", "value": value} for value in values]
        actions += [{"type": "keyUp", "value": value} for value in reversed(values)]
        self._acts(actions)

    def types(self, text: str) -> None:
        kinds = ("keyDown", "keyUp")
        self._acts([{"type": kind, "value": letter} for letter in text for kind in kinds])

    def _acts(self, actions: list[dict[str, str]]) -> None:
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self._does("input.performActions", context=self._tab, actions=[source])

    def is_killed(self) -> None:
        """At once, and with it all that it started: nothing of it says goodbye."""
        if self._process.poll() is not None:
            return
        first = psutil.Process(self._process.pid)
        family = [first, *first.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _, alive = psutil.wait_procs(family[1:], timeout=10)
        self._process.wait(10)
        assert alive == []
        self._listener.join(10)
        if self._process.stderr:
            self._process.stderr.close()
