"""The switchboard: how the sockets of several web processes hear of each other, through Redis.

python-socketio sends to a room whoever holds it, and closes a socket by its name wherever it is;
but only the process that holds a socket knows its name. Here all who are in a room are hung up on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import socketio
from flask import current_app
from redis.exceptions import RedisError

from qualz import clock
from qualz.counts import Counts

ROOM = "room"
# The moment at which a web process was last seen to end.
ENDED = "web-ended"


class Switchboard(socketio.RedisManager):  # type: ignore[misc]
    def hang_up(self, namespace: str, room: str) -> None:
        """Close the sockets that are in that room, here and in all other processes."""
        message = {"method": "disconnect", "namespace": namespace, ROOM: room}
        self._handle_disconnect(message)
        self._publish({**message, "host_id": self.host_id})

    def _handle_disconnect(self, message: dict[str, Any]) -> None:
        if ROOM in message:
            _close_all(self.server, message["namespace"], message[ROOM])
        else:
            super()._handle_disconnect(message)


def hang_up(server: Any, namespace: str, room: str) -> None:
    if isinstance(server.manager, Switchboard):
        server.manager.hang_up(namespace, room)
    else:
        # Where there is no Redis there is one process.
        _close_all(server, namespace, room)


def listening_since() -> datetime:
    """Since when all of the web processes have been there: a participant whose own died comes back
    to another one, which was there all the time."""
    own: datetime = current_app.extensions["listening_since"]
    if current_app.extensions["settings"].web == 1:
        return own
    counts: Counts = current_app.extensions["counts"]
    try:
        ended = counts.marked(ENDED)
    except (RedisError, OSError):
        return own
    return max(own, datetime.fromtimestamp(ended, UTC)) if ended else own


def note_end(redis_url: str) -> None:
    """A web process has ended, however. Called by whoever watches over them."""
    Counts(redis_url).mark(ENDED, clock.now().timestamp())


def _close_all(server: Any, namespace: str, room: str) -> None:
    for held, _ in list(server.manager.get_participants(namespace, room)):
        server.disconnect(held, namespace=namespace, ignore_queue=True)
