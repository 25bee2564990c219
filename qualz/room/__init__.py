"""The participants' side: from the link to the last byte."""

from __future__ import annotations

from flask import Blueprint, Flask
from flask_socketio import SocketIO
from flask_wtf.csrf import CSRFProtect

room = Blueprint("room", __name__)

from qualz.room import (  # noqa: E402
    answers,
    arrivals,
    captions,
    endings,
    frames,
    parts,
    personal_links,
    sockets,
    speech,
    stimuli,
    turns,
    welcome,
)


def init_app(app: Flask, csrf: CSRFProtect) -> None:
    # A tus client sends no form token. Its `Tus-Resumable` header cannot be set by another
    # site's page without asking first.
    csrf.exempt(parts.uploads)
    # It asks for itself; see `frames`.
    csrf.exempt(room)
    app.register_blueprint(room)
    app.register_blueprint(parts.uploads)


def register_sockets(sockets_: SocketIO) -> None:
    sockets_.on_namespace(sockets.RoomNamespace("/room"))


__all__ = [
    "answers",
    "arrivals",
    "captions",
    "endings",
    "frames",
    "init_app",
    "parts",
    "personal_links",
    "register_sockets",
    "speech",
    "stimuli",
    "turns",
    "welcome",
]
