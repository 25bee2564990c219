"""The web application: the core with both sides, pages and sockets on it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import socketio
from flask import Flask
from flask_socketio import SocketIO
from flask_wtf.csrf import CSRFProtect
from htmx_flask import Htmx
from werkzeug.middleware.proxy_fix import ProxyFix

from qualz import (
    api,
    auditing,
    dashboard,
    limits,
    logs,
    metrics,
    page_language,
    pages,
    readiness,
    room,
    scripts,
)
from qualz.ai.hearing import Listener
from qualz.core import CHANNEL, create_core
from qualz.moderator import Moderator
from qualz.settings import MEBIBYTE, Settings
from qualz.switchboard import Switchboard

csrf = CSRFProtect()
# Participants' pages have something in it too; who is signed in with it is the server's to say.
COOKIE = timedelta(weeks=2)


def create_app(
    settings: Settings | None = None,
    *,
    moderator: Moderator | None = None,
    listener: Listener | None = None,
) -> Flask:
    """The web application, as `app.py` serves it and tests ask it."""
    app = create_core(settings, moderator=moderator, listener=listener)
    settings = app.extensions["settings"]
    app.config.update(
        MAX_CONTENT_LENGTH=MEBIBYTE,
        # Browsers take a name like this from this very host over TLS alone, and for all of it.
        SESSION_COOKIE_NAME="__Host-qualz" if settings.is_behind_tls else "qualz",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_behind_tls,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=settings.is_behind_tls,
        PERMANENT_SESSION_LIFETIME=max(COOKIE, settings.sign_in_idle),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    logs.init_app(app)
    csrf.init_app(app)
    Htmx(app)
    page_language.init_app(app)
    pages.init_app(app)
    readiness.init_app(app)
    metrics.init_app(app)
    scripts.init_app(app)
    limits.init_app(app)
    dashboard.init_app(app)
    api.init_app(app)
    room.init_app(app, csrf)
    auditing.init_app(app)
    app.extensions["speaker"] = _listen(app, settings)
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0
        )
    return app


def _listen(app: Flask, settings: Settings) -> SocketIO:
    """The web's sockets: WebSocket only, so that no proxy has to route by session."""
    sockets = SocketIO(
        app,
        async_mode="gevent",
        transports=["websocket"],
        cors_allowed_origins=partial(_is_our_own, settings.address),
        ping_interval=2,
        ping_timeout=3,
        client_manager=(
            Switchboard(settings.redis_url, channel=CHANNEL)
            if settings.redis_url
            else socketio.Manager()
        ),
        manage_session=False,
        logger=False,
        engineio_logger=False,
    )
    room.register_sockets(sockets)
    dashboard.register_sockets(sockets)
    return sockets


def _is_our_own(address: str, origin: str, environ: dict[str, Any]) -> bool:
    """Whether a page that opens a socket is ours. Behind a proxy the scheme seen here is http."""
    host = environ.get("HTTP_HOST", "")
    return origin in (address, f"http://{host}", f"https://{host}")
