"""Many slow uploads hold up nobody: neither the others' uploads nor the pages."""

from __future__ import annotations

import base64
import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from qualz.application import create_core
from qualz.database import db
from qualz.guide import Question
from qualz.settings import Settings
from qualz.study import Study
from tests.conftest import add_researcher
from tests.e2e.server import Server

SLOW = 40


class PlainParticipant:
    """Somebody who speaks HTTP by hand, and as slowly as a bad network."""

    def __init__(self, server: Server, link: str) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}
        page = self.asks("GET", link)
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        form = f"csrf_token={token}&consent=yes"
        answer = self.asks(
            "POST", link, form, {"Content-Type": "application/x-www-form-urlencoded"}
        )
        self.room = answer.headers["Location"]

    def asks(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("localhost", self.server.port, timeout=20)
        connection.request(method, path, body or None, {**self._cookie(), **(headers or {})})
        response = connection.getresponse()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, kept = value.partition(";")[0].partition("=")
                self.cookies[key] = kept
        answer = Answer(response.status, dict(response.getheaders()), response.read().decode())
        connection.close()
        return answer

    def starts_part(self) -> str:
        kind = base64.b64encode(b"audio/webm").decode()
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Defer-Length": "1",
            "Upload-Metadata": f"filetype {kind}",
        }
        return self.asks("POST", f"{self.room}/parts", headers=headers).headers["Location"]

    def dribbles(self, upload: str) -> socket.socket:
        """Begins to send a chunk and falls silent after three bytes of it."""
        connection = socket.create_connection(("localhost", self.server.port), timeout=20)
        head = [
            f"PATCH {upload} HTTP/1.1",
            f"Host: localhost:{self.server.port}",
            "Tus-Resumable: 1.0.0",
            "Upload-Offset: 0",
            "Upload-Checksum: sha256 AAAA",
            "Content-Type: application/offset+octet-stream",
            "Content-Length: 100000",
            *(f"{name}: {value}" for name, value in self._cookie().items()),
        ]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + b"abc")
        return connection

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}


class Answer:
    def __init__(self, status: int, headers: dict[str, str], text: str) -> None:
        self.status = status
        self.headers = headers
        self.text = text


@pytest.fixture
def link(server: Server) -> Iterator[str]:
    """A study that is open, made without a browser."""
    app = create_core(
        Settings(
            data=server.data,
            database_url=f"sqlite:///{server.data / 'qualz.db'}",
            secret_key="only-for-tests-" * 3,
        )
    )
    with app.app_context():
        study = Study.start(add_researcher("Ada", "ada@example.org"), title="Slow")
        study.revise_guide([Question(id="q", text="Why?")])
        study.open()
        db.session.commit()
        yield f"/i/{study.invitation.token}"
        db.session.remove()
        db.engine.dispose()


def test_forty_slow_uploads_hold_up_nobody(server: Server, link: str):
    participant = PlainParticipant(server, link)
    with ExitStack() as stack:
        for _ in range(SLOW):
            stack.enter_context(participant.dribbles(participant.starts_part()))
        began = time.monotonic()
        assert participant.asks("GET", participant.room).status == 200
        # A pool that is used up is waited for, for half a minute.
        assert time.monotonic() - began < 10
    assert Path(server.data / "log" / "web.log").read_text().count("QueuePool") == 0
