"""What is written down, and about which interview.

As lines that people read, or with `QUALZ_LOG=json` as one JSON object a line, with the interview's
id through web requests, sockets' events and workers' jobs. It is the id that the database knows it
by, and opens nothing. An address is never written down, nor where a request came from: links are
secrets, and participants are nobody's business.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request

log = logging.getLogger(__name__)

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# As the database knows interviews; a link's token is longer.
AN_ID = re.compile(r"[\w-]{16,24}", re.ASCII)
# By these names addresses say which interview they are about.
NAMED = ("public_id", "interview_id")
# Asked for each second by each participant, or by a machine that watches.
QUIET = {"uploads.append", "room.beat", "static", "healthz", "readyz", "metrics"}
# Seconds after which one of those is worth a line all the same.
SLOW = 1.0
BEGAN = "qualz.began"

_about: ContextVar[Mapping[str, Any] | None] = ContextVar("about", default=None)


def begin(**known: Any) -> None:
    """What is written down from here on is about this, and nothing that came before. Whoever
    serves many, one after another, begins anew with each."""
    _about.set(known)


def about(**known: Any) -> None:
    """It is about this as well."""
    _about.set({**(_about.get() or {}), **known})


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **(getattr(record, "about", None) or {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(form: str) -> None:
    """Write to standard error in that form, “text” or “json”, unless somebody else has set it up.
    What a record is about is noted when it is made: who formats it may be elsewhere by then."""
    logging.setLogRecordFactory(_make)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(form == "json")


def for_gunicorn() -> dict[str, Any]:
    """The same for what it writes itself, in its own terms (`logconfig_dict`)."""
    lines = {"level": "INFO", "handlers": ["lines"]}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "qualz.logs.JsonLines"}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": lines,
        "loggers": {"gunicorn.error": {**lines, "propagate": False}},
    }


def _make(*args: Any, **named: Any) -> logging.LogRecord:
    record = logging.LogRecord(*args, **named)
    record.about = _about.get()
    return record


# ---- requests


def init_app(app: Flask) -> None:
    """In JSON each request gets a line, but for those that come all the time."""
    app.before_request(_begin)
    if app.extensions["settings"].log == "json":
        app.after_request(_tell)


def _begin() -> None:
    request.environ[BEGAN] = time.monotonic()
    begin(request=secrets.token_hex(4), endpoint=request.endpoint)
    named = request.view_args or {}
    for name in NAMED:
        if AN_ID.fullmatch(str(named.get(name, ""))):
            about(interview=named[name])


def _tell(response: Response) -> Response:
    seconds = time.monotonic() - request.environ.get(BEGAN, time.monotonic())
    told = {"method": request.method, "status": response.status_code, "ms": round(seconds * 1000)}
    is_quiet = request.endpoint in QUIET and response.status_code < 400 and seconds < SLOW
    before = _about.get()
    about(**told)
    log.log(logging.DEBUG if is_quiet else logging.INFO, "answered")
    _about.set(before)
    return response
