"""`qualz doctor --url` meets a deployment as browsers do, and says what to do about it."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from qualz.background import LINES
from qualz.doctor import Finding, State
from qualz.live_doctor import examine_live, examine_running
from qualz.settings import MEBIBYTE, Settings
from tests.processes.conftest import Deployment, free_port

CHUNK = 8 * MEBIBYTE


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


class MeanProxy(http.server.BaseHTTPRequestHandler):
    """It takes a megabyte at most, knows no WebSocket, and its clock is an hour behind."""

    def do_GET(self) -> None:
        is_socket = self.path.startswith("/socket.io/")
        self.send_response_only(400 if is_socket else 200)
        self.send_header("Date", self.date_time_string(self.late()))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_PATCH(self) -> None:
        assert int(self.headers["Content-Length"]) == CHUNK
        self.send_response_only(413)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def late(self) -> float:
        return time.time() - 3600

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), MeanProxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_live_server_is_well(running: Deployment) -> None:
    found = by_name(examine_live(f"http://127.0.0.1:{running.port}", CHUNK))
    assert {name: finding.state for name, finding in found.items()} == dict.fromkeys(
        ["TLS", "web server", "clock", "WebSocket", "body limit"], State.OK
    )
    told = running.qualz("doctor")
    assert f"nothing waits for long in {', '.join(LINES)}" in told.stdout


def test_a_mean_proxy_is_found_out() -> None:
    with served() as url:
        found = by_name(examine_live(url, CHUNK))
    assert (found["clock"].state, found["WebSocket"].state) == (State.WARNING, State.PROBLEM)
    assert "3600 s apart. Turn NTP on" in found["clock"].text
    assert "400 instead of a WebSocket. Have the proxy pass Upgrade" in found["WebSocket"].text
    assert "a chunk of 8 MiB" in found["body limit"].text
    assert "client_max_body_size" in found["body limit"].text


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_where_nobody_answers_nothing_else_is_asked(scheme: str) -> None:
    *_, last = found = examine_live(f"{scheme}://127.0.0.1:{free_port()}", CHUNK)
    assert last.state is State.PROBLEM
    assert len(found) == (2 if scheme == "http" else 1)


def test_an_address_is_asked_for() -> None:
    [found] = examine_live("interviews.example.org", CHUNK)
    assert found.state is State.PROBLEM


def test_a_mail_server_that_is_away_is_named_without_its_password(running: Deployment) -> None:
    settings = Settings.from_env(running.environment)
    away = replace(settings, smtp_url=f"smtp://ada:hush@127.0.0.1:{free_port()}")
    found = by_name(examine_running(away))["mail"]
    assert found.state is State.PROBLEM
    assert "127.0.0.1 could not be reached" in found.text
    assert "hush" not in found.text
