"""The application: everything is chosen and tied together here, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import socketio
from flask import Flask, request
from flask_socketio import SocketIO
from flask_wtf.csrf import CSRFProtect
from gevent import get_hub, monkey
from htmx_flask import Htmx

from qualz import background, clock, dashboard, pages, room
from qualz.database import db
from qualz.media.ffmpeg import FFmpeg
from qualz.media.storage import Storage
from qualz.moderator import Moderator, ScriptedModerator
from qualz.settings import MEBIBYTE, Settings
from qualz.tools import find_ffmpeg

ROOT = Path(__file__).resolve().parent.parent
CHANNEL = "qualz"
T = TypeVar("T")

csrf = CSRFProtect()


class Application(Flask):
    """Flask, but for what it would write down of an address: those of links are secrets."""

    def log_exception(self, exc_info: Any) -> None:
        self.logger.error("%s failed", request.endpoint or "A request", exc_info=exc_info)


def create_app(settings: Settings | None = None, *, moderator: Moderator | None = None) -> Flask:
    """The web application, as `app.py` serves it and tests ask it."""
    app = create_core(settings, moderator=moderator)
    settings = app.extensions["settings"]
    app.config.update(
        MAX_CONTENT_LENGTH=MEBIBYTE,
        SESSION_COOKIE_NAME="qualz",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_behind_tls,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=settings.is_behind_tls,
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    csrf.init_app(app)
    Htmx(app)
    pages.init_app(app)
    dashboard.init_app(app)
    room.init_app(app, csrf)
    app.extensions["speaker"] = _listen(app, settings)
    return app


def create_core(settings: Settings | None = None, *, moderator: Moderator | None = None) -> Flask:
    """What the web, the worker and the commands share: the domain and what it stands on."""
    settings = settings or Settings.from_env()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = Application(
        "qualz",
        root_path=str(ROOT / "qualz"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        # What people said, and the tokens of links, are parameters: no error may write them down.
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True, "pool_size": 10, "max_overflow": 20},
        TESTING=settings.testing,
    )
    db.init_app(app)
    settings.media.mkdir(parents=True, exist_ok=True)
    app.extensions.update(
        settings=settings,
        listening_since=clock.now(),
        offload=_offload(),
        storage=Storage(settings.media, offload=_offload()),
        queue=background.connect(settings.redis_url),
        moderator=moderator or ScriptedModerator(),
        speaker=_write_only_speaker(settings),
    )
    if ffmpeg := settings.ffmpeg or find_ffmpeg():
        app.extensions["ffmpeg"] = FFmpeg(binary=ffmpeg)
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
            socketio.RedisManager(settings.redis_url, channel=CHANNEL)
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


def _write_only_speaker(settings: Settings) -> Any:
    """How a worker or a command tells the web's sockets something."""
    if settings.redis_url is None:
        return _Silence()
    return socketio.RedisManager(settings.redis_url, channel=CHANNEL, write_only=True)


class _Silence:
    """Where there is no message queue, nobody is told."""

    def emit(self, *_args: object, **_named: object) -> None:
        pass


def _offload() -> Callable[[Callable[[], T]], T]:
    """Where greenlets share one thread, the disk is waited for on another."""
    if not monkey.is_module_patched("socket"):
        return lambda work: work()

    def offload(work: Callable[[], T]) -> T:
        done: T | Exception = get_hub().threadpool.apply(_outcome, (work,))
        if isinstance(done, Exception):
            raise done
        return done

    return offload


def _outcome(work: Callable[[], T]) -> T | Exception:
    """What it answers or raises: of what is raised in its pool gevent writes a traceback."""
    try:
        return work()
    except Exception as cause:
        return cause
