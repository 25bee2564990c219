"""A participant without a browser: HTTP by hand, for what no browser would do."""

from __future__ import annotations

import base64
import http.client
import socket
from dataclasses import dataclass

from tests.e2e.server import Server


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


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
        connection.request(method, path, body or None, {**self.cookie, **(headers or {})})
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
            *(f"{name}: {value}" for name, value in self.cookie.items()),
        ]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + b"abc")
        return connection

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
