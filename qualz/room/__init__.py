"""The participants' side: from the link to the last byte."""

from __future__ import annotations

from flask import Blueprint, Flask
from flask_socketio import SocketIO
from flask_wtf.csrf import CSRFProtect

room = Blueprint("room", __name__)

from qualz.room import arrivals, endings, parts, sockets, turns, welcome  # noqa: E402


def init_app(app: Flask, csrf: CSRFProtect) -> None:
    # A tus client sends no form token. Its `Tus-Resumable` header cannot be set by another
    # site's page without asking first, and the participant's cookie is SameSite=Lax.
    csrf.exempt(parts.uploads)
    app.register_blueprint(room)
    app.register_blueprint(parts.uploads)


def register_sockets(sockets_: SocketIO) -> None:
    sockets_.on_namespace(sockets.RoomNamespace("/room"))


__all__ = ["arrivals", "endings", "init_app", "parts", "register_sockets", "turns", "welcome"]
