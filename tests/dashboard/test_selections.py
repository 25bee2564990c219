"""Many interviews at once: exported and deleted as they were chosen, and no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from qualz import jobs, removal
from qualz.bundle import Bundle, Bundled
from qualz.database import db
from qualz.deletion import Deletion
from qualz.interview import Interview
from qualz.part import Part
from qualz.settings import Settings
from qualz.study import Study
from tests.dashboard.conftest import HTMX


@pytest.fixture
def people(study: Study) -> list[Interview]:
    found = [Interview.begin(study.invitation) for _ in range(3)]
    found[2].complete()
    db.session.commit()
    return found


def chosen(study: Study, what: str) -> str:
    return f"/studies/{study.public_id}/transcripts/chosen/{what}"


def are_deleted() -> None:
    """By the worker, as soon as the sweep has rung."""
    for deletion in Deletion.unclaimed():
        jobs.delete(deletion.id)


def numbers(study: Study) -> list[int]:
    mine = select(Interview.number).where(Interview.study_id == study.id)
    return list(db.session.scalars(mine.order_by(Interview.number)))


def test_those_that_were_chosen_are_deleted_with_their_files(
    adas: FlaskClient,
    settings: Settings,
    study: Study,
    people: list[Interview],
    record: Callable[..., Part],
):
    record(people[0])
    assert list(settings.media.glob("interviews/*"))
    form = {"interview": [one.public_id for one in people[:2]], "typed": " 2 "}
    answer = adas.post(chosen(study, "deletion"), data=form, follow_redirects=True)
    assert "Deleting 2 interviews" in answer.text
    are_deleted()
    assert numbers(study) == [3]
    assert not list(settings.media.glob("interviews/*"))


def test_nothing_is_deleted_unless_as_many_are_meant_as_were_typed(
    adas: FlaskClient, study: Study, people: list[Interview]
):
    named = {"interview": [one.public_id for one in people[:2]]}
    for form in ({**named, "typed": "3"}, {**named}, {"typed": "0"}, {"all": "1", "typed": "2"}):
        answer = adas.post(chosen(study, "deletion"), data=form)
        assert answer.status_code == 422
    assert "which is not the number that was typed" in answer.text
    assert numbers(study) == [1, 2, 3]


def test_all_that_match_are_those_alone(adas: FlaskClient, study: Study, people: list[Interview]):
    narrowed = {"all": "1", "state": "completed"}
    dialog = adas.get(chosen(study, "deletion"), query_string=narrowed, headers=HTMX).text
    assert "Delete 1 interview?" in dialog
    assert "deletion?state=completed" in dialog
    adas.post(f"{chosen(study, 'deletion')}?state=completed", data={"all": "1", "typed": "1"})
    are_deleted()
    assert numbers(study) == [1, 2]


def test_those_that_were_chosen_are_exported(
    adas: FlaskClient, study: Study, people: list[Interview]
):
    dialog = adas.get(chosen(study, "export"), query_string={"count": 2}, headers=HTMX).text
    assert "Export 2 interviews" in dialog
    assert "data-selection" in dialog
    mine = f"/studies/{study.public_id}/exports"
    form = {"chosen": "1", "form": "txt", "interview": [people[0].public_id, people[2].public_id]}
    assert adas.post(mine, data=form).status_code == 303
    assert Bundle.all_of(study)[0].asked == 2
    assert adas.post(mine, data={"chosen": "1", "form": "txt"}).status_code == 422
    held = db.session.scalars(select(Bundled.interview_id)).all()
    assert sorted(held) == [people[0].id, people[2].id]


def test_others_may_write_between_the_deletions(
    app: Flask, study: Study, people: list[Interview], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(removal, "AT_A_TIME", 1)
    committed: list[int] = []
    session = db.session()

    def note(_session: object) -> None:
        committed.append(1)

    event.listen(session, "after_commit", note)
    try:
        ids = [one.id for one in people]
        gone = list(removal.remove_interviews(ids, app.extensions["storage"]))
    finally:
        event.remove(session, "after_commit", note)
    assert gone == [1, 2, 3]
    assert len(committed) >= 3
    assert numbers(study) == []


def test_nobody_elses_interviews_are_chosen(
    adas: FlaskClient, strangers: FlaskClient, study: Study, people: list[Interview]
):
    for what in ("export", "deletion"):
        assert strangers.get(chosen(study, what)).status_code == 404
    form = {"all": "1", "typed": "3"}
    assert strangers.post(chosen(study, "deletion"), data=form).status_code == 404
    assert numbers(study) == [1, 2, 3]
    assert "Choose interviews first" in adas.get(chosen(study, "export")).text
