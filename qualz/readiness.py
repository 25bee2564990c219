"""Whether this process can do its work: `/readyz` looks at each thing that it stands on.

`/healthz`, beside it, says no more than that the process answers. Both are for machines that watch,
without signing in, so they name what is wrong in our own words: the words of a database or of Redis
may hold an address or a name.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, jsonify
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from qualz.database import db, newest_revision, present_revision
from qualz.media.storage import DiskFull, Storage
from qualz.settings import Settings

log = logging.getLogger(__name__)

# Seconds for which an answer is given again: whoever floods the address costs no more than one.
FRESH_FOR = 1.0
# Seconds that Redis has for an answer.
PATIENCE = 2.0
GOOD = "ok"


class NotReady(Exception):
    """One thing is not as it has to be; the message says how, and tells no secret."""


class Readiness:
    """What was found last; it is looked for anew after `fresh_for` seconds."""

    def __init__(self, app: Flask, fresh_for: float = FRESH_FOR) -> None:
        self.fresh_for = fresh_for
        self._settings: Settings = app.extensions["settings"]
        self._storage: Storage = app.extensions["storage"]
        self._offload: Callable[[Callable[[], Any]], Any] = app.extensions["offload"]
        self._found: dict[str, str] = {}
        self._found_at = -fresh_for

    def look(self) -> dict[str, str]:
        """By the name of each thing “ok”, or what is wrong with it."""
        if time.monotonic() - self._found_at >= self.fresh_for or not self._found:
            self._found = {name: _try(name, check) for name, check in self._checks().items()}
            self._found_at = time.monotonic()
        return self._found

    def _checks(self) -> dict[str, Callable[[], None]]:
        return {
            "database": _demand_database,
            "migrations": _demand_migrations,
            "redis": self._demand_redis,
            "storage": self._demand_storage,
        }

    def _demand_redis(self) -> None:
        url = self._settings.redis_url
        if url is None:
            raise NotReady("REDIS_URL is not set, so nobody is told that there is work")
        try:
            with Redis.from_url(
                url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE
            ) as redis:
                redis.ping()
        except (RedisError, OSError) as cause:
            raise NotReady("does not answer") from cause

    def _demand_storage(self) -> None:
        try:
            self._storage.demand_room(1)
            self._offload(self._write)
        except DiskFull as cause:
            raise NotReady("has no room left") from cause
        except OSError as cause:
            raise NotReady("cannot be written to") from cause

    def _write(self) -> None:
        with tempfile.NamedTemporaryFile(dir=self._storage.root, prefix=".ready-") as file:
            file.write(b"ready")
            file.flush()


def init_app(app: Flask) -> None:
    app.extensions["readiness"] = Readiness(app)
    app.add_url_rule("/readyz", "readyz", _answer)


def _answer() -> Response:
    readiness: Readiness = current_app.extensions["readiness"]
    found = readiness.look()
    is_ready = all(what == GOOD for what in found.values())
    answer = jsonify(status="ready" if is_ready else "not ready", **found)
    answer.status_code = 200 if is_ready else 503
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _try(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except NotReady as reason:
        log.warning("Not ready: the %s %s.", name, reason)
        return str(reason)
    return GOOD


def _demand_database() -> None:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as cause:
        db.session.rollback()
        raise NotReady("does not answer") from cause


def _demand_migrations() -> None:
    try:
        present = present_revision()
    except SQLAlchemyError as cause:
        db.session.rollback()
        raise NotReady("cannot be read; `qualz migrate` makes the tables") from cause
    if present != newest_revision():
        raise NotReady(f"at {present}, not {newest_revision()}; `qualz migrate` brings them there")
