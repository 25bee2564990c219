"""The least that could be done: what Qualz is measured beside, on the same worker and settings.

`gunicorn --config python:qualz.processes.gunicorn_conf tests.bench.bare:app`
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_socketio import SocketIO
from gevent import get_hub

app = Flask(__name__)
folder = Path(os.environ["QUALZ_DATA"])
sockets = SocketIO(
    app,
    async_mode="gevent",
    transports=["websocket"],
    ping_interval=2,
    ping_timeout=3,
    manage_session=False,
    cors_allowed_origins="*",
)


@app.get("/healthz")
def well() -> str:
    return "well"


@app.patch("/read/<_name>")
def read(_name: str) -> tuple[str, int]:
    """The upper bound: takes the bytes and forgets them."""
    request.get_data()
    return "", 204


@app.patch("/kept/<name>")
def keep(name: str) -> tuple[str, int]:
    """The fair bound: takes the bytes and makes them durable, on another thread as Qualz does."""
    data = request.get_data()
    get_hub().threadpool.apply(_append, (folder / name, data))
    return "", 204


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@sockets.on("heartbeat", namespace="/room")
def hear(_report: Any) -> dict[str, bool]:
    return {"here": True}


@sockets.on("connect", namespace="/room")
def admit(_auth: Any = None) -> None:
    """Whoever comes is let in."""
