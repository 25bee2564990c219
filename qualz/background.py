"""The queue is a doorbell: it says that there is work; the database says what work."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from flask import current_app
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from qualz.database import after_commit

log = logging.getLogger(__name__)

# What somebody in the room waits for, what somebody in the workplace does, what goes to other
# servers, words that nobody waits for in the room, and what may take its time. What makes a
# download takes minutes, a letter that nobody takes 15 seconds, a merge takes seconds, and words
# are of use for one.
LINES = {
    "words": "qualz-words",
    "merges": "qualz",
    "letters": "qualz-letters",
    "transcripts": "qualz-transcripts",
    "leisure": "qualz-leisure",
}
LINE_OF = {
    "hear": "words",
    "mail": "letters",
    "letter": "letters",
    "deliver": "letters",
    "hear_again": "transcripts",
    "rendition": "leisure",
    "excerpt": "leisure",
    "bundle": "leisure",
    "prepare": "leisure",
    "illustrate": "leisure",
    "delete": "letters",
    "weigh": "leisure",
}
# Long enough for the longest merge; whether a worker still lives is for its lease to say.
LONGEST_JOB = 6 * 60 * 60


def connect(redis_url: str | None) -> Queue | None:
    """The queue, or None where nobody listens (single requests in tests)."""
    if redis_url is None:
        return None
    connection = Redis.from_url(redis_url, socket_connect_timeout=2, health_check_interval=30)
    return _line("merges", connection)


def lines(queue: Queue, names: Sequence[str] = ()) -> list[Queue]:
    """The lines of those names, else all of them, in the order in which they are served: that of
    `LINES`, however they were named."""
    served = sorted(names or LINES, key=list(LINES).index)
    return [_line(name, queue.connection) for name in served]


def _line(name: str, connection: Redis) -> Queue:
    return Queue(LINES[name], connection=connection, default_timeout=LONGEST_JOB)


def later(job: str, *args: Any) -> None:
    """Ring for `qualz.jobs.<job>` when the present transaction has committed."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def rings() -> None:
        ring(app.extensions["queue"], job, *args)

    after_commit(rings)


def ring(queue: Queue | None, job: str, *args: Any) -> bool:
    """Ring once for a job, however often it is asked for while nobody has come.

    False when Redis is away, so that nobody waits for it row by row.
    """
    if queue is None:
        return True
    name = "-".join([job, *map(str, args)])
    line = _line(LINE_OF.get(job, "merges"), queue.connection)
    try:
        if line.connection.lpos(line.key, name) is not None:
            return True
        line.enqueue(f"qualz.jobs.{job}", *args, job_id=name, result_ttl=0, failure_ttl=3600)
    except RedisError as cause:
        # No request fails because Redis is away: the sweep rings again.
        log.warning("Could not ring for %s: %s", name, cause)
        return False
    return True
