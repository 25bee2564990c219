"""Slow and stalled uploads hold up nobody: neither the others' uploads and the pages, nor the
same participant who comes back on a new connection."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.e2e.plain import PlainParticipant
from tests.e2e.server import Server, eventually

SLOW = 40
# The server itself gives up on a silent connection after 75 s; a takeover is a matter of
# milliseconds, and this of a busy machine.
AT_ONCE = 10
NO_CHECKSUM = {"Upload-Checksum": ""}
CHUNKED = {"Transfer-Encoding": "chunked", "Content-Length": ""}


@pytest.fixture
def participant(server: Server, link: str) -> PlainParticipant:
    return PlainParticipant(server, link)


@pytest.fixture
def upload(participant: PlainParticipant) -> str:
    return participant.starts_part()


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 3 * AT_ONCE


def stored(server: Server, upload: str) -> bytes:
    [path] = server.data.glob(f"media/interviews/*/part-*{upload.rpartition('/')[2]}*")
    return path.read_bytes()


def answer_on(connection: socket.socket) -> bytes:
    """What the server says before it ends the connection."""
    connection.settimeout(AT_ONCE)
    said = b""
    # Bytes that it never read make the end a rough one.
    with suppress(ConnectionResetError):
        while piece := connection.recv(4096):
            said += piece
    return said


def test_forty_slow_uploads_hold_up_nobody(participant: PlainParticipant, server: Server):
    with ExitStack() as stack:
        for _ in range(SLOW):
            stack.enter_context(participant.dribbles(participant.starts_part()))
        began = time.monotonic()
        assert participant.asks("GET", participant.room).status == 200
        # A pool that is used up is waited for, for half a minute.
        assert time.monotonic() - began < AT_ONCE
    assert server.logs().count("QueuePool") == 0


def test_a_newer_request_takes_over_a_stalled_one(
    participant: PlainParticipant, server: Server, upload: str
):
    with participant.dribbles(upload) as stalled:
        assert participant.offset(upload) == 0
        assert b" 423 " in answer_on(stalled)
    assert participant.sends(upload, b"what was recorded").status == 204
    assert stored(server, upload) == b"what was recorded"


def test_without_a_checksum_the_stalled_one_keeps_what_had_come(
    participant: PlainParticipant, server: Server, upload: str
):
    with participant.dribbles(upload, b"what was ", **NO_CHECKSUM) as stalled:
        assert participant.offset(upload) == 9
        assert b" 423 " in answer_on(stalled)
    assert participant.sends(upload, b"recorded", at=9).status == 204
    assert stored(server, upload) == b"what was recorded"


def test_a_chunk_that_comes_without_being_asked_for_takes_over_too(
    participant: PlainParticipant, server: Server, upload: str
):
    with participant.dribbles(upload) as stalled:
        assert participant.sends(upload, b"what was recorded").status == 204
        assert b" 423 " in answer_on(stalled)
    assert stored(server, upload) == b"what was recorded"


@pytest.mark.parametrize("body", [NO_CHECKSUM, CHUNKED], ids=["known length", "chunked"])
def test_what_comes_late_on_the_old_connection_is_not_appended(
    participant: PlainParticipant, server: Server, upload: str, body: dict[str, str]
):
    """A phone that changed networks: what it had sent on the old one arrives after all."""
    begun = b"2710\r\nabc" if body is CHUNKED else b"abc"
    with participant.dribbles(upload, begun, **body) as stalled:
        told = participant.offset(upload)
        # Of a chunked body a few bytes may be let go with what gathers them.
        assert told in ((0, 3) if body is CHUNKED else (3,))
        with suppress(OSError):
            for _ in range(20):
                stalled.sendall(b"late" * 1000)
                time.sleep(0.01)
        answer_on(stalled)
        assert participant.offset(upload) == told
        assert participant.sends(upload, b"xyz", at=told).status == 204
    assert stored(server, upload)[told:] == b"xyz"


def test_taking_back_an_upload_ends_who_still_sends_it(
    participant: PlainParticipant, server: Server, upload: str
):
    with participant.dribbles(upload, **NO_CHECKSUM) as stalled:
        assert participant.asks("DELETE", upload, headers={"Tus-Resumable": "1.0.0"}).status == 204
        assert b" 423 " in answer_on(stalled)
    name = upload.rpartition("/")[2]
    assert list(server.data.glob(f"media/interviews/*/*{name}*")) == []


def test_a_crowd_that_takes_over_from_each_other_leaves_the_newest(
    participant: PlainParticipant, server: Server, upload: str
):
    with ExitStack() as stack:
        crowd = []
        for _ in range(SLOW):
            crowd.append(stack.enter_context(participant.dribbles(upload)))
        assert participant.offset(upload) == 0
        assert all(answer_on(connection).startswith(b"HTTP/1.1 423 ") for connection in crowd)
    assert participant.sends(upload, b"abc").status == 204


def test_others_cannot_end_an_upload(
    participant: PlainParticipant, server: Server, link: str, upload: str
):
    stranger = PlainParticipant(server, link)
    with participant.dribbles(upload, of=6, **NO_CHECKSUM) as slow:
        theirs = upload.replace(participant.room, stranger.room)
        for address in (upload, theirs):
            answer = stranger.asks("HEAD", address, headers={"Tus-Resumable": "1.0.0"})
            assert answer.status == 404
        slow.sendall(b"def")
        assert slow.recv(4096).startswith(b"HTTP/1.1 204 ")
    assert stored(server, upload) == b"abcdef"


@pytest.mark.parametrize("chunked", [False, True])
def test_what_came_of_a_body_that_breaks_off_is_kept(
    participant: PlainParticipant, server: Server, upload: str, chunked: bool
):
    data = bytes(50_000)
    body = CHUNKED if chunked else NO_CHECKSUM
    with participant.dribbles(upload, b"186a0\r\n" + data if chunked else data, **body) as broken:
        broken.shutdown(socket.SHUT_WR)
        assert b" 409 " in answer_on(broken)
    # gevent gathers a chunked body in steps of 4 KiB, and the last one is lost.
    assert len(data) - participant.offset(upload) < (4096 if chunked else 1)


def test_a_chunked_body_is_taken_whole(participant: PlainParticipant, server: Server, upload: str):
    data = bytes(range(256)) * 400
    body = b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n"
    with participant.dribbles(upload, body, **CHUNKED) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 204 ")
    assert stored(server, upload) == data


def test_a_slow_uplink_is_seen_alive_while_it_sends(
    participant: PlainParticipant, server: Server, upload: str
):
    """Long before a piece is full or the body is through."""
    with participant.dribbles(upload, **NO_CHECKSUM) as slow:
        time.sleep(1.2)
        slow.sendall(b"def")
        name = upload.rpartition("/")[2]
        query = "SELECT bytes_durable FROM parts WHERE public_id = ?"
        eventually(lambda: server.ask(query, name) == [(6,)])


def test_a_refusal_is_heard_although_the_body_is_not_read(
    participant: PlainParticipant, upload: str
):
    """Also by who asks first whether to send it, and by who sends megabytes meanwhile."""
    wrong = {"Upload-Offset": "7", "Expect": "100-continue"}
    with participant.begins(upload, **wrong) as careful:
        said = answer_on(careful)
        assert said.startswith(b"HTTP/1.1 409 ")
        assert b"Connection: close" in said
    answer = participant.sends(upload, bytes(5_000_000), at=7)
    assert (answer.status, answer.headers["Upload-Offset"]) == (409, "0")
