"""One Qualz a data folder: a lock that names who holds it, and a port that is free."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qualz.settings import Settings


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs Qualz on a data folder; unknown for the moment in which it takes the lock."""

    pid: int | None
    address: str | None


class AlreadyRunning(Exception):
    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        super().__init__(
            f"Qualz is already running at {holder.address or 'an address not yet known'} "
            f"(process {holder.pid or 'unknown'}). Stop it with Ctrl-C there."
        )


class PortUnavailable(Exception):
    """Nobody can listen there; the message says which setting to change."""


def lock_path(settings: Settings) -> Path:
    return settings.data / "run" / "qualz.lock"


@contextmanager
def sole_instance(settings: Settings) -> Iterator[None]:
    """Hold the data folder's lock, or raise `AlreadyRunning`.

    The kernel gives the lock back when its holder dies, so none is ever stale.
    """
    path = lock_path(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = _lock(path)
    try:
        os.write(descriptor, json.dumps({"pid": os.getpid(), "address": settings.address}).encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _lock(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunning(_read(path)) from None
        # Its former holder may have removed the file between our opening and our locking it.
        if _is_at(path, descriptor):
            os.truncate(descriptor, 0)
            return descriptor
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def running(settings: Settings) -> Holder | None:
    """Who runs Qualz on this data folder now, if anybody does."""
    try:
        with lock_path(settings).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(lock_path(settings))
    except OSError:
        return None
    return None


def _read(path: Path) -> Holder:
    try:
        kept = json.loads(path.read_text())
        return Holder(pid=kept["pid"], address=kept["address"])
    except (OSError, ValueError, KeyError):
        return Holder(pid=None, address=None)


def check_port(settings: Settings) -> None:
    """Raise `PortUnavailable` where the web server could not listen."""
    host, port = settings.host, settings.port
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        raise PortUnavailable(f"QUALZ_HOST: there is no host “{host}”.") from None
    except (OSError, OverflowError) as cause:
        raise PortUnavailable(_why_not(cause, host, port)) from None


def _why_not(cause: Exception, host: str, port: int) -> str:
    number = getattr(cause, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} is taken by another program. "
            f"Choose another one, for instance PORT={port + 1}."
        )
    if number == errno.EACCES:
        return f"Port {port} is reserved for the administrator. Choose one above 1023 in PORT."
    if number == errno.EADDRNOTAVAIL:
        return f"QUALZ_HOST: this machine has no address “{host}”."
    return f"PORT={port} cannot be listened on: {cause}."
