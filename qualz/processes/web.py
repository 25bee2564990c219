"""The web server's own parts: gunicorn's gevent worker with WebSockets, made fit for Qualz.

Addresses hold secrets (resume links, set-up links), so nothing here ever logs one: not of a
good request, not of a malformed one.
"""

from __future__ import annotations

import base64
import socket
import time
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from geventwebsocket.exceptions import ProtocolError
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import Stream, WebSocket
from gunicorn.http.wsgi import base_environ
from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIServer

from qualz.processes.uplink import Body, Patience, Uplink

# A peer that neither sends nor takes a byte for so long is gone. Sockets are pinged each 2 s.
SILENCE = 75.0
# Heartbeats are some hundred bytes; media goes over HTTP.
LARGEST_MESSAGE = 64 * 1024
SOCKET_PATH = "/socket.io"


class SmallWebSocket(WebSocket):  # type: ignore[misc]
    """Ends the connection when a message is too large, before it is held in memory."""

    __slots__ = ("_held",)

    def __init__(self, environ: Any, stream: Stream, handler: Any) -> None:
        super().__init__(environ, stream, handler)
        self._held = 0
        read = stream.read
        self.raw_read = lambda length: read(length) if length <= LARGEST_MESSAGE else b""  # type: ignore[misc]

    def read_frame(self) -> Any:
        header, payload = super().read_frame()
        self._held = 0 if header.fin else self._held + header.length
        if self._held > LARGEST_MESSAGE:
            raise ProtocolError("The message is too large.")
        return header, payload


class Handler(WebSocketHandler):  # type: ignore[misc]
    """One connection and its requests."""

    silence = SILENCE
    patience = Patience()
    body: Body
    wsgi_input: Any
    # A paused video player stops reading: that its connection ends is no error.
    ignored_socket_errors = (*WebSocketHandler.ignored_socket_errors, "timed out")

    def handle(self) -> None:
        self.awaits_request = True
        self.socket.settimeout(self.silence)
        self.server.connections.add(self)
        try:
            super().handle()
        finally:
            self.server.connections.discard(self)

    def read_requestline(self) -> Any:
        self.awaits_request = True
        with gevent.Timeout(self.silence, TimeoutError):
            line = super().read_requestline()
        self.awaits_request = False
        return line

    def read_request(self, raw_requestline: str) -> Any:
        with gevent.Timeout(self.silence, TimeoutError):
            return super().read_request(raw_requestline)

    def handle_one_request(self) -> Any:
        result = super().handle_one_request()
        return None if self.server.is_leaving and result is True else result

    def get_environ(self) -> Any:
        """The request as the application sees it, with a way to end its body from elsewhere:
        `qualz.end_body`. Nobody else's server has that, so nobody may rely on it."""
        environ = super().get_environ()
        self.body = Body(Uplink(self.rfile, self.socket, self.patience), self.wsgi_input)
        self.wsgi_input = self.body
        environ["wsgi.input"] = self.body
        environ["wsgi.input_terminated"] = True
        environ["qualz.end_body"] = self.body.end
        return environ

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        if self.body.leaves_connection_unusable:
            headers = [*headers, ("Connection", "close")]
        return super().start_response(status, headers, exc_info)

    def handle_one_response(self) -> None:
        super().handle_one_response()
        self.close_connection |= self.body.leaves_connection_unusable

    def upgrade_websocket(self) -> Any:
        """Become a WebSocket when the client asks for the one there is, and asks properly.

        The library would upgrade any address, and answers a malformed handshake with a 500.
        """
        if self.environ.get("HTTP_UPGRADE", "").lower() != "websocket":
            return None
        if not self._is_handshake():
            self.start_response("400 Bad Request", [])
            return [b"This is no WebSocket handshake."]
        return super().upgrade_websocket()

    def _is_handshake(self) -> bool:
        environ = self.environ
        try:
            key = base64.b64decode(environ.get("HTTP_SEC_WEBSOCKET_KEY", ""), validate=True)
        except ValueError:
            return False
        return (
            environ["PATH_INFO"].rstrip("/") == SOCKET_PATH
            and environ["REQUEST_METHOD"] == "GET"
            and self.request_version == "HTTP/1.1"
            and "upgrade" in environ.get("HTTP_CONNECTION", "").lower()
            and environ.get("HTTP_SEC_WEBSOCKET_VERSION") in self.SUPPORTED_VERSIONS
            and len(key) == 16
        )

    def upgrade_connection(self) -> None:
        super().upgrade_connection()
        # Marked closed, or its end would send a closing frame into our connection.
        self.environ["wsgi.websocket"].closed = True
        self.websocket = SmallWebSocket(self.environ, Stream(self), self)
        self.environ["wsgi.websocket"] = self.websocket

    def leave(self) -> None:
        """End an idle connection or a WebSocket at once; let a request be answered first."""
        if self.awaits_request or getattr(self, "websocket", None):
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # The peer was faster.

    def log_request(self) -> None:
        """Keep addresses out of the logs."""

    def _handle_client_error(self, ex: Exception) -> Any:
        # The message of a malformed request quotes its address.
        return super()._handle_client_error(ValueError(type(ex).__name__))


class Server(PyWSGIServer):  # type: ignore[misc]
    """A listening socket that knows its connections, so that it can stop without waiting."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections: set[Handler] = set()
        self.is_leaving = False

    def close(self) -> None:
        super().close()
        self.is_leaving = True
        for connection in list(self.connections):
            connection.leave()


class Worker(GeventPyWSGIWorker):  # type: ignore[misc]
    """Gunicorn's gevent worker, without the seconds that it sleeps before it ends."""

    server_class = Server
    wsgi_handler = Handler
    _asked_to_end: Event | None = None

    def run(self) -> None:
        self._asked_to_end = Event()
        servers = [self._serve(listener) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._asked_to_end.wait(1.0)
        for server in servers:
            server.close()
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while any(server.connections for server in servers) and time.monotonic() < deadline:
            self.notify()
            gevent.sleep(0.02)

    def _serve(self, listener: Any) -> Server:
        listener.setblocking(1)
        server = Server(
            listener,
            application=self.wsgi,
            spawn=Pool(self.worker_connections),
            log=self.log,
            handler_class=Handler,
            environ={**base_environ(self.cfg), "wsgi.multithread": True},
        )
        server.start()
        return server

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        if self._asked_to_end:
            gevent.spawn(self._asked_to_end.set)
