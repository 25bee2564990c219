"""Qualz as `make run` starts it, on a folder and a port of the test's own."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tests.leaks import leaks_in

ROOT = Path(__file__).resolve().parent.parent.parent
T = TypeVar("T")


def eventually(look: Callable[[], T], *, within: float = 40, what: str = "") -> T:
    """What `look` answers once that is true; fails when it is not `within` so many seconds."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or look}")
        time.sleep(0.02)
    return seen


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A running Qualz: web, worker, sweep and Redis, all real."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self._environment = {
            **{k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "DATABASE_URL")},
            "QUALZ_DATA": str(data),
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            # The stories that are not about it need the processors for two browsers.
            "QUALZ_HEARING": "none",
            "QUALZ_SPEAKING": "none",
            **environment,
        }
        self.said: list[str] = []
        self.set_up_link = ""

    def start(self) -> None:
        self.said = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qualz.cli", "run"],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # Read all along, so that the pipe never fills.
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        eventually(lambda: self._is_up(), within=60, what="Qualz says that it runs")

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.said.append(line)

    def _is_up(self) -> bool:
        said = "".join(self.said)
        if self._process.poll() is not None:
            raise AssertionError(f"Qualz ended at once, saying: {said}")
        if link := re.search(r"http\S+/setup/\S+", said):
            self.set_up_link = link[0]
        return "is running at" in said and bool(self.set_up_link)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)
        self._stop_listening()
        # Whatever story was told on it: none of what it handed out is in its logs.
        assert leaks_in(self.logs(), self.data) == []

    def _stop_listening(self) -> None:
        self._listener.join(10)
        if self._process.stdout:
            self._process.stdout.close()

    def is_killed(self) -> None:
        """`qualz run` at once, and with it all that it started."""
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait(10)
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        self._stop_listening()

    def kills(self, *words: str) -> None:
        """The child whose command line holds all these words, and what that one started."""
        child = self.child(*words)
        family = [child, *child.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []

    def child(self, *words: str) -> psutil.Process:
        """The process whose command line holds all these words."""
        for process in psutil.Process(self._process.pid).children(recursive=True):
            line = " ".join(process.cmdline())
            if all(word in line for word in words):
                return process
        raise AssertionError(f"no process {words}")

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds, as another program reads it."""
        connection = sqlite3.connect(f"file:{self.data / 'qualz.db'}?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    @property
    def redis_url(self) -> str:
        """The address of the Redis that it brought along."""
        server = self.child("redis-server")
        found = re.search(r"unixsocket[: ]+(\S+)", " ".join(server.cmdline()))
        if found:
            return f"unix://{found[1]}"
        return f"unix://{self.data / 'run' / 'redis.sock'}"

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in (self.data / "log").glob("*.log"))
