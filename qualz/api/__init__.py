"""The API: studies, interviews and recordings for other programs to read, with a token."""

from __future__ import annotations

from flask import Blueprint, Flask

api = Blueprint("api", __name__, url_prefix="/api/v1")

from qualz.api import access, description, interviews, recordings, studies  # noqa: E402


def init_app(app: Flask) -> None:
    app.register_blueprint(api)


__all__ = ["access", "description", "init_app", "interviews", "recordings", "studies"]
