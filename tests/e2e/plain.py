"""A participant without a browser: HTTP by hand, for what no browser would do."""

from __future__ import annotations

import base64
import http.client
import socket
from dataclasses import dataclass

from tests.e2e.server import Server

TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
# Of 256 zero bits: no bytes have it.
CHECKSUM = f"sha256 {base64.b64encode(bytes(32)).decode()}"


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
        shown = page.text.split('name="shown" value="')[1].split('"')[0]
        form = f"csrf_token={token}&shown={shown}&consent=yes"
        answer = self.asks(
            "POST", link, form, {"Content-Type": "application/x-www-form-urlencoded"}
        )
        self.room = answer.headers["Location"]

    def asks(
        self,
        method: str,
        path: str,
        body: str | bytes = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("localhost", self.server.port, timeout=20)
        connection.request(method, path, body or None, {**self.cookie, **(headers or {})})
        response = connection.getresponse()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, kept = value.partition(";")[0].partition("=")
                self.cookies[key] = kept
        answer = Answer(
            response.status, dict(response.getheaders()), response.read().decode(errors="replace")
        )
        connection.close()
        return answer

    def starts_part(self, key: str = "") -> str:
        told = {"filetype": "audio/webm"} | ({"key": key} if key else {})
        pairs = (f"{name} {base64.b64encode(one.encode()).decode()}" for name, one in told.items())
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Defer-Length": "1",
            "Upload-Metadata": ",".join(pairs),
        }
        return self.asks("POST", f"{self.room}/parts", headers=headers).headers["Location"]

    def offset(self, upload: str) -> int:
        """How far the server says that it is."""
        answer = self.asks("HEAD", upload, headers={"Tus-Resumable": "1.0.0"})
        assert answer.status == 200, answer
        return int(answer.headers["Upload-Offset"])

    def sends(self, upload: str, data: bytes, at: int = 0, **headers: str) -> Answer:
        """Sends a chunk as anybody would."""
        return self.asks("PATCH", upload, data, {**TUS, "Upload-Offset": str(at), **headers})

    def dribbles(
        self, upload: str, data: bytes = b"abc", *, of: int = 100_000, **headers: str
    ) -> socket.socket:
        """Begins to send a chunk of so many bytes and falls silent after the first of them.

        With a checksum, unless other headers are given. The server has taken it up by then."""
        said = {**(headers or {"Upload-Checksum": CHECKSUM}), "Expect": "100-continue"}
        connection = self.begins(upload, of=of, **said)
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(data)
        return connection

    def begins(self, upload: str, *, of: int = 100_000, **headers: str) -> socket.socket:
        """Announces a chunk. A header without a value is left out."""
        told = {**TUS, "Upload-Offset": "0", "Content-Length": str(of), **headers, **self.cookie}
        connection = socket.create_connection(("localhost", self.server.port), timeout=20)
        head = [
            f"PATCH {upload} HTTP/1.1",
            f"Host: localhost:{self.server.port}",
            *(f"{name}: {value}" for name, value in told.items() if value),
        ]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        return connection

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
