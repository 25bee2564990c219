"""The database: SQLAlchemy inside Flask, what SQLite needs, and the column types in use."""

from __future__ import annotations

import enum
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    ColumnElement,
    CursorResult,
    DateTime,
    Delete,
    Dialect,
    Engine,
    Enum,
    MetaData,
    String,
    Update,
    delete,
    event,
    select,
    text,
    true,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.pool import Pool
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")

LIGHTLY = "qualz-lightly"
HELD = "held"
# How to carry out a statement past the session's objects.
PAST: dict[str, Any] = {"synchronize_session": False}
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

# Names that Alembic can address on every database when a constraint is to be changed.
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime. SQLite keeps no zone, so it is taken off and put back on."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Model(DeclarativeBase):
    """What every table's class is: SQLAlchemy's own base, so that types are known."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {
        datetime: Moment,
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
    }


def new_public_id() -> str:
    """An identifier for addresses that says nothing about how many there are: 96 bits."""
    return secrets.token_urlsafe(12)


def word(kind: type[enum.StrEnum]) -> Enum:
    """A column that holds an enumeration by its words, so that anyone can read the table."""
    return Enum(
        kind,
        native_enum=False,
        length=32,
        values_callable=lambda members: [m.value for m in members],
    )


PublicId = Annotated[str, mapped_column(String(24), unique=True, default=new_public_id)]

db = SQLAlchemy(metadata=Model.metadata)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, SQLiteConnection):
        return
    connection.execute("PRAGMA journal_mode=WAL")
    # With NORMAL a power failure may take back the last commits, answers among them.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA busy_timeout=10000")
    # What is deleted is overwritten, so that nobody finds it in the file. PostgreSQL does so when
    # it vacuums.
    connection.execute("PRAGMA secure_delete=ON")


def lightly() -> None:
    """Let the commit that follows not wait for the disk: a power failure may take it back.

    For what comes again by itself: heartbeats, and how far a part has come, which its file knows
    better. It survives the end of any process, and the next plain commit makes it durable too.
    Without effect where something was changed before in the same transaction.
    """
    connection = db.session.connection()
    driver: Any = connection.connection.dbapi_connection
    if not isinstance(driver, SQLiteConnection):
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
    elif not driver.in_transaction:
        connection.info[LIGHTLY] = True
        driver.execute("PRAGMA synchronous=NORMAL")


def empty_log() -> bool:
    """Write SQLite's log into its database and cut it off: until then it holds earlier versions of
    pages. False where somebody else was reading; whoever else writes waits for it a moment."""
    db.session.commit()
    if db.engine.dialect.name != "sqlite":
        return True
    with db.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("PRAGMA busy_timeout=250")
        try:
            [(is_busy, _, _)] = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            driver.execute("PRAGMA busy_timeout=10000")
    return not is_busy


@contextmanager
def remembering() -> Iterator[None]:
    """Keep what was read over commits, for work that commits only to let go of its connection.

    What others may change meanwhile has to be asked of the database by UPDATE or refresh.
    """
    session = db.session()
    session.expire_on_commit = False
    try:
        yield
    finally:
        session.expire_on_commit = True
        session.expire_all()
        session.info.pop(HELD, None)


@event.listens_for(Engine, "before_cursor_execute", retval=True)
def _leave_out_nul(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """PostgreSQL takes it in no text, SQLite's index of words ends there, and nobody types it."""
    return statement, without_nul(parameters) if _has_nul(parameters) else parameters


def _has_nul(given: Any) -> bool:
    if isinstance(given, str):
        return "\0" in given
    inside = given.values() if isinstance(given, dict) else given
    return isinstance(given, dict | list | tuple) and any(map(_has_nul, inside))


def without_nul(given: Any) -> Any:
    """Text, or what is made of it, without the one character that no database takes."""
    if isinstance(given, str):
        return given.replace("\0", "")
    if isinstance(given, dict):
        return {name: without_nul(value) for name, value in given.items()}
    return tuple(map(without_nul, given)) if isinstance(given, list | tuple) else given


