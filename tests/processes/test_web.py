"""The web server takes WebSockets where they belong, holds no large message in memory, and waits
for no body for ever."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest
from simple_websocket import Client, ConnectionClosed

from tests.processes.conftest import ROOT, Deployment, eventually


def connect(deployment: Deployment) -> Client:
    address = f"ws://127.0.0.1:{deployment.port}/socket.io/?EIO=4&transport=websocket"
    return Client.connect(address)


def test_a_socket_is_greeted(running: Deployment) -> None:
    client = connect(running)
    assert str(client.receive(timeout=5)).startswith("0{")
    client.close()


def test_no_other_address_becomes_a_socket(running: Deployment) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_a_large_message_ends_the_connection(running: Deployment) -> None:
    client = connect(running)
    client.receive(timeout=5)
    client.send("4" + "x" * 100_000)
    with pytest.raises(ConnectionClosed):
        _read_on(client)


def test_a_message_in_endless_pieces_ends_the_connection(running: Deployment) -> None:
    """Its size is never announced, so it must not be gathered until memory is full."""
    client = connect(running)
    client.receive(timeout=5)
    client.sock.sendall(_frame(opcode=1, payload=b"4" * 30_000))
    client.sock.sendall(_frame(opcode=0, payload=b"x" * 30_000))
    client.sock.sendall(_frame(opcode=0, payload=b"x" * 30_000))
    with pytest.raises(ConnectionClosed):
        _read_on(client)


def test_a_large_upload_is_not_held_in_memory(running: Deployment) -> None:
    """A body is read as it comes; one that nobody wants is not kept either."""
    gunicorn = eventually(lambda: running.named("gunicorn"))
    server = eventually(gunicorn.children)[0]
    before = server.memory_info().rss
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(b"POST /healthz HTTP/1.1\r\nContent-Length: 268435456\r\n\r\n")
        _send_until_refused(connection, total=268_435_456)
    assert server.memory_info().rss - before < 64 * 1024 * 1024
    assert isinstance(server, psutil.Process)
    assert running.get("/healthz")[0] == 200


# The same server with little patience, on an application that says what it got of a body.
IMPATIENT = """
from gevent import monkey

monkey.patch_all()

import logging
import time

from qualz.processes.uplink import Patience
from qualz.processes.web import Handler, Server


class Impatient(Handler):
    silence = 1.0
    patience = Patience(slowest=1000, seconds=0.4, linger=1.0, linger_silence=0.4)


def tell(environ, start_response):
    came, ended = 0, "whole"
    try:
        while environ["PATH_INFO"] != "/unread" and (piece := environ["wsgi.input"].read(65536)):
            came += len(piece)
            if environ["PATH_INFO"] == "/slow-disk":
                time.sleep(0.6)
    except OSError:
        ended = "broken off"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{came} {ended}".encode()]


server = Server(
    ("127.0.0.1", 0),
    application=tell,
    log=logging.getLogger(),
    handler_class=Impatient,
    environ={"wsgi.multithread": True},
)
server.start()
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def impatient() -> Iterator[int]:
    """The port of an impatient server."""
    command = [sys.executable, "-c", IMPATIENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.terminate()


def _begin(port: int, path: str = "/", length: int = 1000) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(
        f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\n\r\n".encode()
    )
    return connection


def _dribble(connection: socket.socket, piece: bytes, pieces: int) -> None:
    """Twenty pieces a second, until somebody ends it."""
    with suppress(OSError):
        for _ in range(pieces):
            connection.sendall(piece)
            time.sleep(0.05)


def _hear(connection: socket.socket, words: bytes) -> None:
    """Wait until the server has said so."""
    said = b""
    while words not in said:
        piece = connection.recv(4096)
        assert piece, said
        said += piece


def _said(connection: socket.socket) -> bytes:
    """What the server says until it ends the connection."""
    said = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(4096):
            said += piece
    return said


def test_a_body_that_comes_too_slowly_is_ended_and_what_came_of_it_is_known(
    impatient: int,
) -> None:
    began = time.monotonic()
    with _begin(impatient) as connection:
        _dribble(connection, b"x", pieces=40)
        head, _, told = _said(connection).partition(b"\r\n\r\n")
    assert time.monotonic() - began < 5
    assert b"Connection: close" in head
    came, _, ended = told.decode().partition(" ")
    assert ended == "broken off"
    assert 5 <= int(came) < 40


def test_one_that_keeps_the_pace_may_last(impatient: int) -> None:
    with _begin(impatient, length=3000) as connection:
        _dribble(connection, b"x" * 100, pieces=30)
        _hear(connection, b"3000 whole")


def test_how_long_the_application_takes_is_not_the_senders_fault(impatient: int) -> None:
    with _begin(impatient, "/slow-disk", length=2) as connection:
        connection.sendall(b"x")
        time.sleep(0.7)
        connection.sendall(b"x")
        _hear(connection, b"2 whole")


def test_a_silent_one_is_ended(impatient: int) -> None:
    with _begin(impatient) as connection:
        connection.sendall(b"x")
        assert b"1 broken off" in _said(connection)


def test_a_head_that_dribbles_is_ended(impatient: int) -> None:
    for begun in (b"", b"GET / HTTP/1.1\r\n"):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", impatient), timeout=10) as connection:
            connection.sendall(begun)
            _dribble(connection, b"x", pieces=40)
            assert b" 200 " not in _said(connection)
        assert time.monotonic() - began < 5


def test_what_nobody_reads_is_let_come_but_not_for_ever(impatient: int) -> None:
    with _begin(impatient, "/unread") as connection:
        _hear(connection, b"0 whole")
        connection.sendall(b"x" * 1000)
        # Whole after all, so the connection is as good as new.
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        _hear(connection, b"0 whole")
    for pieces in (1, 100):
        began = time.monotonic()
        with _begin(impatient, "/unread", length=1_000_000) as connection:
            _dribble(connection, b"x" * 200, pieces)
            assert b"0 whole" in _said(connection)
        assert time.monotonic() - began < 8


def test_a_chunked_body_is_read_and_a_malformed_one_ends_the_connection(impatient: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", impatient), timeout=10) as connection:
        connection.sendall(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        _hear(connection, b"5 whole")
        connection.sendall(head + b"3\r\nabc\r\nnonsense")
        assert b"broken off" in _said(connection)


def test_a_body_is_read_whatever_the_request_wants_to_become(impatient: int) -> None:
    """gevent hands out the bare connection to who asks for an upgrade."""
    with socket.create_connection(("127.0.0.1", impatient), timeout=10) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc"
        )
        _hear(connection, b"3 whole")


def _read_on(client: Client) -> None:
    while client.receive(timeout=5) is not None:
        pass


def _send_until_refused(connection: socket.socket, total: int) -> None:
    block = b"\0" * 1_048_576
    for _ in range(total // len(block)):
        try:
            connection.sendall(block)
        except OSError:
            return


def _frame(opcode: int, payload: bytes) -> bytes:
    """An unfinished message's next piece, masked with zeros."""
    return struct.pack("!BBH4x", opcode, 0x80 | 126, len(payload)) + payload
