"""HTTP/1.1 and Socket.IO by hand: a thousand participants must cost less than whom they visit.

As much of the protocols as Qualz speaks, and no more. One event loop, no threads, no parsing
that is not needed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self
from urllib.parse import urlsplit

CLOSING = struct.pack("ii", 1, 0)
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")
OFFSET = re.compile(rb"(?i)\r\nupload-offset: *(\d+)")
TEXT, CLOSE = 0x1, 0x8


@dataclass(frozen=True)
class Host:
    """Where it is reached, by https or not."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    @classmethod
    def at(cls, url: str) -> Self:
        """Raises `ValueError` for what is no address of a server."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} does not begin with https:// or http:// and a host.")
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        return cls(parts.hostname, parts.port or (443 if tls else 80), tls)

    @cached_property
    def name(self) -> str:
        """As the Host header says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.tls else 80
        return host if self.port == usual else f"{host}:{self.port}"

    async def connect(self, made: Callable[[], Wire]) -> None:
        """Raises `OSError`, also where the certificate cannot be trusted."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(made, self.host, self.port, ssl=self.tls)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: bytes = field(default=b"", repr=False)

    @property
    def offset(self) -> int | None:
        """The durable offset, where the server told one."""
        found = OFFSET.search(self.head)
        return int(found[1]) if found else None


class Wire(asyncio.Protocol):
    """A connection that can fall silent or be cut, as networks do."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # nosec B101 # tells the type checker
        self.transport = transport

    def fall_silent(self) -> None:
        """From now on nothing is read, so nothing is answered. Whoever owns us sends no more."""
        self.transport.pause_reading()

    def cut(self) -> None:
        """End with a reset, not with a farewell."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CLOSING)
        self.transport.abort()

    def close(self) -> None:
        self.transport.close()


class Connection(Wire):
    """One kept-alive HTTP connection; one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._is_bare = False
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, host: Host) -> Connection:
        connection = cls()
        await host.connect(lambda: connection)
        return connection

    def ask(self, head: bytes, body: bytes = b"") -> asyncio.Future[Answer]:
        self._answer = asyncio.get_running_loop().create_future()
        self._is_bare = head.startswith(b"HEAD ")
        if self.transport.is_closing():
            self._answer.set_exception(ConnectionResetError())
        else:
            self.transport.write(head + body)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end]
        body = self._body(head, end + 4)
        if body is not None and self._answer and not self._answer.done():
            self._answer.set_result(Answer(int(head[9:12]), head, body))

    def _body(self, head: bytes, begin: int) -> bytes | None:
        """All of it, taken away from what was received; None while there is more to come."""
        if CHUNKED.search(head):
            whole = _unchunked(self._received, begin)
            if whole is not None:
                # One request at a time: nothing follows.
                self._received = b""
            return whole
        found = LENGTH.search(head)
        end = begin + (int(found[1]) if found and not self._is_bare else 0)
        if len(self._received) < end:
            return None
        body, self._received = self._received[begin:end], self._received[end:]
        return body

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())


def _unchunked(data: bytes, at: int) -> bytes | None:
    """A body that came in pieces which each say how long they are (RFC 9112, 7.1)."""
    pieces: list[bytes] = []
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line].partition(b";")[0], 16)
        at = line + 2 + size + 2
        if at > len(data):
            return None
        if size == 0:
            return b"".join(pieces)
        pieces.append(data[line + 2 : line + 2 + size])
    return None


class Line(Wire):
    """A Socket.IO client of one namespace over WebSocket. Its pongs are its own business."""

    def __init__(
        self, namespace: str, auth: dict[str, str], heard: Callable[[str, Any], None] | None
    ) -> None:
        self.namespace = namespace
        self.auth = auth
        self.heard = heard
        self._received = b""
        self._upgraded = False
        self._next = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls,
        host: Host,
        namespace: str,
        auth: dict[str, str],
        cookie: str,
        heard: Callable[[str, Any], None] | None = None,
        more: str = "",
    ) -> Line:
        """`more`: further headers, each with its end of line. Raises `OSError`."""
        line = cls(namespace, auth, heard)
        await host.connect(lambda: line)
        line.transport.write(
            (
                "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
                f"Host: {host.name}\r\nCookie: {cookie}\r\n{more}"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
            ).encode()
        )
        await line._admitted
        return line

    def ask(self, event: str, news: Any) -> asyncio.Future[Any]:
        """Emit an event and answer its acknowledgement."""
        self._next += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[self._next] = answer
        if self.transport.is_closing():
            answer.set_exception(ConnectionResetError())
        else:
            self._send(f"42{self.namespace},{self._next}{json.dumps([event, news])}")
        return answer

    def _send(self, text: str) -> None:
        payload = text.encode()
        length = len(payload)
        size = (
            struct.pack("!B", 0x80 | length) if length < 126 else struct.pack("!BH", 0xFE, length)
        )
        # A mask of zeros is a mask, and leaves the payload as it is.
        self.transport.write(b"\x81" + size + b"\0\0\0\0" + payload)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._upgraded:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._received.startswith(b"HTTP/1.1 101"):
                self._fail(ConnectionRefusedError(self._received[:end].decode()))
                return
            self._upgraded, self._received = True, self._received[end + 4 :]
        while frame := self._frame():
            self._take(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        held = self._received
        if len(held) < 2:
            return None
        begin, length = 2, held[1] & 0x7F
        if length == 126:
            if len(held) < 4:
                return None
            begin, length = 4, int.from_bytes(held[2:4], "big")
        if len(held) < begin + length:
            return None
        self._received = held[begin + length :]
        return held[0] & 0x0F, held[begin : begin + length]

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == CLOSE:
            self.transport.close()
        elif kind == TEXT and payload == b"2":
            self._send("3")
        elif kind == TEXT and payload[:1] == b"0":
            self._send(f"40{self.namespace},{json.dumps(self.auth)}")
        elif kind == TEXT and payload[:1] == b"4":
            self._hear(payload[1:2], payload[2:].partition(b",")[2].decode())

    def _hear(self, kind: bytes, text: str) -> None:
        if kind == b"0" and not self._admitted.done():
            self._admitted.set_result(None)
        elif kind == b"4":
            self._fail(ConnectionRefusedError(text))
        elif kind == b"3":
            number, bracket, rest = text.partition("[")
            answer = self._answers.pop(int(number), None)
            if answer and not answer.done():
                answer.set_result(json.loads(bracket + rest)[0])
        elif kind == b"2" and self.heard:
            event, *news = json.loads(text)
            self.heard(event, news[0] if news else None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(ConnectionResetError())

    def _fail(self, cause: Exception) -> None:
        waiting = [self._admitted, *self._answers.values()]
        self._answers.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(cause)
