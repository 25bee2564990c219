"""Migrations lead to exactly the tables that the code expects, and back, with people's data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, select

from qualz.application import create_core
from qualz.database import MIGRATIONS, Model, alembic_config, db, revisions, upgrade
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.settings import Settings
from qualz.study import Study
from tests.conftest import add_researcher


@pytest.fixture
def migrated(settings: Settings) -> Iterator[Flask]:
    """An application on a database that was made by the migrations alone."""
    app = create_core(settings)
    with app.app_context():
        upgrade(app)
        yield app
        db.session.remove()
        db.engine.dispose()


def downgrade(revision: str) -> None:
    command.downgrade(alembic_config(), revision)


def test_the_newest_migration_makes_the_tables_that_the_code_expects(migrated: Flask):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Model.metadata) == []
    at, newest = revisions(migrated)
    assert at == newest is not None


def test_there_is_one_line_of_migrations():
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_data_survives_the_way_down_to_the_first_and_up_again(migrated: Flask):
    """As far down as there are tables to keep it in: the step below the first has none."""
    study = Study.start(add_researcher("Ada", "ada@example.org"), title="Kept")
    study.open()
    db.session.commit()
    downgrade("0001")
    upgrade(migrated)
    assert db.session.scalars(select(Study.title)).all() == ["Kept"]
    assert db.session.scalars(select(Researcher.email)).all() == ["ada@example.org"]


def test_the_way_down_leaves_nothing_and_the_way_up_works_again(migrated: Flask):
    downgrade("base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    upgrade(migrated)
    assert db.session.scalars(select(Interview)).all() == []


def test_every_migration_is_named_by_its_day():
    for path in (MIGRATIONS / "versions").glob("*.py"):
        assert Path(path).name[:8].isdigit(), path
