"""The manifest of a backup: what is in it, to the byte, and what it was made of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from qualz.backups.problem import NotABackup

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: its name, its length in bytes, its SHA-256, and when it was last written to, in
    nanoseconds since 1970."""

    name: str
    bytes: int
    sha256: str
    written: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """`gone` names files that somebody deleted while the backup was made, `short` those that had
    fewer bytes than the database knew of."""

    made_at: str
    version: str
    migration: str
    database: str  # by its SQLAlchemy name: sqlite or postgresql
    entries: list[Entry] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    short: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(entry.bytes for entry in self.entries)

    def as_bytes(self) -> bytes:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Manifest:
        """Raises `NotABackup`."""
        try:
            told = json.loads(text)
            if told.pop("format") != FORMAT:
                raise NotABackup("It was made by a newer Qualz. Install that one and try again.")
            entries = [Entry(**one) for one in told.pop("entries")]
            read = cls(entries=entries, **told)
            _check(read)
        except (ValueError, TypeError, KeyError, AttributeError) as cause:
            raise NotABackup(f"Its {NAME} cannot be read. Take another backup.") from cause
        return read


def _check(read: Manifest) -> None:
    """What is in it decides where files are written. Raises `ValueError`."""
    texts: list[Any] = [read.made_at, read.version, read.migration, read.database]
    for entry in read.entries:
        texts += [entry.name, entry.sha256]
        path = PurePosixPath(entry.name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in entry.name:
            raise ValueError(entry.name)
        if not isinstance(entry.bytes, int) or entry.bytes < 0:
            raise ValueError(entry.name)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a word is missing")
