"""An RQ worker whose jobs run inside the application and die with it."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask
from rq import Queue, SimpleWorker, Worker
from rq.executions import Execution
from rq.job import Job
from setproctitle import setproctitle

from qualz import background, logs
from qualz.ai.hearing import CannotHear
from qualz.core import create_core
from qualz.database import db
from qualz.lifeline import die_with

log = logging.getLogger(__name__)

# A tenth of the weight of the web's processes; https://man7.org/linux/man-pages/man7/sched.7.html
BEHIND = 10
AUTOGROUP = Path("/proc/self/autogroup")


class Titled(Worker):
    """Tells the list of processes which lines it serves, and what it is at."""

    app: Flask
    lines = ""

    def procline(self, message: str) -> None:
        setproctitle(f"qualz worker {self.lines}: {message}")


class ApplicationWorker(Titled):
    """Forks for each job, as RQ does, and gives the fork the application."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        # RQ leaves the fork of a killed worker running; its lease would be renewed by a ghost.
        die_with(parent=os.getppid())
        logs.begin(job=job.id)
        with self.app.app_context():
            # Connections cannot be shared across a fork.
            db.engine.dispose(close=False)
            super().main_work_horse(job, queue)


class ListeningWorker(Titled, SimpleWorker):
    """Does its jobs itself, without a fork: there is no time for one, nor for loading a model in
    each, and what faster-whisper has loaded does not survive one."""

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        logs.begin(job=job.id)
        with self.app.app_context():
            return super().perform_job(job, queue, execution)


def give_way(names: Sequence[str]) -> None:
    """Let this process, and what it starts, have what others leave of the processors: while
    participants are recorded nothing else is as urgent, but for the words that they wait for."""
    if list(names) == ["words"]:
        return
    os.nice(BEHIND)
    # Where processors are shared out by sessions, a process's own niceness says nothing to others.
    # https://man7.org/linux/man-pages/man7/sched.7.html, “The autogroup feature”
    with suppress(OSError):
        AUTOGROUP.write_text(str(BEHIND))


def _warm_up(app: Flask) -> None:
    try:
        app.extensions["listeners"].warm_up()
    except CannotHear as cause:
        log.warning("Spoken answers are not heard: %s", cause)


def run(app: Flask | None = None, names: Sequence[str] = (), **options: Any) -> None:
    """Work until told to stop: SIGTERM ends after the job in hand, a second one at once.

    `names`: the lines to serve, of `background.LINES`; all of them unless said otherwise.
    """
    app = app or create_core()
    queue: Queue | None = app.extensions["queue"]
    if queue is None:
        raise SystemExit("REDIS_URL is not set. Start Qualz with `make run`, or name a Redis.")
    # An idle worker waits for `worker_ttl` less 15 s at a time; short waits notice a Redis that
    # was emptied or restarted.
    kind = ListeningWorker if list(names) == ["words"] else ApplicationWorker
    worker = kind(background.lines(queue, names), connection=queue.connection, worker_ttl=30)
    worker.app, worker.lines = app, " ".join(names)
    if isinstance(worker, ListeningWorker):
        _warm_up(app)
    worker.work(logging_level="INFO", **options)
