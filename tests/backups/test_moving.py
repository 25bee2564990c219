"""All that SQLite holds goes on in a real PostgreSQL, or none of it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, inspect, select, text

from qualz import moderation
from qualz.ai.scripted import ScriptedModerator
from qualz.audit_entry import Action, AuditEntry, breaks
from qualz.backups.moving import move
from qualz.backups.problem import CannotCopy
from qualz.core import create_core
from qualz.database import Model, db
from qualz.interview import Interview
from qualz.media.storage import Storage
from qualz.processes import instance
from qualz.resume_link import ResumeLink
from qualz.settings import Settings
from qualz.study import Study
from tests.backups.conftest import records
from tests.postgresql import postgresql, programs


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL: install the package postgresql")
    with postgresql(found) as url:
        yield url


@pytest.fixture
def target(server: str, settings: Settings) -> Iterator[Settings]:
    """The same server as it is to be: with PostgreSQL, in which there is nothing."""
    yield replace(settings, database_url=server)
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture
def source(app: Flask, study: Study, storage: Storage, settings: Settings) -> Path:
    """Interviews with words, parts and links that point to each other; more than one batch."""
    study.title = "Ünïcode “quotes” \U0001f642"
    for n in range(3):
        interview = Interview.begin(study.invitation)
        moderation.hear(interview, ScriptedModerator())
        records(interview, storage, key=f"part-{n}")
    links = [ResumeLink.create(interview, validity=timedelta(days=7))[0] for _ in range(1100)]
    db.session.flush()
    for older, newer in pairwise(links):
        older.replaced_by_id = newer.id
    AuditEntry.append(Action.CREATED, "study", study.public_id)
    db.session.commit()
    return settings.data / "qualz.db"


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        told = {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in Model.metadata.sorted_tables
        }
    engine.dispose()
    return told


def test_every_row_goes_along_and_numbers_go_on(
    source: Path, target: Settings, settings: Settings
) -> None:
    before = everything(settings.database_url)
    moved = move(target, source)
    assert everything(target.database_url) == before
    assert moved.rows == sum(map(len, before.values()))
    assert everything(settings.database_url) == before
    there = create_core(replace(target, redis_url=None))
    with there.app_context():
        study = db.session.scalars(select(Study)).one()
        interview = Interview.begin(study.invitation)
        db.session.commit()
        assert interview.number == 4
        assert list(breaks()) == []
        db.session.remove()
        db.engine.dispose()


def test_what_postgresql_cannot_hold_is_said_and_nothing_is_moved(
    source: Path, target: Settings
) -> None:
    # SQLite's integers have no end.
    db.session.execute(text("UPDATE studies SET time_limit_minutes = 99999999999"))
    db.session.commit()
    with pytest.raises(CannotCopy, match="Nothing was moved"):
        move(target, source)
    engine = create_engine(target.database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_nul_of_older_days_is_left_out_on_the_way(source: Path, target: Settings) -> None:
    db.session.execute(text("UPDATE studies SET title = 'a' || char(0) || 'b'"))
    db.session.commit()
    move(target, source)
    engine = create_engine(target.database_url)
    with engine.connect() as connection:
        assert set(connection.scalars(text("SELECT title FROM studies"))) == {"ab"}
    engine.dispose()


def test_a_target_that_holds_something_is_left_alone(source: Path, target: Settings) -> None:
    engine = create_engine(target.database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE letters (text text)"))
    with pytest.raises(CannotCopy, match="not empty"):
        move(target, source)
    assert inspect(engine).get_table_names() == ["letters"]
    engine.dispose()


def test_a_server_that_runs_is_not_moved(source: Path, settings: Settings) -> None:
    there = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/nothing")
    with instance.sole_instance(settings), pytest.raises(CannotCopy, match="already running"):
        move(there, source)


def test_an_older_database_is_brought_up_to_date_first(source: Path, target: Settings) -> None:
    db.session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    db.session.commit()
    with pytest.raises(CannotCopy, match="qualz migrate"):
        move(target, source)


def test_only_postgresql_is_moved_to(source: Path, settings: Settings) -> None:
    with pytest.raises(CannotCopy, match="postgresql://"):
        move(settings, source)
    there = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(CannotCopy, match="no SQLite database"):
        move(there, source.with_name("another.db"))
