"""Parcels: a ZIP file written piece by piece, with a list of all that is in it.

Nothing of it is held in memory but the names: a file is read and written by the megabyte, and the
list grows in a file of its own until it goes in last.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

PIECE = 1024 * 1024
# What is compressed already is only stored.
EARLIEST = (1980, 1, 1, 0, 0, 0)


class Parcel:
    """Use it in a `with`; it is whole once `close` was called."""

    def __init__(self, path: Path, on_bytes: Callable[[int], None] = lambda count: None) -> None:
        self._zip = zipfile.ZipFile(path, "w", allowZip64=True)
        self._list = path.with_name(f"{path.name}.list").open("w+", encoding="utf-8")
        self._on_bytes = on_bytes
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._list.close()
        if kind is None:
            self._zip.close()
        elif self._zip.fp is not None:
            # What was given up need not be finished, and a full disk could not be written to.
            self._zip.fp.close()
            self._zip.fp = None

    def add(self, name: str, data: bytes, *, at: datetime, **known: Any) -> None:
        """A small file, compressed. `known` is what the list tells of it."""
        self.copy(name, io.BytesIO(data), at=at, is_media=False, **known)

    def copy(
        self,
        name: str,
        source: BinaryIO,
        *,
        at: datetime,
        most: int | None = None,
        is_media: bool = True,
        **known: Any,
    ) -> None:
        """All of a file, or its first `most` bytes, into the ZIP and with its hash on the list."""
        digest, count = hashlib.sha256(), 0
        info = _info(name, at, zipfile.ZIP_STORED if is_media else zipfile.ZIP_DEFLATED)
        with self._zip.open(info, "w", force_zip64=True) as out:
            while data := source.read(PIECE if most is None else min(PIECE, most - count)):
                out.write(data)
                digest.update(data)
                count += len(data)
                self._on_bytes(len(data))
        self._note({"name": name, "bytes": count, "sha256": digest.hexdigest(), **known})

    def leave_out(self, name: str, **known: Any) -> None:
        """Say on the list what is not there, and why."""
        self._note({"name": name, "left_out": True, **known})

    def enclose_list(self, name: str, head: dict[str, Any], *, at: datetime) -> None:
        """The list as JSON: `head`, and below `files` an entry for each. Nothing goes in after."""
        self._list.seek(0)
        opening = json.dumps(head, ensure_ascii=False, indent=1).rstrip("}\n ")
        with self._zip.open(_info(name, at, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as out:
            out.write(f'{opening},\n "files": [\n'.encode())
            while text := self._list.read(PIECE):
                out.write(text.encode())
            out.write(b"\n ]\n}\n")

    def _note(self, entry: dict[str, Any]) -> None:
        self._list.write(",\n" if self.count else "")
        self._list.write(f"  {json.dumps(entry, ensure_ascii=False)}")
        self.count += 1


def _info(name: str, at: datetime, how: int) -> zipfile.ZipInfo:
    moment = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    info = zipfile.ZipInfo(name, max(moment, EARLIEST))
    info.compress_type = how
    info.external_attr = 0o644 << 16
    return info
