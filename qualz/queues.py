"""What the lines of work look like from outside: how long they are, and who serves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.worker import BaseWorker

from qualz import clock
from qualz.background import LINES, lines

# An idle worker tells that it lives each 15 s, a busy one each 30 s: see `worker.run`.
ALIVE_FOR = timedelta(seconds=75)
# What is in each line, for those who look after a server.
MEANING = {
    "words": "Spoken answers that somebody in the room waits for",
    "merges": "Full Sessions",
    "letters": "E-mail, webhooks and deletions",
    "transcripts": "Spoken answers that are heard later, or once more",
    "leisure": "Exports, downloads and clips",
}


@dataclass(frozen=True, slots=True)
class Line:
    """`oldest`: seconds for which the next in line has been waiting; 0 where nobody is."""

    name: str
    length: int
    oldest: float

    @property
    def meaning(self) -> str:
        return MEANING[self.name]


@dataclass(frozen=True, slots=True)
class Hand:
    """A worker. `job`: what it is at, such as “merge-7”; None while it waits for something."""

    name: str
    lines: tuple[str, ...]
    job: str | None
    seen_at: datetime | None

    @property
    def is_alive(self) -> bool:
        return self.seen_at is not None and clock.now() - self.seen_at < ALIVE_FOR


def all_lines(queue: Queue) -> list[Line]:
    """All lines, in the order in which they are served. Raises `RedisError`."""
    found = zip(LINES, lines(queue), strict=True)
    return [Line(name, one.count, _oldest(one)) for name, one in found]


def hands(queue: Queue) -> list[Hand]:
    """All workers that are known, those that serve the first lines first. Raises `RedisError`."""
    workers = [_hand(one) for one in Worker.all(connection=queue.connection)]
    order = list(LINES)
    return sorted(workers, key=lambda one: ([order.index(line) for line in one.lines], one.name))


def _hand(worker: BaseWorker) -> Hand:
    served = _names(worker.queue_names())
    return Hand(worker.name, served, worker.get_current_job_id(), _aware(worker.last_heartbeat))


def _names(queues: Sequence[str]) -> tuple[str, ...]:
    called = {queue: name for name, queue in LINES.items()}
    return tuple(called[queue] for queue in queues if queue in called)


def _oldest(line: Queue) -> float:
    for job_id in line.get_job_ids(0, 1):
        try:
            at = _aware(Job.fetch(job_id, connection=line.connection).enqueued_at)
        except NoSuchJobError:
            # Somebody has just taken it.
            return 0.0
        return max(0.0, (clock.now() - at).total_seconds()) if at else 0.0
    return 0.0


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo:
        return moment
    return moment.replace(tzinfo=UTC)
