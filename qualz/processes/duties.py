"""What a process of Qualz may be for, besides answering requests."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence

from flask import Flask

from qualz import sweep as sweeping
from qualz import worker
from qualz.core import create_core
from qualz.database import db, upgrade
from qualz.researcher import SetUpLink
from qualz.settings import Settings


def migrate(settings: Settings) -> None:
    """Bring the database up to date, and print a fresh set-up link if there is no owner yet."""
    app = create_core(settings)
    upgrade(app)
    print_set_up_link(app, settings)


def print_set_up_link(app: Flask, settings: Settings) -> None:
    """Print a fresh one-time link to create the owner's account, if there is none yet."""
    with app.app_context():
        token = SetUpLink.renew()
        db.session.commit()
    if token:
        print(f"{settings.address}/setup/{token}", flush=True)


def work(settings: Settings, lines: Sequence[str]) -> None:
    """Serve these lines of work until told to stop."""
    worker.give_way(lines)
    worker.run(create_core(settings), lines)


def sweep(settings: Settings) -> None:
    """Look every few seconds for what is due, until told to stop."""
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    app = create_core(settings)
    beside = threading.Thread(target=sweeping.shelve, args=(app, stop), name="shelving")
    if app.extensions["storage"].has_shelf:
        beside.start()
    sweeping.run(app, stop)
    if beside.is_alive():
        beside.join()
