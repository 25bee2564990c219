"""Moves everything that SQLite holds into an empty PostgreSQL: all of it, or nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Row,
    Table,
    bindparam,
    create_engine,
    delete,
    func,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from qualz.backups import databases
from qualz.backups.problem import CannotCopy
from qualz.core import create_core
from qualz.database import Model, db, revisions, upgrade
from qualz.processes import instance
from qualz.settings import Settings

AT_ONCE = 1000  # rows


@dataclass(frozen=True, slots=True)
class Moved:
    tables: int
    rows: int


def move(settings: Settings, source: Path) -> Moved:
    """Fill the empty database of `settings` from the SQLite file `source`, which stays as it is.

    Nobody else may use either meanwhile: Qualz must not run. Raises `CannotCopy`.
    """
    url = settings.database_url
    if databases.kind_of(url) != "postgresql":
        raise CannotCopy("Name the PostgreSQL to move to in DATABASE_URL: postgresql://…")
    if not source.is_file():
        raise CannotCopy(f"There is no SQLite database at {source}.")
    try:
        with instance.sole_instance(settings):
            return _move(settings, source)
    except instance.AlreadyRunning as cause:
        raise CannotCopy(str(cause)) from cause
    except SQLAlchemyError as cause:
        where = make_url(url).render_as_string(hide_password=True)
        reason = str(getattr(cause, "orig", None) or cause).splitlines()[0]
        raise CannotCopy(f"Nothing was moved to {where}: {reason}") from cause


def _move(settings: Settings, source: Path) -> Moved:
    if not databases.is_empty(settings.database_url):
        raise CannotCopy("The database in DATABASE_URL is not empty. Name an empty one.")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app = create_core(replace(settings, redis_url=None))
    try:
        with _snapshot(source) as old:
            return _fill(app, settings.database_url, source, old)
    finally:
        with app.app_context():
            db.engine.dispose()


def _fill(app: Flask, url: str, source: Path, old: Connection) -> Moved:
    _, newest = revisions(app)
    if (present := MigrationContext.configure(old).get_current_revision()) != newest:
        raise CannotCopy(
            f"{source} is at {present or 'no migration'}, and this version wants {newest}. "
            "`qualz migrate` without DATABASE_URL brings it up to date."
        )
    try:
        upgrade(app)
        with app.app_context(), db.engine.begin() as new:
            return _copy_all(old, new)
    except BaseException:
        _empty(url)
        raise


@contextmanager
def _snapshot(source: Path) -> Iterator[Connection]:
    """The file as it is at one moment, whoever else may write to it."""
    engine = create_engine(f"sqlite:///{source}")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection
    finally:
        engine.dispose()


def _copy_all(old: Connection, new: Connection) -> Moved:
    tables = Model.metadata.sorted_tables
    for table in reversed(tables):
        # What migrations put in, such as the head of the audit log, comes along with the rest.
        if new.scalar(select(table).limit(1).with_only_columns(text("1"))):
            new.execute(delete(table))
    moved = sum(_copy(table, old, new) for table in tables)
    for table in tables:
        _demand_as_many(table, old, new)
        _go_on_counting(table, new)
    return Moved(len(tables), moved)


def _copy(table: Table, old: Connection, new: Connection) -> int:
    """Row by row in the order of their keys; what points to rows of the same table comes last."""
    count, later = 0, _pointing_to_itself(table)
    rows = old.execute(
        select(table).order_by(*table.primary_key.columns),
        execution_options={"yield_per": AT_ONCE},
    )
    for batch in rows.partitions(AT_ONCE):
        new.execute(table.insert(), [_without(row, later) for row in batch])
        count += len(batch)
    for column in later:
        _point(table, column, old, new)
    return count


def _pointing_to_itself(table: Table) -> list[Column[Any]]:
    return [c for c in table.columns if any(key.column.table is table for key in c.foreign_keys)]


def _without(row: Row[Any], columns: list[Column[Any]]) -> dict[str, Any]:
    return {**row._mapping, **{column.name: None for column in columns}}


def _point(table: Table, column: Column[Any], old: Connection, new: Connection) -> None:
    [key] = table.primary_key.columns
    pointing = old.execute(
        select(key.label("of"), column.label("at")).where(column.is_not(None))
    ).mappings()
    point = update(table).where(key == bindparam("of")).values({column.name: bindparam("at")})
    while batch := pointing.fetchmany(AT_ONCE):
        new.execute(point, [dict(row) for row in batch])


def _demand_as_many(table: Table, old: Connection, new: Connection) -> None:
    counts = [each.scalar(select(func.count()).select_from(table)) for each in (old, new)]
    if counts[0] != counts[1]:
        raise CannotCopy(f"{table.name} has {counts[0]} rows, and {counts[1]} arrived.")


def _go_on_counting(table: Table, new: Connection) -> None:
    """PostgreSQL numbers the next row by a counter, which does not know what was put in."""
    keys = list(table.primary_key.columns)
    if len(keys) != 1 or not isinstance(keys[0].type, Integer) or keys[0].foreign_keys:
        return
    name = new.scalar(select(func.pg_get_serial_sequence(table.name, keys[0].name)))
    if name is not None:
        last = new.scalar(select(func.max(keys[0])))
        new.execute(select(func.setval(name, last or 1, last is not None)))


def _empty(url: str) -> None:
    """Take back the tables that were made: it was empty, and is to be for the next attempt."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            Model.metadata.drop_all(connection)
            connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
            connection.exec_driver_sql("DROP FUNCTION IF EXISTS refuse_to_change_the_audit_log")
    finally:
        engine.dispose()
