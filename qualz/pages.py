"""What all pages share: headers, filters, icons, and how refusals are answered."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from datetime import datetime
from functools import cache
from pathlib import Path

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from qualz import clock
from qualz.database import db
from qualz.errors import Elsewhere, QualzError, TooManyTries
from qualz.media.shelf import OutOfReach
from qualz.media.storage import DiskFull, Storage
from qualz.sending import send
from qualz.wording import told

log = logging.getLogger(__name__)

# In seconds: a year, which is what caches take for ever.
FOR_GOOD = 365 * 24 * 3600
# What is below it is read by other programs, not by people.
API = "/api/"
_NOBODY = "'none'"
NOTHING = "camera=(), microphone=(), geolocation=(), display-capture=()"


def init_app(app: Flask) -> None:
    app.before_request(_choose_nonce)
    app.after_request(_set_headers)
    app.register_error_handler(QualzError, _refuse)
    app.register_error_handler(DiskFull, _refuse_for_want_of_room)
    app.register_error_handler(OutOfReach, _refuse_for_now)
    app.register_error_handler(OperationalError, _refuse_if_there_is_no_room)
    app.register_error_handler(HTTPException, _fail)
    app.add_url_rule("/healthz", "healthz", lambda: ("ok", 200, {"Content-Type": "text/plain"}))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(icon_svg=icon_svg)
    app.jinja_env.filters.update(
        ago=ago, exact=exact, clock=clock_time, percent=percent, size=size, until=until
    )
    app.context_processor(lambda: {"csp_nonce": g.get("csp_nonce", "")})
    settings = app.extensions["settings"]
    app.jinja_env.globals.update(contact=settings.contact, contact_link=settings.contact_link)


def allow_devices(*, camera: bool) -> None:
    """Let this answer's page ask for the microphone, and the camera where the study has one."""
    g.permissions = NOTHING.replace("microphone=()", "microphone=(self)")
    if camera:
        g.permissions = g.permissions.replace("camera=()", "camera=(self)")


def allow_frames(ancestors: str) -> None:
    """Let this answer's page be shown inside others: of these origins, as a policy names them."""
    g.frame_ancestors = ancestors


def send_for_good(name: str, mime_type: str | None) -> Response:
    """A file of the storage that is called by what is in it, so that it never changes."""
    response = send(name, mime_type, max_age=FOR_GOOD)
    response.cache_control.private = True
    response.cache_control.public = False
    response.cache_control.immutable = True
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Opened on its own, it is a picture and nothing that runs.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def send_media(file: str, content_type: str, name: str | None = None) -> Response:
    """A recording, whole or by ranges: to play, or to keep under a name."""
    response = send(file, content_type, download_name=name)
    response.cache_control.private = True
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def hide_address() -> None:
    """Links of participants are secrets: their pages send no referrer and are not stored."""
    g.referrer = "no-referrer"


def _choose_nonce() -> None:
    g.csp_nonce = secrets.token_urlsafe(16)
    # Requests may share what Flask calls `g`, as those of a test do.
    for name in ("frame_ancestors", "permissions", "referrer"):
        g.pop(name, None)
    if "token" in (request.view_args or {}):
        hide_address()


def _set_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; "
        f"script-src 'self' 'nonce-{g.get('csp_nonce', '')}'; "
        "style-src 'self'; img-src 'self' data:; font-src 'self'; media-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors {g.get('frame_ancestors', _NOBODY)}",
    )
    headers.setdefault("Permissions-Policy", g.get("permissions", NOTHING))
    headers.setdefault("Referrer-Policy", g.get("referrer", "same-origin"))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype == "text/html":
        headers.setdefault("Cache-Control", "no-store")
    if current_app.extensions["settings"].is_behind_tls:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


# ---- refusals

TITLES = {
    400: told("That did not go through"),
    403: told("This is not open to you"),
    404: told("There is nothing here"),
    405: told("That cannot be done here"),
    409: told("Not as things are now"),
    410: told("No longer here"),
    413: told("That is too large"),
    429: told("Please wait a moment"),
    503: told("Please wait a moment"),
    507: told("The server has no room left"),
}
ADVICE = {
    400: told("Go back, reload the page and try once more."),
    403: told("Ask whoever sent you here for a fresh link."),
    404: told("The address may be incomplete. Check it, or go back to where you came from."),
    500: told("Something broke on our side and has been written down. Try once more in a moment."),
    503: told("The store of recordings does not answer. Nothing is lost. Try again in a minute."),
    507: told(
        "The server's disk is full, so this was not kept. Everything before it is safe. Keep this "
        "page open, tell the research team, and try again when they have made room."
    ),
}
# With less than this a database fails in other words too, such as that it cannot make a file.
NO_ROOM = 1024 * 1024


