"""A database as it was at one moment, in a file; and an empty one filled from such a file."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError

from qualz.backups.problem import CannotCopy
from qualz.media.program import NOWHERE, confined
from qualz.media.sandbox import Limits
from qualz.tools import find_program

FILES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
# It is ours and reads what is ours: it may take what it needs.
TRUSTED = Limits(memory=None)
PATIENCE = 60.0  # seconds that another's lock is waited for


def kind_of(url: str) -> str:
    return make_url(url).get_backend_name()


@contextmanager
def _troubles(url: str) -> Iterator[None]:
    """What a database says that is damaged, or does not answer, in our words."""
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError) as cause:
        reason = str(getattr(cause, "orig", None) or cause).splitlines()[0]
        where = make_url(url).render_as_string(hide_password=True)
        raise CannotCopy(f"{where} cannot be used: {reason}. Check DATABASE_URL.") from cause


@contextmanager
def snapshot(url: str, copy: Path) -> Iterator[Connection]:
    """Copy a database into a file, whoever else writes to it, and read what is in the copy.

    Raises `CannotCopy`.
    """
    read = {"sqlite": _sqlite, "postgresql": _postgresql}.get(kind_of(url))
    if read is None:
        raise CannotCopy(f"There is no backup of {kind_of(url)}: use that database's own tools.")
    with _troubles(url), read(make_url(url), copy) as connection:
        yield connection


@contextmanager
def _sqlite(url: URL, copy: Path) -> Iterator[Connection]:
    path = Path(url.database or "")
    if not path.is_file():
        raise CannotCopy(f"There is no database at {path}, so there is nothing to back up yet.")
    with (
        closing(sqlite3.connect(path, timeout=PATIENCE)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        # All in one step: between steps others may write, and it would begin anew each time.
        source.backup(target, pages=-1)
    engine = create_engine(f"sqlite:///{copy}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
    with closing(sqlite3.connect(copy)) as target:
        # One file, without a log beside it that would have to go along.
        target.execute("PRAGMA journal_mode=DELETE")
        wrong = target.execute("PRAGMA quick_check(1)").fetchone()[0]
    if wrong != "ok":
        raise CannotCopy(f"The database is damaged: {wrong}. Earlier backups may be whole.")


@contextmanager
def _postgresql(url: URL, copy: Path) -> Iterator[Connection]:
    """Other rows are read in the transaction whose snapshot the dump is of."""
    program = _program("pg_dump")
    engine = create_engine(url, isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        name = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        how = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={name}")
        _run([program, *how, f"--file={copy}"], url)
        yield connection
    engine.dispose()


def is_empty(url: str) -> bool:
    """Whether there is nothing in it that restoring would mix with."""
    if kind_of(url) == "sqlite":
        return not Path(make_url(url).database or "").exists()
    engine = create_engine(url)
    with _troubles(url):
        is_bare = not inspect(engine).get_table_names()
    engine.dispose()
    return is_bare


def fill(url: str, copy: Path) -> None:
    """Put a copy into an empty PostgreSQL, all of it or nothing. Raises `CannotCopy`."""
    program = _program("pg_restore")
    how = ("--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run([program, *how, str(copy)], make_url(url))


def _program(name: str) -> str:
    found = find_program(name)
    if found is None:
        raise CannotCopy(f"There is no {name}. Install PostgreSQL's client programs.")
    return found


def _run(arguments: Sequence[str], url: URL) -> None:
    """With the password in a file that others cannot read: a command line shows to everybody."""
    with tempfile.TemporaryDirectory(prefix="qualz-") as folder, tempfile.TemporaryFile() as log:
        passwords = Path(folder) / "passwords"
        passwords.touch(mode=0o600)
        secret = (url.password or "").replace("\\", r"\\").replace(":", r"\:")
        passwords.write_text(f"*:*:*:*:{secret}\n")
        known = {
            "host": url.host,
            "port": url.port,
            "user": url.username,
            "dbname": url.database,
            **url.query,
            "passfile": passwords,
        }
        where = " ".join(f"{key}={_quoted(value)}" for key, value in known.items() if value)
        with confined([*arguments, f"--dbname={where}"], TRUSTED, out=NOWHERE, log=log) as process:
            code = process.wait()
        log.seek(0)
        said = log.read().decode(errors="replace").strip().splitlines()
    if code != 0:
        raise CannotCopy(f"{Path(arguments[0]).name} says: {said[-1] if said else code}")


def _quoted(value: object) -> str:
    return "'" + str(value).replace("\\", r"\\").replace("'", r"\'") + "'"
