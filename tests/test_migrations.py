"""Migrations lead to exactly the tables that the code expects, and back, with people's data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, select, text

from qualz import clock, moderation
from qualz.ai.scripted import ScriptedModerator
from qualz.answers_link import AnswersLink
from qualz.conversation import Manner
from qualz.core import create_core
from qualz.database import MIGRATIONS, Model, alembic_config, db, is_compared, revisions, upgrade
from qualz.guide import Question
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.search import found_by
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
        opts = {"compare_type": False, "include_name": is_compared}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Model.metadata) == []
    at, newest = revisions(migrated)
    assert at == newest is not None


def test_there_is_one_line_of_migrations():
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_data_survives_the_way_down_to_the_first_and_up_again(migrated: Flask):
    """As far down as there are tables to keep it in: the step below the first has none."""
    Study.start(add_researcher("Ada", "ada@example.org"), title="Kept")
    db.session.commit()
    downgrade("0001")
    upgrade(migrated)
    assert db.session.scalars(select(Study.title)).all() == ["Kept"]
    assert db.session.scalars(select(Researcher.email)).all() == ["ada@example.org"]


def test_an_interview_of_the_version_before_goes_on_where_it_stood(migrated: Flask):
    study = Study.start(add_researcher("Ada", "ada@example.org"), title="Kept")
    study.revise_guide([Question(id="a", text="How?", short=2), Question(id="b", text="Why?")])
    study.open()
    interview = Interview.begin(study.invitation)
    moderation.hear(interview, ScriptedModerator())
    interview.answer(key="k", to=1, manner=Manner.TYPED, text="By hand, mostly")
    db.session.commit()
    before = interview.conversation
    db.session.commit()
    downgrade("0002")
    upgrade(migrated)
    interview = db.session.scalars(select(Interview)).one()
    assert interview.conversation.exchanges == before.exchanges
    assert interview.conversation.terms.seconds == before.terms.seconds
    assert moderation.hear(interview, ScriptedModerator()).text == "Why?"


def test_an_interview_of_the_version_before_is_found_by_its_words(migrated: Flask):
    study = Study.start(add_researcher("Ada", "ada@example.org"), title="Kept")
    study.revise_guide([Question(id="a", text="¿Qué le molesta?")])
    study.open()
    interview = Interview.begin(study.invitation)
    moderation.hear(interview, ScriptedModerator())
    db.session.commit()
    downgrade("0005")
    upgrade(migrated)
    found = found_by("que MOLEST")
    assert found is not None
    assert db.session.scalars(found).all() == [1]


def test_a_column_that_an_earlier_migration_made_for_some_days_is_not_made_twice(migrated: Flask):
    downgrade("0007")
    db.session.execute(text("ALTER TABLE interviews ADD COLUMN page VARCHAR(64)"))
    db.session.commit()
    upgrade(migrated)
    assert db.session.scalars(select(Interview.page)).all() == []


def test_an_interview_of_the_version_before_keeps_its_link_to_the_answers(migrated: Flask):
    study = Study.start(add_researcher("Ada", "ada@example.org"), title="Kept")
    study.revise_guide([Question(id="a", text="How?")])
    study.open()
    interview = Interview.begin(study.invitation)
    db.session.commit()
    downgrade("0025")
    upgrade(migrated)
    link = AnswersLink.opened_by("anything", signed_for=interview.public_id)
    assert link.interview is interview
    assert timedelta(days=364) < link.expires_at - clock.now() <= timedelta(days=365)


def test_the_way_down_leaves_nothing_and_the_way_up_works_again(migrated: Flask):
    downgrade("base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    upgrade(migrated)
    assert db.session.scalars(select(Interview)).all() == []


def test_every_migration_is_named_by_its_day():
    for path in (MIGRATIONS / "versions").glob("*.py"):
        assert Path(path).name[:8].isdigit(), path


def test_the_core_alone_knows_all_tables(app: Flask):
    """Or a migration that is written by what it knows would drop the others."""
    ask = (
        "import qualz.core; from qualz.database import Model; print(*sorted(Model.metadata.tables))"
    )
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert told.stdout.split() == sorted(db.metadata.tables)
