"""Keys: files with the deployment's own secrets, made at the first run, readable by their owner.

The first line is the key in use. Those below it were, and are still good for reading what was
made with them: without end, or through the day that stands behind them.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

SHORTEST = 32
NEVER = date.max


class KeyUnusable(Exception):
    """A file of keys that holds none; nobody knows what was made with those that it held."""


def kept(path: Path) -> tuple[str, ...]:
    """The key in use and then those that are still good. Raises `KeyUnusable`."""
    today = datetime.now(UTC).date()
    return tuple(key for key, until in _lines(path) if until >= today)


def put_in_front(path: Path, *, old_until: date = NEVER) -> None:
    """Make a new key; the one before stays good through that day. Whole or not at all."""
    before = _lines(path)
    old = [(key, min(until, old_until)) for key, until in before]
    _write(path, [(_new(), NEVER), *old])


def keep_first(path: Path) -> None:
    """Forget all keys but the one in use."""
    _write(path, _lines(path)[:1])


def write_privately(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(path)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # Without it a power failure may bring the former file back.
        os.fsync(folder)
    finally:
        os.close(folder)


def _new() -> str:
    return secrets.token_urlsafe(48)


def _lines(path: Path) -> list[tuple[str, date]]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = [_line(line) for line in path.read_text().splitlines() if line.strip()]
        if not found or any(len(key) < SHORTEST for key, _ in found):
            raise KeyUnusable(str(path)) from None
        return found
    key = _new()
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return [(key, NEVER)]


def _line(line: str) -> tuple[str, date]:
    key, _, until = line.strip().partition(" until ")
    return key, date.fromisoformat(until) if until else NEVER


def _write(path: Path, lines: Sequence[tuple[str, date]]) -> None:
    told = [key if until == NEVER else f"{key} until {until}" for key, until in lines]
    write_privately(path, "\n".join(told) + "\n")
