"""The web server takes WebSockets where they belong, and holds no large message in memory."""

from __future__ import annotations

import socket
import struct

import psutil
import pytest
from simple_websocket import Client, ConnectionClosed

from tests.processes.conftest import Deployment, eventually


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
