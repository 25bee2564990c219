"""What a commit promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, select, text

from qualz.database import db, lightly
from qualz.interview import Interview


@pytest.fixture
def commits(interview: Interview) -> Iterator[list[str]]:
    """Whether each commit waits for the disk, as the database itself says."""
    waits: list[str] = []
    question = (
        "PRAGMA synchronous" if db.engine.dialect.name == "sqlite" else "SHOW synchronous_commit"
    )

    def look(connection: Any) -> None:
        answer = connection.exec_driver_sql(question).scalar()
        waits.append("waits" if answer in (2, "on") else "does not wait")

    db.session.commit()
    event.listen(db.engine, "commit", look)
    yield waits
    event.remove(db.engine, "commit", look)


def changes(interview: Interview) -> None:
    interview.heartbeat = {"level": len(interview.heartbeat.get("past", []))}
    db.session.flush()


def test_only_the_commit_after_lightly_does_not_wait_for_the_disk(
    interview: Interview, commits: list[str]
):
    changes(interview)
    db.session.commit()
    lightly()
    changes(interview)
    db.session.commit()
    changes(interview)
    db.session.commit()
    assert commits == ["waits", "does not wait", "waits"]


def test_a_transaction_that_was_rolled_back_lightens_none_after_it(
    interview: Interview, commits: list[str]
):
    lightly()
    changes(interview)
    db.session.rollback()
    changes(interview)
    db.session.commit()
    assert commits == ["waits"]


@pytest.mark.sqlite_alone
def test_what_was_changed_before_is_not_put_at_risk(interview: Interview, commits: list[str]):
    changes(interview)
    lightly()
    db.session.commit()
    assert commits == ["waits"]


def test_every_connection_reads_what_was_committed_lightly(interview: Interview):
    lightly()
    changes(interview)
    db.session.commit()
    with db.engine.connect() as other:
        held = other.execute(text("SELECT heartbeat FROM interviews")).scalar_one()
    assert "level" in str(held)


def test_a_nul_which_postgresql_takes_in_no_text_is_left_out(interview: Interview):
    interview.rename("Grace\0 Hopper")
    db.session.commit()
    db.session.expire_all()
    assert interview.label == "Grace Hopper"
    assert db.session.scalars(select(Interview).filter_by(name="Grace Hopper\0")).one() is interview
