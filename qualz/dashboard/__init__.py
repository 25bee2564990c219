"""The researchers' side: studies, their set-up, and what participants said."""

from __future__ import annotations

from flask import Blueprint, Flask
from flask_socketio import SocketIO

dashboard = Blueprint("dashboard", __name__)

from qualz.dashboard import (  # noqa: E402
    accounts,
    chips,
    drafts,
    invitations,
    media,
    merges,
    presences,
    recordings,
    resume_links,
    set_ups,
    sockets,
    studies,
    transcripts,
)


def init_app(app: Flask) -> None:
    accounts.login_manager.init_app(app)
    app.register_blueprint(dashboard)
    app.jinja_env.globals.update(in_words=recordings.in_words)


def register_sockets(sockets_: SocketIO) -> None:
    sockets_.on_namespace(sockets.WorkplaceNamespace("/workplace"))


__all__ = [
    "accounts",
    "chips",
    "drafts",
    "init_app",
    "invitations",
    "media",
    "merges",
    "presences",
    "recordings",
    "register_sockets",
    "resume_links",
    "set_ups",
    "studies",
    "transcripts",
]
