"""The Redis that Qualz brings where none is named: on a socket of its own, with no files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

# A socket's path may have 107 bytes on Linux and 103 elsewhere.
LONGEST_PATH = 100


@contextmanager
def socket_path(folder: Path) -> Iterator[Path]:
    """Where the socket goes: into `folder`, or where its path would be too long, elsewhere."""
    path = folder / "redis.sock"
    if len(bytes(path)) <= LONGEST_PATH:
        yield path
        return
    private = Path(tempfile.mkdtemp(prefix="qualz-"))
    try:
        yield private / "redis.sock"
    finally:
        shutil.rmtree(private, ignore_errors=True)


def command(server: Path, socket: Path) -> list[str]:
    """A Redis that nobody but us can reach and that keeps nothing: the database is the truth."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "dir": str(socket.parent),
        "daemonize": "no",
        "always-show-logo": "no",
    }
    return [
        str(server),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


def url(socket: Path) -> str:
    return f"unix://{quote(str(socket))}"


def answers(redis_url: str) -> bool:
    try:
        with Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=2) as redis:
            return bool(redis.ping())
    except (RedisError, OSError):
        return False
