"""Presence over Socket.IO: a hint that HTTP confirms."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, join_room

from qualz import broadcasts, logs
from qualz.errors import InterviewWithdrawn
from qualz.room import admission
from qualz.room.heartbeats import hear


class RoomNamespace(Namespace):  # type: ignore[misc]
    """One socket a tab. Admission is asked anew for each: a cookie may have been shut out."""

    def __init__(self, namespace: str) -> None:
        super().__init__(namespace)
        self._places: dict[str, tuple[str, str]] = {}

    def on_connect(self, auth: Any = None) -> None:
        logs.begin(event="connect")
        auth = auth if isinstance(auth, dict) else {}
        try:
            interview = admission.interview_from(request.cookies, str(auth.get("interview", "")))
        except (admission.NotAdmitted, InterviewWithdrawn) as cause:
            raise Refused("not admitted") from cause
        logs.about(interview=interview.public_id)
        self._places[request.sid] = (interview.public_id, str(auth.get("place", ""))[:64])  # type: ignore[attr-defined]
        join_room(interview.public_id)

    def on_heartbeat(self, report: Any) -> dict[str, bool]:
        # A heartbeat may overtake the end of its own socket.
        public_id, place = self._places.get(request.sid, ("", ""))  # type: ignore[attr-defined]
        logs.begin(event="heartbeat", interview=public_id)
        try:
            return {"here": hear(public_id, place, report if isinstance(report, dict) else {})}
        except (admission.NotAdmitted, InterviewWithdrawn):
            return {"here": False}

    def on_disconnect(self, _reason: str | None = None) -> None:
        public_id, _place = self._places.pop(request.sid, ("", ""))  # type: ignore[attr-defined]
        logs.begin(event="disconnect", interview=public_id)
        try:
            broadcasts.interview_changed(admission.interview_from(request.cookies, public_id))
        except (admission.NotAdmitted, InterviewWithdrawn):
            return