def wants_page() -> bool:
    """Whether a refusal is read by a person, and not by a page's script or a tus client."""
    accepted = request.accept_mimetypes
    by_script = request.is_json or "Tus-Resumable" in request.headers
    return not by_script and (accepted.accept_html or not accepted)


def _refuse(error: QualzError) -> ResponseReturnValue:
    answer = current_app.make_response(_answer(error.status, type(error).__name__, str(error)))
    if isinstance(error, TooManyTries | Elsewhere):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _refuse_for_now(error: OutOfReach) -> ResponseReturnValue:
    log.error("The store of recordings is out of reach: %s", error)
    db.session.rollback()
    answer = current_app.make_response(_answer(503, OutOfReach.__name__, ADVICE[503]))
    answer.headers["Retry-After"] = str(Elsewhere.retry_after)
    return answer


def _refuse_for_want_of_room(_error: DiskFull | OperationalError) -> ResponseReturnValue:
    # By its name: the address may hold a secret.
    log.error("There is no room left on the disk: %s was refused.", request.endpoint)
    return _answer(507, DiskFull.__name__, ADVICE[507])


def _refuse_if_there_is_no_room(error: OperationalError) -> ResponseReturnValue:
    storage: Storage = current_app.extensions["storage"]
    if not (_says_disk_full(error) or storage.free_bytes() < NO_ROOM):
        raise error
    db.session.rollback()
    return _refuse_for_want_of_room(error)


def _says_disk_full(error: OperationalError) -> bool:
    """In the words of SQLite and of PostgreSQL."""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    # The lowest byte is the kind of error, the rest tells more of it.
    return code & 0xFF == sqlite3.SQLITE_FULL or getattr(error.orig, "sqlstate", "") == "53100"


def _fail(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    status = error.code or 500
    if isinstance(error, CSRFError):
        text = told("This page was open for too long. Go back, reload it and try once more.")
    else:
        text = ADVICE.get(status, error.description or ADVICE[500])
    return _answer(status, type(error).__name__, text)


def _problem(status: int, text: str) -> Response:
    """A refusal for another program, by RFC 9457."""
    phrase = HTTP_STATUS_CODES.get(status, "Error")
    told = jsonify(type="about:blank", title=phrase, status=status, detail=str(text))
    told.status_code = status
    told.mimetype = "application/problem+json"
    told.headers["Cache-Control"] = "no-store"
    if status == 401:
        told.headers["WWW-Authenticate"] = 'Bearer realm="qualz"'
    return told


def _answer(status: int, kind: str, text: str) -> ResponseReturnValue:
    if request.path.startswith(API):
        return _problem(status, text)
    if not wants_page():
        return jsonify(error=kind, message=text), status
    title = TITLES.get(status, told("Something broke on our side"))
    page = render_template(
        "shared/refusal.html", title=_(title), text=text and _(text), status=status
    )
    return page, status


# ---- icons and words


@cache
def _svg(static: str, name: str) -> Markup:
    text = (Path(static) / "vendor" / "icons" / f"{name}.svg").read_text()
    svg = text[text.index("<svg") :]
    return Markup(svg.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1))  # nosec B704 # an SVG of ours


def icon_svg(name: str) -> Markup:
    """An icon of the set in static/vendor/icons, inline, hidden from screen readers."""
    return _svg(current_app.static_folder or "", name)


def exact(moment: datetime | None) -> str:
    return moment.strftime("%-d %b %Y, %H:%M UTC") if moment else ""


def ago(moment: datetime | None) -> str:
    """How long ago, in words: “just now”, “5 min ago”, “yesterday”, “3 Nov 2026”."""
    if moment is None:
        return "never"
    seconds = (clock.now() - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h ago"
    days = int(seconds // 86400)
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 7 else moment.strftime("%-d %b %Y")


def until(moment: datetime) -> str:
    """How long from now, in words: “in 6 days”, “in 3 h”."""
    seconds = (moment - clock.now()).total_seconds()
    if seconds <= 0:
        return "now"
    if seconds < 3600:
        return f"in {int(seconds // 60) + 1} min"
    if seconds < 2 * 86400:
        return f"in {round(seconds / 3600)} h"
    return f"in {round(seconds / 86400)} days"


def clock_time(seconds: float | None) -> str:
    """Seconds as people read a player's clock: “0:47”, “12:41”, “1:02:03”."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def percent(share: float) -> str:
    return f"{int(share * 100)} %"


def size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
