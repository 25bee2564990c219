"""Counts that all processes share: what has been received, dropped and made since Redis began.

They are kept in one hash in Redis, where every web process and every worker adds to them. The
database cannot tell them: rows go when their interview is deleted, and a counter that falls would
be taken for one that began anew. A process gathers what it counts and hands it over once in
`EVERY`, so that a thousand chunks cost one round trip; one that is killed takes with it what it had
gathered. While Redis is away it gathers on.
"""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

COUNTS, MOMENTS = "qualz:counts", "qualz:moments"
# Seconds: from one handing over to the next, for an answer, and after there was none.
EVERY, PATIENCE, REST = 1.0, 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Count:
    name: str
    labels: dict[str, str]
    value: float


class Counts:
    def __init__(self, redis_url: str | None) -> None:
        self._redis: Redis | None = None
        if redis_url:
            patience = {"socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE}
            self._redis = Redis.from_url(redis_url, **patience)
        self._guard = Lock()
        self._gathered: defaultdict[str, float] = defaultdict(float)
        self._due_at = 0.0

    def add(self, name: str, by: float = 1, /, **labels: str) -> None:
        """Count so much more. Never fails, and seldom waits."""
        with self._guard:
            self._gathered[json.dumps([name, labels], sort_keys=True)] += by
        if time.monotonic() >= self._due_at:
            self.hand_over()

    def hand_over(self) -> None:
        """Give Redis what was gathered: at once, for a process that is about to end."""
        if self._redis is None:
            return
        self._due_at = time.monotonic() + EVERY
        with self._guard:
            gathered, self._gathered = self._gathered, defaultdict(float)
        if not gathered:
            return
        try:
            with self._redis.pipeline() as pipeline:
                for field, by in gathered.items():
                    pipeline.hincrbyfloat(COUNTS, field, by)
                pipeline.execute()
        except (RedisError, OSError) as cause:
            log.warning("Nothing is counted while Redis is away: %s", type(cause).__name__)
            self._due_at = time.monotonic() + REST
            with self._guard:
                for field, by in gathered.items():
                    self._gathered[field] += by

    def mark(self, name: str, at: float) -> None:
        """Note that something was done at that moment, in seconds since 1970."""
        if self._redis is not None and time.monotonic() >= self._due_at:
            try:
                self._redis.hset(MOMENTS, name, str(at))
            except (RedisError, OSError):
                self._due_at = time.monotonic() + REST

    def marked(self, name: str) -> float | None:
        """When `mark` was last called by any process. Raises `RedisError`."""
        held: Any = self._redis.hget(MOMENTS, name) if self._redis else None
        return float(held) if held else None

    def keep(self, name: str, value: dict[str, Any]) -> None:
        """Keep what one process found out, for all of them. Raises `RedisError`."""
        if self._redis is not None:
            self._redis.set(f"qualz:kept:{name}", json.dumps(value))

    def kept(self, name: str) -> dict[str, Any] | None:
        """What was last kept by that name. Raises `RedisError`."""
        held: Any = self._redis.get(f"qualz:kept:{name}") if self._redis else None
        return dict(json.loads(held)) if held else None

    def all(self) -> Iterator[Count]:
        """What all processes have handed over, and this one just now. Raises `RedisError`."""
        self.hand_over()
        held: Any = self._redis.hgetall(COUNTS) if self._redis else self._gathered
        for field, value in sorted(held.items()):
            name, labels = json.loads(field)
            yield Count(name, labels, float(value))
