"""An OpenAI-compatible server of the tests' own, with the habits of those that people run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Request"], None]


@dataclass
class Request:
    """One request, and the ways to answer it."""

    handler: BaseHTTPRequestHandler
    body: dict[str, Any]

    @property
    def form(self) -> str:
        asked = self.body.get("response_format")
        if asked is None:
            return "plain"
        if asked["type"] == "json_schema":
            return "json_schema strict" if asked["json_schema"].get("strict") else "json_schema"
        return "json_object with schema" if "schema" in asked else "json_object"

    def refuses(self, status: int, message: str = "no", code: str = "bad") -> None:
        self.sends(json.dumps({"error": {"message": message, "code": code}}), status=status)

    def writes(self, content: str | None, **choice: Any) -> None:
        message = {"role": "assistant", "content": content}
        choices = [{"index": 0, "message": message, "finish_reason": "stop", **choice}]
        body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
        self.sends(json.dumps(body | {"choices": choices}, ensure_ascii=False))

    def sends(
        self, body: str | bytes, *, status: int = 200, kind: str = "application/json"
    ) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Content-Length", str(len(data)))
        self.handler.end_headers()
        self.handler.wfile.write(data)

    def streams(self, pieces: Iterator[bytes], kind: str = "text/event-stream") -> None:
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Connection", "close")
        self.handler.end_headers()
        self.handler.close_connection = True
        try:
            for piece in pieces:
                self.handler.wfile.write(piece)
                self.handler.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            pass

    def breaks_off(self) -> None:
        """Promises more than it sends."""
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "application/json")
        self.handler.send_header("Content-Length", "500")
        self.handler.end_headers()
        self.handler.wfile.write(b"{")
        self.handler.close_connection = True


@dataclass
class StubServer:
    url: str
    answer: Answer
    requests: list[Request] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    # Set when the test is over: whoever keeps somebody waiting waits for it.
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def forms(self) -> list[str]:
        return [request.form for request in self.requests]


def _parsed(body: bytes, kind: str) -> dict[str, Any]:
    """JSON, or the fields of a form in which a file is sent."""
    if not kind.startswith("multipart/"):
        parsed: dict[str, Any] = json.loads(body or b"{}")
        return parsed
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
        for part in message.walk()
        if not part.is_multipart()
    }


@contextmanager
def stub_server() -> Iterator[StubServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            kind = self.headers.get("Content-Type", "")
            request = Request(self, _parsed(body, kind))
            stub.requests.append(request)
            stub.headers.append({name.lower(): held for name, held in self.headers.items()})
            stub.answer(request)

        def do_GET(self) -> None:
            listed = {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
            Request(self, {}).sends(json.dumps(listed))

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub = StubServer(f"http://127.0.0.1:{server.server_port}/v1", lambda r: r.refuses(503))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        stub.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
