"""Which files the rows of a database name, whichever migration it is at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, null, select

from qualz.bundle import Bundle
from qualz.excerpt import Excerpt
from qualz.interview import Interview
from qualz.part import Part, file_of
from qualz.recording import Recording, folder_of
from qualz.rendition import Rendition
from qualz.study import Study

# What lies beside a Full Session where it could be made.
ILLUSTRATIONS = ("jpg", "peaks")


@dataclass(frozen=True, slots=True)
class Held:
    """A file by its name in storage. `count`: only so many of its bytes are known to be durable;
    None for all of it. One that `may_lack` need not be there."""

    name: str
    count: int | None = None
    may_lack: bool = False


def held(connection: Connection, media: Path) -> Iterator[Held]:
    """Columns are named one by one: the tables may be of an earlier version, with fewer."""
    there = set(inspect(connection).get_table_names())
    if Part.__tablename__ in there:
        yield from _parts(connection)
        yield from _full_sessions(connection)
        yield from _originals(connection)
    for made in (Rendition, Excerpt, Bundle):
        if made.__tablename__ in there:
            named = connection.scalars(select(made.file).where(made.file.is_not(None)))
            yield from (Held(name) for name in named if name)
    if Study.__tablename__ in there:
        for study in connection.scalars(select(Study.public_id)):
            yield from _stimuli(media, study)


def _parts(connection: Connection) -> Iterator[Held]:
    what = (Part.number, Part.public_id, Part.reported_type, Part.bytes_durable)
    columns = {column["name"] for column in inspect(connection).get_columns(Part.__tablename__)}
    is_known = Part.shelved.key in columns
    kept: Any = Part.shelved if is_known else null().label("shelved")
    rows = (
        select(Interview.public_id, kept, *what)
        .join(Recording, Recording.interview_id == Interview.id)
        .join(Part, Part.recording_id == Recording.id)
        .where(Part.bytes_durable > 0)
    )
    for interview, shelved, number, part, reported, count in connection.execute(rows):
        file = file_of(folder_of(interview), number, part, reported)
        yield Held(file, count, may_lack=shelved is not None)
        if shelved:
            yield Held(shelved)


def _full_sessions(connection: Connection) -> Iterator[Held]:
    named = select(Recording.full_session).where(Recording.full_session.is_not(None))
    for name in connection.scalars(named):
        yield Held(name or "")
        for ending in ILLUSTRATIONS:
            yield Held(f"{(name or '').rpartition('.')[0]}.{ending}", may_lack=True)


def _originals(connection: Connection) -> Iterator[Held]:
    """Of those that are watched as a redacted copy."""
    columns = inspect(connection).get_columns(Recording.__tablename__)
    if Recording.original.key in {column["name"] for column in columns}:
        named = select(Recording.original).where(Recording.original.is_not(None))
        yield from (Held(name) for name in connection.scalars(named) if name)


def _stimuli(media: Path, study: str) -> Iterator[Held]:
    """All of a study's: a guide that is being written names some that no row does yet."""
    folder = media / "stimuli" / study
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        yield Held(f"stimuli/{study}/{path.name}", may_lack=True)
