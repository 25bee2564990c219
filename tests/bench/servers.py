"""Who is measured: Qualz as `make run` starts it, and the bare server beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from qualz.processes.child import spawn
from tests.e2e.server import Server, eventually, free_port

ROOT = Path(__file__).resolve().parent.parent.parent
# Not /tmp: that is memory on some machines, and a disk that is none flatters everybody.
OUT = ROOT / "test-results"


@contextmanager
def folder() -> Iterator[Path]:
    OUT.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=OUT, ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def qualz(**environment: str) -> Iterator[Server]:
    with folder() as data:
        server = Server(data, **environment)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def bare() -> Iterator[tuple[int, psutil.Process]]:
    """The bare server's port and its one worker process."""
    with folder() as data, (data / "log").open("wb") as log:
        port = free_port()
        environment = {**os.environ, "QUALZ_DATA": str(data), "PORT": str(port)}
        config = "python:qualz.processes.gunicorn_conf"
        command = [sys.executable, "-m", "gunicorn", "--config", config, "tests.bench.bare:app"]
        process = spawn(command, environment, stdout=log, stderr=log)
        with ended_afterwards(process):
            eventually(lambda: _answers(port), within=30, what="the bare server answers")
            yield port, _worker(psutil.Process(process.pid))


@contextmanager
def ended_afterwards(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def web_of(server: Server) -> psutil.Process:
    """The process that answers, not the one that watches it."""
    return _worker(server.child("gunicorn"))


def sweep_of(server: Server) -> psutil.Process:
    return server.child("qualz sweep")


def _worker(master: psutil.Process) -> psutil.Process:
    [worker] = master.children()
    return worker


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
