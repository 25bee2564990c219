"""Renaming and deleting interviews and studies: what goes, what stays, and who may."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from qualz import clock, correction, jobs, removal, telling
from qualz.comment import Comment
from qualz.database import Model, db
from qualz.deletion import Deletion
from qualz.excerpt import Excerpt
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.media.storage import Storage
from qualz.merge import Merge
from qualz.part import Part
from qualz.recording import Recording
from qualz.rendition import Kind, Rendition
from qualz.researcher import Researcher
from qualz.resume_link import ResumeLink
from qualz.search import found_by
from qualz.settings import Settings
from qualz.study import Study
from qualz.tag import Tag
from qualz.turn import Manner, Speaker, Turn
from tests.dashboard.conftest import HTMX, of

KEPT = {"receipts", "researchers", "studies", "guides", "invitations", "tags"}
Full = Callable[[Interview], Interview]


@pytest.fixture
def full(settings: Settings, record: Callable[..., Part], finish: Callable[..., Recording]) -> Full:
    """Gives an interview something of everything that can belong to one."""

    def full(interview: Interview) -> Interview:
        part = record(interview)
        interview._append(
            Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text="unforgettable", part=part)
        )
        interview.seen()
        interview.arrive("tab", page="one")
        interview.depart("tab", "one")
        ResumeLink.create(interview, validity=settings.resume_link_validity)
        Merge.begin(interview.recording)
        finish(interview)
        Rendition.ask(interview.recording, Kind.SOUND)
        _is_worked_on(interview)
        db.session.commit()
        told = telling.hand_on(by_mail=False, hold=timedelta(0), address="")
        assert told == {interview.study.researcher_id}
        db.session.commit()
        return interview

    return full


def _is_worked_on(interview: Interview) -> None:
    """Its researcher has corrected, highlighted, tagged and commented on what was said."""
    [turn], ada = interview.turns, interview.study.researcher
    correction.correct(turn, "unforgettable words", seen=correction.version(turn), by=ada)
    Comment.write(turn, "indeed", by=ada)
    tags = Tag.chosen(interview.study, (), "Memory")
    interview.tags = tags
    highlight = Highlight.mark(turn, 0, "unforgettable", by=ada)
    highlight.note("", tags)
    Excerpt.ask(highlight)


def rows() -> dict[str, int]:
    """How many there are in each table that is not empty, but for the log that outlives all."""
    tables = {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in Model.metadata.sorted_tables
        if not table.name.startswith("audit_")
    }
    return {name: count for name, count in tables.items() if count}


def test_a_deleted_interview_leaves_no_row_no_file_and_no_word(
    app: Flask,
    adas: FlaskClient,
    settings: Settings,
    study: Study,
    interview: Interview,
    full: Full,
):
    other = full(Interview.begin(study.invitation))
    alone = rows()
    full(interview)
    assert {"parts", "merges", "renditions", "turns", "events", "drops", "resume_links"} | {
        "corrections",
        "comments",
        "highlights",
        "excerpts",
        "tagged_interviews",
        "tagged_highlights",
        "happenings",
        "notifications",
    } <= {name for name, count in rows().items() if count > alone.get(name, 0)}
    folder, other_folder = interview.recording.folder, other.recording.folder
    address = of(study, interview)
    answer = adas.post(f"{address}/delete?q=menu&evil=1")
    assert answer.location == f"/studies/{study.public_id}/transcripts?q=menu"
    left = rows()
    # The interview that Ada's study began with is gone, and what it had had before with it.
    assert left["interviews"] == left["recordings"] == left["searchables"] == 1
    assert {name: left[name] for name in left if name not in KEPT} == {
        name: left[name] for name in alone if name not in KEPT
    }
    assert not (settings.media / folder).exists()
    assert (settings.media / other_folder).exists()
    found = found_by("unforgettable")
    assert found is not None
    assert db.session.scalars(found).all() == [other.id]
    assert "Participant 1 was deleted" in adas.get(f"/studies/{study.public_id}/transcripts").text
    assert adas.get(address).status_code == 404


def test_nothing_is_deleted_before_it_was_confirmed(
    adas: FlaskClient, study: Study, interview: Interview
):
    dialog = adas.get(
        of(study, interview, "/delete"),
        headers={**HTMX, "HX-Current-URL": "http://localhost/x?q=menu&first=3&t=9"},
    ).text
    assert "Delete Participant 1?" in dialog
    assert "/delete?q=menu&amp;first=3" in dialog
    assert "t=9" not in dialog
    assert "has not finished" in dialog
    assert db.session.get(Interview, interview.id)


def test_a_study_is_deleted_with_everything_once_its_name_is_typed(
    adas: FlaskClient, settings: Settings, study: Study, interview: Interview, full: Full
):
    full(interview)
    study.revise_guide(study.guide.questions[:1])
    db.session.commit()
    folder = interview.recording.folder
    address = f"/studies/{study.public_id}/delete"
    assert "its one interview" in adas.get(address, headers=HTMX).text
    refused = adas.post(address, data={"typed": "Search"})
    assert refused.status_code == 422
    assert "Nothing was deleted" in refused.text
    assert (settings.media / folder).exists()
    assert adas.post(address, data={"typed": " search  Habits"}).location == "/studies"
    # It takes its time, so that is left to a worker. Until then all can see what becomes of it.
    assert "Deleting " in adas.get("/studies").text
    page = adas.get(f"/studies/{study.public_id}/settings").text
    assert "This study is being deleted" in page
    assert "Reopen" not in page
    assert study.state is Study.State.CLOSED
    assert adas.post(address, data={"typed": "search habits"}).location == "/studies"
    (deletion,) = Deletion.unclaimed()
    # Somebody was on the doorstep when it began.
    interview = Interview.begin(study.invitation, is_preview=True)
    db.session.commit()
    jobs.delete(deletion.id)
    assert "Deleting " not in adas.get("/studies").text
    assert rows() == {"researchers": 1, "receipts": 2, "sign_ins": 1}
    assert not (settings.media / folder).exists()


def test_a_draft_that_has_no_name_yet_is_deleted_by_what_it_is_called(
    adas: FlaskClient, ada: Researcher
):
    draft = Study.start(ada)
    db.session.commit()
    assert "Untitled study" in adas.get("/studies").text
    address = f"/studies/{draft.public_id}/delete"
    assert "Nobody has been interviewed" in adas.get(address).text
    assert adas.post(address, data={"typed": ""}).status_code == 422
    assert adas.post(address, data={"typed": "untitled study"}).status_code == 302
    assert rows() == {"researchers": 1, "sign_ins": 1}


def test_an_interview_is_called_what_its_researcher_calls_it(
    adas: FlaskClient, study: Study, interview: Interview
):
    address = of(study, interview, "/name")
    assert 'name="name"' in adas.get(address, headers=HTMX).text
    shown = HTMX | {"HX-Current-URL": of(study, interview)}
    answer = adas.post(address, data={"name": "  Grace \n <Hopper> "}, headers=shown).text
    assert "Grace &lt;Hopper&gt;" in answer
    assert 'hx-swap-oob="outerHTML"' in answer
    assert "Grace &lt;Hopper&gt;" in adas.get(f"/studies/{study.public_id}/transcripts").text
    assert adas.post(address, data={"name": "x" * 500}).status_code == 302
    db.session.refresh(interview)
    assert len(interview.label) == 120
    adas.post(address, data={"name": " "})
    db.session.refresh(interview)
    assert interview.label == "Participant 1"


def test_nobody_else_renames_or_deletes(strangers: FlaskClient, study: Study, interview: Interview):
    for address in (of(study, interview, "/delete"), of(study, interview, "/name")):
        assert strangers.get(address).status_code == 404
        assert strangers.post(address, data={"name": "x"}).status_code == 404
    address = f"/studies/{study.public_id}/delete"
    assert strangers.get(address).status_code == 404
    assert strangers.post(address, data={"typed": study.title}).status_code == 404
    assert db.session.scalar(text("SELECT count(*) FROM interviews")) == 1


def test_what_a_dying_process_had_begun_to_remove_is_cleared_away(
    app: Flask, interview: Interview, full: Full
):
    storage = app.extensions["storage"]
    kept = full(interview).recording.folder
    for folder in ("interviews/gone", "interviews/unknown", "interviews/going"):
        storage.append(f"{folder}/part-1.webm", b"words", at=0)
    storage.mean_to_delete(kept, "interviews/gone")
    ten_minutes_ago = (clock.now() - timedelta(minutes=10)).timestamp()
    for meant in (storage.root / ".removals").iterdir():
        os.utime(meant, (ten_minutes_ago, ten_minutes_ago))
    storage.mean_to_delete("interviews/going")

    removal.go_on(storage)

    assert not storage.path("interviews/gone").exists()
    assert any(storage.path(kept).iterdir())
    # Its rows may be about to be deleted.
    assert storage.path("interviews/going").exists()
    # Another database may know it.
    assert storage.path("interviews/unknown").exists()
    assert storage.meant_to_go(since=clock.now() + timedelta(hours=1)) == ["interviews/going"]


class Returns(Storage):
    """Its participant comes back, and records, at a moment at which files are being removed."""

    def __init__(self, root: Path, recording: Recording, *, after: str) -> None:
        super().__init__(root)
        self.recording, self.after, self.part = recording, after, None

    def _is_at(self, moment: str) -> None:
        if moment == self.after and self.part is None:
            self.part = self.recording.start_part(key="back", reported_type="audio/webm")
            db.session.commit()
            self.part.append(b"\x1aE\xdf\xa3 what is said now", at=0, storage=self)
            db.session.commit()

    def delete(self, name: str) -> None:
        self._is_at("the first file")
        super().delete(name)

    def delete_tree(self, prefix: str) -> None:
        self._is_at("the first file")
        super().delete_tree(prefix)

    def files_in(self, prefix: str) -> list[str]:
        found = super().files_in(prefix)
        self._is_at("the list")
        return found


def test_whoever_comes_back_while_their_recording_is_deleted_keeps_what_they_say_now(
    app: Flask, interview: Interview, full: Full
):
    root, recording = app.extensions["storage"].root, full(interview).recording
    earlier = app.extensions["storage"].files_in(recording.folder)
    returns = Returns(root, recording, after="the first file")
    for _ in removal.remove_recordings([interview.id], returns):
        pass
    assert returns.part
    assert returns.files_in(recording.folder) == [returns.part.file]

    # What a process that died had left of the first one goes as well, and no more than that.
    (left,) = [file for file in earlier if "/part-" in file]
    returns.append(left, b"what was said before", at=0)
    meant = root / ".removals" / quote(recording.folder, safe="")
    os.utime(meant, (0, 0))
    removal.go_on(returns)
    assert returns.files_in(recording.folder) == [returns.part.file]


def test_whoever_comes_back_while_the_rest_is_cleared_away_keeps_what_they_say_now(
    app: Flask, interview: Interview, full: Full
):
    storage, recording = app.extensions["storage"], full(interview).recording
    for _ in removal.remove_recordings([interview.id], storage):
        pass
    storage.append(f"{recording.folder}/part-late.webm", b"words", at=0)
    os.utime(storage.root / ".removals" / quote(recording.folder, safe=""), (0, 0))
    returns = Returns(storage.root, recording, after="the list")
    removal.go_on(returns)
    assert returns.part
    assert returns.files_in(recording.folder) == [returns.part.file]


def test_an_interview_that_somebody_else_deleted_leaves_the_list_as_it_is(
    adas: FlaskClient, study: Study, interview: Interview
):
    address = f"/studies/{study.public_id}/transcripts/rows?chosen=gone&sort=oldest"
    answer = adas.get(address, headers=HTMX)
    assert answer.status_code == 200
    assert interview.label in answer.text
    assert "has been deleted" in answer.text
    assert answer.headers["HX-Replace-Url"] == f"/studies/{study.public_id}/transcripts?sort=oldest"
