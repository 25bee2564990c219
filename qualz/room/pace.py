"""The pace: how often chunks are asked for. The busier this process is, the more each one brings.

A chunk costs about the same whether it brings one second or four. Left to themselves recorders send
each second; where there are so many that this process would fall behind, they are asked, in
`Upload-Pace`, to let more come together. What waits for that lies in the browser's journal, as it
does on a slow line; what somebody waits for, and the end of a part, comes at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import current_app

# Seconds between measurements: long enough for a share that means something.
WINDOW = 1.0
# Of one processor, for Python uses no more: above it there is more to do than goes well, below it
# there is room for more.
HIGH, LOW = 0.75, 0.5
FIRST, LONGEST = 1.25, 4.0  # seconds
FASTER, SLOWER = 0.9, 1.25


class Pace:
    """Of one process. `busy` is its time on processors, `wall` that of the world, in seconds."""

    def __init__(
        self,
        busy: Callable[[], float] = time.process_time,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._busy, self._wall = busy, wall
        self._since = wall(), busy()
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """From one chunk of a recorder to its next, at least; 0 where nothing is asked."""
        now = self._wall()
        began, was_busy = self._since
        if now - began >= WINDOW:
            busy = self._busy()
            self._since = now, busy
            self._adapt((busy - was_busy) / (now - began))
        return self._seconds

    def _adapt(self, share: float) -> None:
        if share > HIGH:
            self._seconds = min(LONGEST, max(FIRST, self._seconds * SLOWER))
        elif share < LOW:
            faster = self._seconds * FASTER
            self._seconds = faster if faster >= FIRST else 0.0


def told() -> dict[str, str]:
    """As a header of an answer to a chunk."""
    pace: Pace = current_app.extensions["pace"]
    seconds = pace.seconds
    return {"Upload-Pace": f"{seconds:.2f}"} if seconds else {}
