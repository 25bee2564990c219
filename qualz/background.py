"""The queue is a doorbell: it says that there is work; the database says what work."""

from __future__ import annotations

import logging
from typing import Any

from flask import current_app
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from qualz.database import after_commit

log = logging.getLogger(__name__)

QUEUE = "qualz"
# Long enough for the longest merge; whether a worker still lives is for its lease to say.
LONGEST_JOB = 6 * 60 * 60


def connect(redis_url: str | None) -> Queue | None:
    """The queue, or None where nobody listens (single requests in tests)."""
    if redis_url is None:
        return None
    connection = Redis.from_url(redis_url, socket_connect_timeout=2, health_check_interval=30)
    return Queue(QUEUE, connection=connection, default_timeout=LONGEST_JOB)


def later(job: str, *args: Any) -> None:
    """Ring for `qualz.jobs.<job>` when the present transaction has committed."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    after_commit(lambda: ring(app.extensions["queue"], job, *args))


def ring(queue: Queue | None, job: str, *args: Any) -> None:
    """Ring once for a job, however often it is asked for while nobody has come."""
    if queue is None:
        return
    name = "-".join([job, *map(str, args)])
    try:
        if name in queue.job_ids:
            return
        queue.enqueue(f"qualz.jobs.{job}", *args, job_id=name, result_ttl=0, failure_ttl=3600)
    except RedisError as cause:
        # No request fails because Redis is away: the sweep rings again.
        log.warning("Could not ring for %s: %s", name, cause)
