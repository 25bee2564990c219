"""A circuit breaker: what failed again and again is left alone for a while."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

FAILURES, WITHIN = 3, 60.0
REST = 300.0


class Breaker:
    """Open after three failures within a minute, for five minutes. Times are seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        return self._now() < self._until

    def failed(self) -> None:
        self._failures.append(self._now())
        if len(self._failures) == FAILURES and self._now() - self._failures[0] <= WITHIN:
            self._until = self._now() + REST
            self._failures.clear()

    def worked(self) -> None:
        self._failures.clear()
