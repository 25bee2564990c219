"""A participant takes back all that they said: it is gone, and nothing brings it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from qualz import clock, removal, withdrawal
from qualz.conversation import Kind
from qualz.dashboard.chips import of_interview
from qualz.database import Model, db
from qualz.errors import InterviewWithdrawn, NotFound
from qualz.hearing import Hearing
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.media.storage import Storage
from qualz.resume_link import ResumeLink
from qualz.search import found_by
from qualz.settings import Settings
from qualz.study import Study
from qualz.tag import Tag
from tests.room.conftest import Participant

WEEK = timedelta(weeks=1)


@pytest.fixture
def talked(participant: Participant, study: Study, sound: bytes) -> Interview:
    """Somebody has answered a question aloud and another one in writing."""
    interview = participant.consents(study)
    participant.arrives()
    upload = participant.starts_part().location
    participant.sends(upload, sound, 0)
    for position, said in (
        (1, {"manner": "spoken", "part": "one", "ends_ms": 4000}),
        (3, {"manner": "typed", "text": "unforgettable"}),
    ):
        participant.client.get(f"{participant.room}/question")
        form = {"key": f"k{position}", "to": position, **said}
        assert participant.client.post(f"{participant.room}/turns", data=form).status_code == 200
    db.session.refresh(interview)
    Hearing.again(interview)
    db.session.commit()
    return interview


def takes_it_back(participant: Participant) -> int:
    return participant.client.put(f"{participant.room}/withdrawal", json={}).status_code


def rows() -> dict[str, int]:
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in Model.metadata.sorted_tables
    }


def test_what_was_taken_back_leaves_no_word_and_no_file(
    participant: Participant, talked: Interview, settings: Settings
):
    folder = talked.recording.folder
    highlight = Highlight.mark(
        next(one for one in talked.turns if one.text == "unforgettable"),
        0,
        "unforgettable",
        by=talked.study.researcher,
    )
    highlight.tags = talked.tags = Tag.chosen(talked.study, (), "Memory")
    db.session.commit()
    held = rows()
    made = ("highlights", "tagged_highlights", "tagged_interviews")
    assert min(held[name] for name in ("parts", "turns", "hearings", "events", *made)) > 0
    assert takes_it_back(participant) == 204
    left = rows()
    assert [left[name] for name in ("parts", "turns", "hearings", "drops", "merges")] == [0] * 5
    assert [left[name] for name in made] == [0] * 3
    assert not (settings.media / folder).exists()
    db.session.refresh(talked)
    assert [event.kind for event in talked.events] == [Kind.BEGAN]
    assert talked.heartbeat == {}
    found = found_by("unforgettable")
    assert found is not None
    assert db.session.scalars(found).all() == []
    assert of_interview(talked).word == "Withdrawn"


def test_they_are_told_so_with_a_receipt_wherever_they_come_in_again(
    app: Flask, participant: Participant, talked: Interview
):
    _, token = ResumeLink.create(talked, validity=WEEK)
    db.session.commit()
    takes_it_back(participant)
    assert takes_it_back(participant) == 204
    db.session.refresh(talked)
    assert talked.receipt
    page = participant.client.get(participant.room, headers={"Accept": "text/html"})
    assert page.status_code == 410
    assert talked.receipt in page.text
    elsewhere = app.test_client().get(f"/r/{token}", headers={"Accept": "text/html"})
    assert talked.receipt in elsewhere.text
    arrival = participant.arrives()
    assert (arrival.status_code, arrival.json and arrival.json["error"]) == (
        410,
        "InterviewWithdrawn",
    )
    assert (
        "Your interview is waiting"
        not in participant.client.get(f"/i/{talked.study.invitation.token}").text
    )


def test_late_bytes_are_refused_and_their_browser_learns_that_nobody_wants_them(
    participant: Participant, talked: Interview, sound: bytes, settings: Settings
):
    upload = participant.starts_part(key="late").location
    folder = talked.recording.folder
    takes_it_back(participant)
    answers = [
        participant.asks(upload),
        participant.sends(upload, sound, 0),
        participant.closes(upload, len(sound)),
        participant.starts_part(key="later"),
    ]
    assert [(answer.status_code, answer.headers["Interview-Withdrawn"]) for answer in answers] == [
        (410, "yes")
    ] * 4
    assert not (settings.media / folder).exists()
    assert rows()["parts"] == 0


def test_bytes_that_are_under_way_meanwhile_leave_no_file(
    app: Flask, talked: Interview, sound: bytes, settings: Settings
):
    part = talked.recording.start_part(key="under way", reported_type="audio/webm")
    db.session.commit()

    class Slow(Storage):
        """By the time that the bytes are written nobody wants them."""

        def append(self, name: str, data: bytes, *, at: int) -> int:
            with app.app_context():
                withdrawal.withdraw(db.session.get_one(Interview, talked.id), storage)
            return super().append(name, data, at=at)

    storage = app.extensions["storage"]
    folder = talked.recording.folder
    with pytest.raises(NotFound):
        part.append(sound, at=0, storage=Slow(storage.root))
    db.session.rollback()
    assert not any((settings.media / folder).rglob("*.webm"))


def test_whoever_decides_or_records_at_that_moment_brings_nothing_back(
    app: Flask, talked: Interview
):
    """They had read it before, and write after."""
    recording, said = talked.recording, talked.last_said
    assert recording.parts
    assert said
    with app.app_context():
        withdrawal.withdraw(db.session.get_one(Interview, talked.id), app.extensions["storage"])
    writes: list[Any] = [
        lambda: talked.leave_deciding(0.0),
        lambda: recording.start_part(key="new", reported_type="audio/webm"),
    ]
    for write in writes:
        with pytest.raises(InterviewWithdrawn):
            write()
        db.session.rollback()
    talked.complete(early=True)
    assert talked.is_withdrawn
    assert talked.completed_at is None
    assert rows()["turns"] == 0


def test_what_is_written_late_is_swept_away(app: Flask, talked: Interview, settings: Settings):
    storage = app.extensions["storage"]
    folder = talked.recording.folder
    withdrawal.withdraw(talked, storage)
    storage.append(f"{folder}/prepared/part-1.webm", b"words", at=0)
    with time_machine.travel(clock.now() + timedelta(minutes=10)):
        removal.go_on(storage)
    assert not (settings.media / folder).exists()
    assert storage.meant_to_go(since=clock.now() + timedelta(hours=1)) == []


def test_a_stranger_takes_nothing_back(app: Flask, participant: Participant, talked: Interview):
    stranger = Participant(app.test_client())
    stranger.room = participant.room
    assert takes_it_back(stranger) == 403
    db.session.refresh(talked)
    assert not talked.is_withdrawn
