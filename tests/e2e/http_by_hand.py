"""HTTP/1.1 as the tests' own network reads it: whole messages, and nothing cleverer."""

from __future__ import annotations

from asyncio import IncompleteReadError, StreamReader
from dataclasses import dataclass, field

LARGEST_HEAD = 64 * 1024
# They never have a body, whatever their headers say.
BODILESS = {204, 304}


@dataclass(frozen=True)
class Message:
    """A request or an answer: its head as it came, and its body, decoded from no encoding."""

    head: bytes
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> bytes:
        return self.head + self.body

    @property
    def first_line(self) -> list[str]:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    def number(self, name: str) -> int | None:
        text = self.headers.get(name, "")
        return int(text) if text.isdigit() else None


class Request(Message):
    @property
    def method(self) -> str:
        return self.first_line[0]

    @property
    def path(self) -> str:
        return self.first_line[1].partition("?")[0]

    @property
    def is_upgrade(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"


class Answer(Message):
    @property
    def status(self) -> int:
        return int(self.first_line[1])

    @property
    def ends_the_connection(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"

    @classmethod
    def page(cls, status: int, words: str) -> Answer:
        """What something between the two says in the server's place: a web page."""
        body = f"<!doctype html><title>{words}</title><h1>{words}</h1>".encode()
        lines = [
            f"HTTP/1.1 {status} {words}",
            "Content-Type: text/html",
            f"Content-Length: {len(body)}",
        ]
        return cls("\r\n".join([*lines, "", ""]).encode(), body)


async def read_request(reader: StreamReader) -> Request | None:
    """The next request, or None when the connection has ended."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        headers = _headers_in(head)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    except (IncompleteReadError, ConnectionError):
        return None
    return Request(head, body, headers)


async def read_answer(reader: StreamReader, to: Request) -> Answer:
    """Raises `IncompleteReadError` when the connection ends before the answer does."""
    head = await reader.readuntil(b"\r\n\r\n")
    headers = _headers_in(head)
    answer = Answer(head, headers=headers)
    if to.method == "HEAD" or answer.status in BODILESS:
        return answer
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Answer(head, await _chunks(reader), headers)
    length = answer.number("content-length")
    body = await (reader.read() if length is None else reader.readexactly(length))
    return Answer(head, body, headers)


async def _chunks(reader: StreamReader) -> bytes:
    """A chunked body, its framing kept. Nobody here sends trailers."""
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        body += line + await reader.readexactly(size + 2)
        if size == 0:
            return body


def _headers_in(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    named = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in named}
