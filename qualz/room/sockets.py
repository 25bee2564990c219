"""Presence over Socket.IO: a hint that HTTP confirms."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, join_room

from qualz import broadcasts, presence
from qualz.database import db, lightly
from qualz.room import admission


class RoomNamespace(Namespace):  # type: ignore[misc]
    """One socket a tab. Admission is asked anew for each: a cookie may have been shut out."""

    def __init__(self, namespace: str) -> None:
        super().__init__(namespace)
        self._places: dict[str, tuple[str, str]] = {}

    def on_connect(self, auth: Any = None) -> None:
        auth = auth if isinstance(auth, dict) else {}
        try:
            interview = admission.interview_from(request.cookies, str(auth.get("interview", "")))
        except admission.NotAdmitted as cause:
            raise Refused("not admitted") from cause
        self._places[request.sid] = (interview.public_id, str(auth.get("place", ""))[:64])  # type: ignore[attr-defined]
        join_room(interview.public_id)

    def on_heartbeat(self, report: Any) -> dict[str, bool]:
        public_id, place = self._places[request.sid]  # type: ignore[attr-defined]
        try:
            interview = admission.interview_from(request.cookies, public_id)
        except admission.NotAdmitted:
            return {"here": False}
        lightly()
        was_away = not interview.is_present
        here = presence.beat(
            interview,
            place,
            presence.tidy(report if isinstance(report, dict) else {}),
            listening_since=current_app.extensions["listening_since"],
        )
        db.session.commit()
        if was_away:
            broadcasts.interview_changed(interview)
        return {"here": here}

    def on_disconnect(self, _reason: str | None = None) -> None:
        public_id, _place = self._places.pop(request.sid, ("", ""))  # type: ignore[attr-defined]
        try:
            broadcasts.interview_changed(admission.interview_from(request.cookies, public_id))
        except admission.NotAdmitted:
            return
