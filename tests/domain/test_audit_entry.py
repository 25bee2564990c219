"""The audit log: one unbroken chain, which shows whatever was done to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from qualz.audit_entry import Action, AuditEntry, By, Head, breaks
from qualz.cli import main
from qualz.database import db
from qualz.settings import Settings


def write(count: int = 3) -> None:
    for number in range(count):
        AuditEntry.append(Action.VIEWED, "interview", f"i{number}", by=By.RESEARCHER, who="Ada ☂")
    db.session.commit()


@pytest.fixture(autouse=True)
def guarded_again(app: Flask) -> Iterator[None]:
    """The tables of a PostgreSQL outlive a test, and so would what `tamper` does to them."""
    yield
    if db.engine.dialect.name != "sqlite":
        db.session.rollback()
        db.session.execute(text("ALTER TABLE audit_entries ENABLE TRIGGER ALL"))
        db.session.commit()


def tamper(statement: str) -> None:
    """As somebody can who may do anything to the database."""
    if db.engine.dialect.name == "sqlite":
        for trigger in ("unchanged", "kept", "added"):
            db.session.execute(text(f"DROP TRIGGER audit_entries_{trigger}"))
    else:
        db.session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))
    db.session.execute(text(statement))
    db.session.commit()
    db.session.expire_all()


def test_an_untouched_log_is_whole(app: Flask):
    assert list(breaks()) == []
    write()
    assert list(breaks()) == []
    first, second, third = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert (first.id, first.previous) == (1, "")
    assert (second.previous, third.previous) == (first.hash, second.hash)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit_entries SET who = 'Eve' WHERE id = 2", ["Entry 2 was changed."]),
        ("UPDATE audit_entries SET detail = '[]' WHERE id = 1", ["Entry 1 was changed."]),
        ("DELETE FROM audit_entries WHERE id = 2", ["Entry 2 is missing."]),
        ("DELETE FROM audit_entries WHERE id > 1", ["Entries 2–3 are missing."]),
        ("DELETE FROM audit_heads", ["The row that says where the log ends is missing."]),
    ],
)
def test_what_was_done_to_it_is_named(app: Flask, statement: str, told: list[str]):
    write()
    tamper(statement)
    assert list(breaks()) == told


def test_a_chain_that_was_written_anew_shows_against_a_hash_that_was_noted_down(app: Flask):
    write()
    noted = db.session.get_one(Head, 1)
    expected = (noted.entries, noted.hash)
    assert list(breaks(expected)) == []
    tamper("DELETE FROM audit_entries")
    db.session.execute(text("UPDATE audit_heads SET entries = 0, hash = ''"))
    write()
    assert list(breaks()) == []
    assert list(breaks(expected)) == ["Entry 3 is not the one that was noted down."]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET who = 'Eve'",
        "DELETE FROM audit_entries WHERE id = 3",
        "INSERT INTO audit_entries SELECT * FROM audit_entries WHERE id = 2",
    ],
)
def test_the_database_only_ever_adds(app: Flask, statement: str):
    write()
    if statement.startswith("INSERT") and db.engine.dialect.name == "sqlite":
        statement = statement.replace("INSERT", "INSERT OR REPLACE")
    with pytest.raises(DBAPIError):
        db.session.execute(text(statement))
    db.session.rollback()
    assert list(breaks()) == []


def test_what_is_rolled_back_leaves_no_hole(app: Flask):
    write(1)
    AuditEntry.append(Action.DELETED, "interview")
    db.session.rollback()
    write(1)
    assert list(breaks()) == []
    assert db.session.get_one(Head, 1).entries == 2


def test_many_who_write_at_once_make_one_chain(app: Flask):
    def work() -> None:
        with app.app_context():
            for _ in range(5):
                write(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.session.get_one(Head, 1).entries == 30
    assert list(breaks()) == []


def test_the_command_says_that_it_is_whole_and_where_it_is_not(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    write()
    monkeypatch.setenv("QUALZ_DATA", str(settings.data))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    said = CliRunner().invoke(main, ["audit", "verify"])
    assert said.exit_code == 0
    noted = said.output.split("--expect ")[1].strip()
    tamper("DELETE FROM audit_entries WHERE id = 3")
    said = CliRunner().invoke(main, ["audit", "verify", "--expect", noted])
    assert said.exit_code == 1
    assert "Entry 3 is missing." in said.output
    assert "Entry 3 is not the one that was noted down." in said.output
