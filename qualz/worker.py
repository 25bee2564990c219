"""An RQ worker whose jobs run inside the application and die with it."""

from __future__ import annotations

import logging
import os
from typing import Any

from flask import Flask
from rq import Queue, Worker
from rq.job import Job

from qualz.application import create_core
from qualz.database import db
from qualz.lifeline import die_with

log = logging.getLogger(__name__)


class ApplicationWorker(Worker):
    """Forks for each job, as RQ does, and gives the fork the application."""

    app: Flask

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        # RQ leaves the fork of a killed worker running; its lease would be renewed by a ghost.
        die_with(parent=os.getppid())
        with self.app.app_context():
            # Connections cannot be shared across a fork.
            db.engine.dispose(close=False)
            super().main_work_horse(job, queue)


def run(app: Flask | None = None, **options: Any) -> None:
    """Work until told to stop: SIGTERM ends after the job in hand, a second one at once."""
    app = app or create_core()
    queue: Queue | None = app.extensions["queue"]
    if queue is None:
        raise SystemExit("REDIS_URL is not set. Start Qualz with `make run`, or name a Redis.")
    # An idle worker waits for `worker_ttl` less 15 s at a time; short waits notice a Redis that
    # was emptied or restarted.
    worker = ApplicationWorker([queue], connection=queue.connection, worker_ttl=30)
    worker.app = app
    worker.work(logging_level="INFO", **options)
