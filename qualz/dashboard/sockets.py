"""The workplace's socket: says that an interview changed, so that the page asks sooner."""

from __future__ import annotations

from typing import Any

from flask_login import current_user
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, join_room

from qualz.dashboard.access import find_study
from qualz.errors import NotFound


class WorkplaceNamespace(Namespace):  # type: ignore[misc]
    """Admits by the same session and the same look-up as the pages do."""

    def on_connect(self, auth: Any = None) -> None:
        study_id = str(auth.get("study", "")) if isinstance(auth, dict) else ""
        if not current_user.is_authenticated:
            raise Refused("not signed in")
        try:
            join_room(find_study(study_id).public_id)
        except NotFound as cause:
            raise Refused("no such study") from cause
