"""Many slow uploads hold up nobody: neither the others' uploads nor the pages."""

from __future__ import annotations

import time
from contextlib import ExitStack

from tests.e2e.plain import PlainParticipant
from tests.e2e.server import Server

SLOW = 40


def test_forty_slow_uploads_hold_up_nobody(server: Server, link: str):
    participant = PlainParticipant(server, link)
    with ExitStack() as stack:
        for _ in range(SLOW):
            stack.enter_context(participant.dribbles(participant.starts_part()))
        began = time.monotonic()
        assert participant.asks("GET", participant.room).status == 200
        # A pool that is used up is waited for, for half a minute.
        assert time.monotonic() - began < 10
    assert server.logs().count("QueuePool") == 0