@event.listens_for(Pool, "checkin")
def _commit_durably_again(connection: Any, record: Any) -> None:
    if connection is not None and record.info.pop(LIGHTLY, False):
        connection.execute("PRAGMA synchronous=FULL")


def rows_changed(statement: Update | Delete, **values: Any) -> int:
    """Carry out an UPDATE or a DELETE past the session's objects and answer how many rows it found.

    Between processes the database decides who was first: whoever changed the row. `values` are
    those of its bound parameters, for a statement that is built once and carried out often.
    """
    result = db.session.execute(statement, values or None, execution_options=PAST)
    return cast("CursorResult[Any]", result).rowcount


def delete_old(kind: type[Model], is_old: ColumnElement[bool]) -> None:
    """Delete those rows. They are looked for first: a DELETE would hold the database even where
    there is nothing to do."""
    if db.session.scalar(select(true()).select_from(kind).where(is_old).limit(1)):
        db.session.execute(delete(kind).where(is_old))


def once_more_if_taken(work: Callable[[], T]) -> T:
    """Do work that commits, and once more if a number or name was taken by another just then."""
    try:
        return work()
    except IntegrityError:
        db.session.rollback()
        return work()


def during_transaction(name: str, find: Callable[[], T]) -> T:
    """What `find` finds, found once: it is kept under that name until the session's objects are
    read anew, after a commit or when a transaction is rolled back."""
    held: dict[str, Any] = db.session.info.setdefault(HELD, {})
    if name not in held:
        held[name] = find()
    found: T = held[name]
    return found


def forget(name: str) -> None:
    """Find it anew next time."""
    db.session.info.get(HELD, {}).pop(name, None)


def after_commit(call: Callable[[], None]) -> None:
    """Run `call` once the present transaction has committed; forget it if it is rolled back."""
    db.session.info.setdefault("after_commit", []).append(call)


@event.listens_for(Session, "after_commit")
def _run_calls(session: Session) -> None:
    if session.expire_on_commit:
        session.info.pop(HELD, None)
    for call in session.info.pop("after_commit", []):
        call()


@event.listens_for(Session, "after_soft_rollback")
def _drop_calls(session: Session, _previous: Any) -> None:
    session.info.pop("after_commit", None)
    session.info.pop(HELD, None)


def is_compared(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether Alembic should look for it among the models: an index of words is not there."""
    return not (name or "").startswith(("searchables_index", "ix_searchables_words"))


# Alembic is a large part of what there is to import, and only these two need it.


def upgrade(app: Flask, revision: str = "head") -> None:
    """Bring the database up to the newest migration."""
    from alembic import command

    with app.app_context():
        command.upgrade(alembic_config(), revision)


def revisions(app: Flask) -> tuple[str | None, str | None]:
    """The migration that the database is at, and the newest one."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    newest = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with app.app_context(), db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision(), newest


def present_revision() -> str | None:
    """The migration that the database is at, asked without Alembic: for those who ask often."""
    found: str | None = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    return found


@cache
def newest_revision() -> str:
    """The newest migration of this version: the one that no other follows."""
    named = re.compile(r'^(down_)?revision = "(\w+)"$', re.MULTILINE)
    scripts = (MIGRATIONS / "versions").glob("*.py")
    found = [pair for script in scripts for pair in named.findall(script.read_text())]
    followed = {revision for follows, revision in found if follows}
    (newest,) = {revision for follows, revision in found if not follows} - followed
    return str(newest)


def known_revisions() -> set[str]:
    """All migrations of this version."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(alembic_config())
    return {one.revision for one in script.walk_revisions()}


def alembic_config() -> Config:
    from alembic.config import Config

    config = Config(MIGRATIONS / "alembic.ini")
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
