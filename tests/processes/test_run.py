"""`qualz run`: one command starts everything, says where, and keeps it alive."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import psutil
import pytest

from qualz.worker import BEHIND
from tests.processes.conftest import Deployment, eventually, free_port


def test_it_says_where_it_is_and_how_to_begin(running: Deployment) -> None:
    address = f"http://localhost:{running.port}"
    where, how = eventually(lambda: running.lines if len(running.lines) == 2 else None)
    assert where == f"Qualz is running at {address} — Ctrl-C stops it."
    assert re.fullmatch(rf"Create the owner's account.*: {address}/setup/\S+", how)
    assert running.get("/healthz")[0] == 200
    set_up = how.rpartition(str(running.port))[2]
    assert running.get(set_up)[0] == 200


def test_a_second_start_says_so(running: Deployment) -> None:
    second = running.qualz("run", PORT=str(free_port()))
    assert second.returncode == 1
    assert second.stdout == (
        f"Qualz is already running at http://localhost:{running.port} "
        f"(process {running.process.pid}). Stop it with Ctrl-C there.\n"
    )
    assert running.get("/healthz")[0] == 200


def test_a_taken_port_is_named(running: Deployment, tmp_path: Path) -> None:
    other = running.qualz("run", QUALZ_DATA=str(tmp_path))
    assert other.returncode == 1
    assert f"Port {running.port} is taken by another program." in other.stdout
    assert "PORT=" in other.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("worker words",),
        ("worker merges",),
        ("worker leisure",),
        ("sweep",),
        ("redis-server",),
        ("gunicorn",),
    ],
    ids=" ".join,
)
def test_what_is_killed_comes_back(running: Deployment, words: tuple[str, ...]) -> None:
    killed = eventually(lambda: running.named(*words))
    killed.kill()
    returned = eventually(lambda: _other(running.named(*words), killed))
    assert returned.pid != killed.pid
    eventually(lambda: _answers(running))
    assert len(running.lines) == 2


def test_no_address_is_in_any_log(running: Deployment) -> None:
    """Addresses hold secrets: resume links, set-up links."""
    for address in (
        "/setup/SECRET-1",
        "/nowhere/SECRET-2?token=SECRET-3",
        "/static/SECRET-4.js",
        "/socket.io/?EIO=4&transport=websocket&t=SECRET-5",
        "/socket.io/?EIO=4&transport=polling&sid=SECRET-6",
    ):
        running.get(address)
    for malformed in (
        b"GET /SECRET-7 HTTP/9.9\r\n\r\n",
        b"GET /SECRET-8 two words HTTP/1.1\r\n\r\n",
        b"POST /SECRET-9 HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /SECRET-10 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        b"GET /socket.io/?SECRET-11 HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: SECRET-12\r\n\r\n",
        b"GET /SECRET-13" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
    ):
        assert b" 4" in _send(running.port, malformed)[:13]
    logs = running.logs()
    assert "gunicorn" in logs
    assert "SECRET-" not in logs
    assert "/setup/" not in logs


def test_the_doctor_finds_it_running(running: Deployment) -> None:
    report = running.qualz("doctor")
    assert report.returncode == 0, report.stdout
    assert f"Qualz runs at http://localhost:{running.port}" in report.stdout
    assert re.search(r"^ok +database: .*up to date$", report.stdout, re.MULTILINE)


def test_nothing_runs_but_what_is_needed(running: Deployment) -> None:
    lines = [" ".join(child.cmdline()) for child in psutil.Process(running.process.pid).children()]
    # Redis, the web server, the sweep, and a worker for each line.
    assert len(lines) == 6, lines


def _other(process: psutil.Process | None, than: psutil.Process) -> psutil.Process | None:
    return process if process and process != than else None


def _answers(deployment: Deployment) -> bool:
    try:
        return deployment.get("/healthz")[0] == 200
    except OSError:
        return False


def _send(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(1000)


def test_work_that_nobody_waits_for_gives_way_to_interviews(running: Deployment) -> None:
    web, words = running.named("gunicorn"), running.named("worker words")
    assert web
    assert words
    assert (web.nice(), words.nice()) == (0, 0)
    for lines in ("worker merges", "worker leisure"):
        worker = running.named(lines)
        assert worker
        assert worker.nice() == BEHIND
        shared_out = Path(f"/proc/{worker.pid}/autogroup")
        # Where Linux shares out processors by sessions, the session gives way.
        assert not shared_out.exists() or f"nice {BEHIND}" in shared_out.read_text()
