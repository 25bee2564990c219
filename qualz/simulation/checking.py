"""Was it kept? Every byte that the server stored is held against what was recorded."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import urlsplit

from qualz.part import file_of
from qualz.recording import folder_of
from qualz.simulation.participant import Participant
from qualz.simulation.uplink import Part


class Shelf(Protocol):
    """Where the server's parts can be read."""

    name: str

    def open(self, interview: str, part: Part) -> IO[bytes] | http.client.HTTPResponse | None:
        """None where there is nothing of it."""
        ...


@dataclass
class Folder:
    """The storage itself, where the server is on this machine."""

    media: Path
    name: str = "the storage of this machine"

    def open(self, interview: str, part: Part) -> IO[bytes] | None:
        name = file_of(folder_of(interview), part.number, part.name, part.reported_type)
        try:
            return (self.media / name).open("rb")
        except FileNotFoundError:
            return None


class Api:
    """What the API hands out to whoever shows a token."""

    name = "the API"

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        self._connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(
                host, port, timeout=60, context=ssl.create_default_context()
            )
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=60)
        )
        self._headers = {"Authorization": f"Bearer {token}"}

    def open(self, interview: str, part: Part) -> http.client.HTTPResponse | None:
        path = f"/api/v1/interviews/{interview}/parts/{part.number}/clip"
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        if answer.status == 200:
            return answer
        answer.read()
        if answer.status in (401, 403):
            raise PermissionError("The API does not accept the token.")
        return None


@dataclass
class Kept:
    """What was found. Bytes; `lost` were acknowledged and are not there, or are others."""

    where: str
    parts: int = 0
    held: int = 0
    lost: int = 0
    foreign: int = 0


def check(participants: list[Participant], shelf: Shelf) -> Kept:
    """Raises `PermissionError` and `OSError` where nothing can be read."""
    kept = Kept(shelf.name)
    for person in participants:
        for part in person.parts:
            if part.upload:
                kept.parts += 1
                with _opened(shelf, person.id, part) as stored:
                    _compare(part, stored, kept)
    return kept


@contextmanager
def _opened(shelf: Shelf, interview: str, part: Part) -> Iterator[IO[bytes] | None]:
    stored = shelf.open(interview, part)
    if stored is None:
        yield None
        return
    with closing(stored):
        yield stored


def _compare(part: Part, stored: IO[bytes] | None, kept: Kept) -> None:
    right, total = _right(part, stored) if stored else (0, 0)
    kept.held += total
    kept.lost += max(0, part.acknowledged - right)
    kept.foreign += total - right


def _right(part: Part, stored: IO[bytes]) -> tuple[int, int]:
    """How many bytes there are as they were recorded, up to the first that is not; and all."""
    right = total = 0
    is_right = True
    for n in range(part.recorded):
        wanted = part.take.slice(n)
        found = stored.read(len(wanted))
        total += len(found)
        if is_right:
            right += _alike(found, wanted)
            is_right = found == wanted
        if len(found) < len(wanted):
            return right, total
    return right, total + len(stored.read())


def _alike(found: bytes, wanted: bytes) -> int:
    if wanted.startswith(found):
        return len(found)
    return next(n for n, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b)
