"""`/healthz` and `/readyz`: what machines that watch are told, and what they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from qualz.database import db, newest_revision, revisions
from qualz.media.storage import Storage
from qualz.settings import Settings


@pytest.fixture
def settings(settings: Settings, redis_url: str) -> Settings:
    return replace(settings, redis_url=redis_url)


@pytest.fixture
def app(app: Flask) -> Flask:
    """As migrated, and looked at anew each time."""
    db.session.execute(text("DROP TABLE IF EXISTS alembic_version"))
    db.session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
    stamp(newest_revision())
    app.extensions["readiness"].fresh_for = 0
    return app


def stamp(revision: str) -> None:
    db.session.execute(text("DELETE FROM alembic_version"))
    db.session.execute(text("INSERT INTO alembic_version VALUES (:at)"), {"at": revision})
    db.session.commit()


def test_a_process_that_has_all_it_needs_is_ready(app: Flask, client: FlaskClient):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    names = ("database", "migrations", "redis", "storage")
    assert answer.json == {"status": "ready"} | dict.fromkeys(names, "ok")
    assert list(app.extensions["storage"].root.iterdir()) == []
    assert client.get("/healthz").text == "ok"


def test_it_is_said_which_migration_is_missing(client: FlaskClient):
    stamp("0001")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["status"] == "not ready"
    assert answer.json["migrations"].startswith(f"at 0001, not {newest_revision()}")
    assert answer.json["database"] == "ok"


def test_the_newest_migration_is_the_one_that_alembic_finds(app: Flask):
    assert newest_revision() == revisions(app)[1]


def test_without_a_database_the_process_lives_and_is_not_ready(
    app: Flask, client: FlaskClient, settings: Settings, tmp_path: Path
):
    db.session.remove()
    db.engine.dispose()
    database = Path(str(db.engine.url.database))
    if not settings.database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL is not stopped for this")
    database.rename(tmp_path / "elsewhere")
    database.mkdir()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["database"] == "does not answer"
    assert str(tmp_path) not in answer.text
    assert client.get("/healthz").status_code == 200


def test_a_disk_without_room_is_told(app: Flask, client: FlaskClient):
    root = app.extensions["storage"].root
    app.extensions["readiness"]._storage = Storage(root, kept_free=1 << 60)
    assert client.get("/readyz").json["storage"] == "has no room left"


def test_a_folder_that_is_gone_is_told(app: Flask, client: FlaskClient, tmp_path: Path):
    app.extensions["storage"].root = tmp_path
    app.extensions["readiness"]._write = lambda: (tmp_path / "no" / "folder").touch()
    assert client.get("/readyz").json["storage"] == "cannot be written to"


def test_without_redis_it_is_not_ready_and_no_address_is_told(
    app: Flask, client: FlaskClient, settings: Settings
):
    away = replace(settings, redis_url="redis://:a-password@127.0.0.1:9/0")
    app.extensions["readiness"]._settings = away
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["redis"] == "does not answer"
    assert "a-password" not in answer.text


def test_whoever_asks_many_times_costs_no_more_than_one(app: Flask, client: FlaskClient):
    app.extensions["readiness"].fresh_for = 60
    assert client.get("/readyz").status_code == 200
    stamp("0001")
    assert client.get("/readyz").status_code == 200
