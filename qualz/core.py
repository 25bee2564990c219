"""The core: the domain and what it stands on, as the web, the workers and the commands share it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import socketio
from flask import Flask, request
from gevent import get_hub, monkey

# Every table has to be known before the first row of any is asked for.
from qualz import (  # noqa: F401
    api_token,
    audit_entry,
    background,
    bundle,
    clock,
    comment,
    counting,
    deletion,
    delivery,
    excerpt,
    export,
    hearing,
    identity,
    letter,
    logs,
    mail,
    merge,
    notification,
    personal_link,
    receipt,
    rendition,
    search,
    second_factor,
    sign_in,
    team_invitation,
)
from qualz.ai.hearing import Listener
from qualz.counts import Counts
from qualz.courier import Courier
from qualz.database import db
from qualz.listeners import Listeners
from qualz.media.ffmpeg import FFmpeg
from qualz.media.shelf import Shelf, whole_digest
from qualz.media.shelved import ShelvedStorage
from qualz.media.storage import Storage
from qualz.moderator import Moderator
from qualz.moderators import Moderators
from qualz.post_office import PostOffice
from qualz.settings import Settings, SettingsError
from qualz.speech import Speech
from qualz.tools import find_ffmpeg
from qualz.vault import Vault
from qualz.voices import Voices

ROOT = Path(__file__).resolve().parent.parent
CHANNEL = "qualz"
T = TypeVar("T")


class Application(Flask):
    """Flask, but for what it would write down of an address: those of links are secrets."""

    def log_exception(self, exc_info: Any) -> None:
        self.logger.error("%s failed", request.endpoint or "A request", exc_info=exc_info)


def create_core(
    settings: Settings | None = None,
    *,
    moderator: Moderator | None = None,
    listener: Listener | None = None,
) -> Flask:
    """What the web, the worker and the commands share: the domain and what it stands on."""
    settings = settings or Settings.from_env()
    logs.set_up(settings.log)
    # It writes down every address that it asks, and an address can hold a password.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    app = Application(
        "qualz",
        root_path=str(ROOT / "qualz"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.old_secret_keys),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        # What people said, and the tokens of links, are parameters: no error may write them down.
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True, "pool_size": 10, "max_overflow": 20},
        TESTING=settings.testing,
    )
    db.init_app(app)
    settings.media.mkdir(parents=True, exist_ok=True)
    vault = Vault(settings.secrets, settings.vault_keys)
    storage = _storage(settings)
    app.extensions.update(
        settings=settings,
        listening_since=clock.now(),
        offload=_offload(),
        storage=storage,
        queue=background.connect(settings.redis_url),
        counts=Counts(settings.redis_url),
        vault=vault,
        moderators=Moderators(vault, always=moderator),
        listeners=Listeners(settings, vault, always=listener),
        voices=Voices(settings, vault),
        speaker=_write_only_speaker(settings),
        courier=Courier(local=settings.webhooks_local),
        post=PostOffice(settings.smtp_url, settings.mail_from) if settings.smtp_url else None,
    )
    if binary := settings.ffmpeg or find_ffmpeg():
        app.extensions["ffmpeg"] = FFmpeg(binary=binary)
    app.extensions["speech"] = Speech(
        # What was said is made anew where it is missing, so each machine keeps its own.
        Storage(settings.media, offload=_offload()),
        app.extensions.get("ffmpeg"),
    )
    return app


def _storage(settings: Settings) -> Storage:
    if settings.s3_bucket is None:
        return Storage(settings.media, offload=_offload())
    offload = _offload()
    try:
        shelf = Shelf(
            settings.s3_bucket,
            endpoint=settings.s3_endpoint,
            prefix=settings.s3_prefix,
            digest=lambda path: offload(lambda: whole_digest(path)),
        )
    except ImportError:
        raise SettingsError(
            "QUALZ_S3_BUCKET is set, and boto3 is not installed: pip install '.[s3]'."
        ) from None
    return ShelvedStorage(settings.media, shelf, offload=offload)


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
