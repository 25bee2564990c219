"""Several servers with a store in common: one receives, another merges, a third shows."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz import removal, shelving, sweep, taking_back
from qualz.application import create_app
from qualz.clock import now
from qualz.conversation import Manner
from qualz.core import create_core
from qualz.database import db
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.jobs import merge as merge_job
from qualz.media.shelf import OutOfReach
from qualz.media.shelved import ShelvedStorage
from qualz.merge import Merge
from qualz.part import Part
from qualz.recording import Recording
from qualz.researcher import Researcher
from qualz.settings import Settings
from qualz.study import Study
from qualz.turn import Speaker, Turn
from tests.conftest import add_researcher
from tests.dashboard.conftest import signed_in
from tests.jobs.test_merging import LEASE, records, runs
from tests.jobs.test_redacted_merges import loudness
from tests.room.conftest import SAMPLES, Participant
from tests.store import Bucket

SOUND = (SAMPLES / "chromium-opus.webm").read_bytes()


@dataclass
class Server:
    """One of several with the same database and bucket, and a disk of its own."""

    app: Flask

    @property
    def storage(self) -> ShelvedStorage:
        storage: ShelvedStorage = self.app.extensions["storage"]
        return storage

    @property
    def settings(self) -> Settings:
        settings: Settings = self.app.extensions["settings"]
        return settings

    @property
    def spool(self) -> list[str]:
        """What lies on its disk besides copies."""
        return sorted(path.name for path in (self.storage.root / "interviews").rglob("*.*"))

    def sweeps(self, *, is_thorough: bool = True) -> None:
        with self.app.app_context():
            sweep.once(self.settings, is_thorough=is_thorough)

    def shelves(self) -> None:
        with self.app.app_context():
            sweep.shelve_once()

    def merges(self) -> int:
        """Whatever waits; answers how many."""
        with self.app.app_context():
            waiting = Merge.unclaimed()
            for one in waiting:
                claimed = Merge.claim(one.id, lease_for=LEASE)
                assert claimed
                runs(claimed, self.app)
            return len(waiting)


@pytest.fixture
def settings(settings: Settings, bucket: Bucket) -> Settings:
    return bucket.of(settings)


@pytest.fixture
def first(app: Flask) -> Server:
    return Server(app)


@pytest.fixture
def another(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Sets up one more server."""
    apps = []

    def set_up(name: str, make: Callable[[Settings], Flask] = create_core, **other: str) -> Server:
        app = make(replace(settings, data=tmp_path / name, **other))
        app.config["WTF_CSRF_ENABLED"] = False
        apps.append(app)
        return Server(app)

    yield set_up
    for app in apps:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def recording(app: Flask, interview: Interview) -> Recording:
    """Two parts that the first server received."""
    records(interview, app, "one")
    records(interview, app, "two")
    interview.complete()
    db.session.commit()
    return interview.recording


def stored(bucket: Bucket, kind: str) -> list[str]:
    return [name for name in bucket.names if name.rpartition("/")[2].startswith(kind)]


@contextmanager
def nobody() -> Iterator[str]:
    """An address at which no store answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_one_receives_another_merges_and_a_third_shows(
    first: Server, another: Callable[..., Server], bucket: Bucket, recording: Recording
) -> None:
    second, third = another("second"), another("third", create_app)
    first.sweeps()
    assert recording.state is Recording.State.NONE, "the parts are on the first one's disk alone"
    second.shelves()
    assert bucket.names == []
    first.shelves()
    assert (first.spool, len(stored(bucket, "part-"))) == ([], 2)
    assert all(bucket.read(name) == SOUND for name in stored(bucket, "part-"))
    first.sweeps()
    assert second.merges() == 1
    db.session.expire_all()
    assert recording.state is Recording.State.READY, recording.reason
    [full_session] = stored(bucket, "full-session")
    assert recording.full_session == full_session
    interview, part = recording.interview.public_id, recording.parts[0].public_id
    with third.app.app_context():
        ada = signed_in(third.app, db.session.scalars(select(Researcher)).one())
        watched = partial(ada.get, f"/media/full-sessions/{interview}")
        with watched() as whole, watched(headers={"Range": "bytes=10-19"}) as span:
            assert whole.data == bucket.read(full_session)
            assert (span.status_code, span.data) == (206, whole.data[10:20])
        with ada.get(f"/media/parts/{part}") as clip:
            assert clip.data == SOUND


def test_a_server_that_stood_still_finds_what_it_had_received(
    first: Server, bucket: Bucket, recording: Recording
) -> None:
    """It was killed between writing bytes and noting them down, too."""
    part = recording.parts[0]
    part.length = len(SOUND) + 4
    db.session.commit()
    with (first.storage.root / part.file).open("ab") as file:
        file.write(b"more")
    first.shelves()
    db.session.expire_all()
    assert part.bytes_durable == len(SOUND) + 4
    assert bucket.read(part.shelved or "") == SOUND + b"more"


def test_what_arrives_while_a_part_is_shelved_goes_with_the_next_round(
    first: Server, bucket: Bucket, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = recording.parts[0]
    part.length = len(SOUND) + 4
    db.session.commit()
    shelve = first.storage.shelve

    def slowly(name: str) -> str:
        kept = shelve(name)
        part.append(b"late", at=len(SOUND), storage=first.storage)
        db.session.commit()
        return kept

    monkeypatch.setattr(first.storage, "shelve", slowly)
    assert not shelving.shelve_part(part.id, first.storage)
    monkeypatch.undo()
    db.session.expire_all()
    assert part.shelved is None
    assert shelving.shelve_part(part.id, first.storage)
    db.session.expire_all()
    assert bucket.read(part.shelved or "") == SOUND + b"late"
    # And nothing else is kept of it.
    assert [name for name in bucket.names if part.public_id in name] == [part.shelved]


def test_what_is_read_of_a_part_stays_where_it_is_while_it_is_shelved(
    first: Server, bucket: Bucket, recording: Recording
) -> None:
    part = recording.parts[0]
    reading = first.storage.here(part.file)
    first.shelves()
    assert first.spool == []
    assert reading.read_bytes() == SOUND
    # It is the part as it is, and not as it was when somebody read it before.
    db.session.expire_all()
    first.storage.recall(part.shelved or "", part.file)
    part.length = len(SOUND) + 4
    db.session.commit()
    part.append(b"late", at=len(SOUND), storage=first.storage)
    assert first.storage.here(part.file).read_bytes() == SOUND + b"late"
    first.storage.delete_tree(recording.folder)
    assert not list(first.storage.root.rglob(f"*{part.public_id}*"))


def test_a_part_that_is_deleted_while_it_is_shelved_leaves_nothing(
    first: Server, bucket: Bucket, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelve, interview = first.storage.shelve, recording.interview

    def slowly(name: str) -> str:
        kept = shelve(name)
        removal.remove_interview(interview, first.storage)
        # It had begun before, and ends only now.
        first.storage._shelf.put(Path(__file__), kept)
        return kept

    monkeypatch.setattr(first.storage, "shelve", slowly)
    assert not shelving.shelve_part(recording.parts[0].id, first.storage)
    assert (bucket.names, first.spool) == ([], [])


class Visitor(Participant):
    """Somebody whose requests are taken by one server or another."""

    def goes_to(self, server: Server) -> Participant:
        there = Participant(server.app.test_client())
        there.client._cookies = self.client._cookies
        there.room = self.room
        return there


@pytest.fixture
def visitor(client: FlaskClient, study: Study) -> Visitor:
    visitor = Visitor(client)
    visitor.consents(study)
    visitor.arrives()
    return visitor


def test_the_rest_of_a_part_that_was_shelved_is_taken_by_any_server(
    first: Server, another: Callable[..., Server], bucket: Bucket, visitor: Visitor, study: Study
) -> None:
    second, half = another("second", create_app), len(SOUND) // 2
    upload = visitor.starts_part().location
    with time_machine.travel(now(), tick=False) as clock:
        assert visitor.sends(upload, SOUND[:half], 0).status_code == 204
        clock.shift(first.settings.hold + timedelta(seconds=1))
        first.sweeps()
        first.shelves()
        [kept] = stored(bucket, "part-")
        assert bucket.read(kept) == SOUND[:half]
        there = visitor.goes_to(second)
        there.arrives()
        assert there.asks(upload).headers["Upload-Offset"] == str(half)
        assert there.sends(upload, SOUND[half:], half).status_code == 204
        assert there.closes(upload, len(SOUND)).status_code == 204
        second.shelves()
    [whole] = stored(bucket, "part-")
    assert whole != kept
    assert bucket.read(whole) == SOUND
    assert second.spool == []


def test_a_part_that_is_not_shelved_yet_is_not_begun_anew_elsewhere(
    first: Server, another: Callable[..., Server], visitor: Visitor
) -> None:
    """Its recorder has nothing any more of what was acknowledged."""
    second = another("second", create_app)
    upload = visitor.starts_part().location
    assert visitor.sends(upload, SOUND[:100], 0).status_code == 204
    there = visitor.goes_to(second)
    for answer in (there.asks(upload), there.sends(upload, SOUND[100:], 100)):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "Upload-Offset" not in answer.headers
    assert visitor.sends(upload, SOUND[100:], 100).status_code == 204
    assert (first.storage.root / db.session.scalars(select(Part)).one().file).read_bytes() == SOUND


def test_what_was_called_back_and_did_not_grow_goes_again(
    first: Server, another: Callable[..., Server], recording: Recording
) -> None:
    second = another("second")
    first.shelves()
    db.session.expire_all()
    part = recording.parts[0]
    second.storage.recall(part.shelved or "", part.file)
    second.shelves()
    assert len(second.spool) == 1
    with time_machine.travel(now() + timedelta(hours=2)):
        second.shelves()
    assert second.spool == []


def test_nothing_of_a_deleted_interview_is_left_on_any_server(
    first: Server, another: Callable[..., Server], bucket: Bucket, recording: Recording
) -> None:
    second, third = another("second"), another("third")
    first.shelves()
    first.sweeps()
    second.merges()
    db.session.expire_all()
    part = recording.parts[0]
    third.storage.recall(part.shelved or "", part.file)
    with third.app.app_context():
        removal.remove_interview(
            db.session.get_one(Interview, recording.interview_id), third.storage
        )
    assert bucket.names == []
    assert first.storage.interviews_here() == second.storage.interviews_here() != set()
    for server in (first, second):
        server.shelves()
    with time_machine.travel(now() + timedelta(minutes=10)):
        for server in (first, second):
            server.shelves()
    for server in (first, second, third):
        assert server.storage.interviews_here() == set()


def test_an_answer_that_was_taken_back_is_in_no_file_of_the_store(
    first: Server, another: Callable[..., Server], bucket: Bucket, interview: Interview
) -> None:
    second = another("second")
    part = records(interview, first.app, "one")
    said = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SPOKEN, key="k", text="")
    said.part, said.begins_ms, said.ends_ms = part, 1500, 3000
    interview._append(said)
    after = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, key="l", text="More")
    interview._append(after)
    interview.complete()
    db.session.commit()
    first.shelves()
    first.sweeps()
    assert second.merges() == 1
    db.session.expire_all()
    before = bucket.names
    taking_back.take_back(interview, said.position, first.storage)
    assert stored(bucket, "full-session") == []
    first.sweeps()
    assert second.merges() == 1
    db.session.expire_all()
    assert interview.recording.state is Recording.State.READY, interview.recording.reason
    assert said.erased_at
    [kept] = stored(bucket, "part-")
    assert kept == part.shelved
    assert kept not in before
    assert not set(before) & set(bucket.names)
    for name in (kept, *stored(bucket, "full-session")):
        (first.storage.root / "heard.webm").write_bytes(bucket.read(name))
        assert loudness(first.storage.root / "heard.webm", 1.5, 3.0) < -80
        assert loudness(first.storage.root / "heard.webm", 3.5, 4.5) > -45


def test_while_the_store_is_away_parts_wait_and_participants_notice_nothing(
    first: Server,
    another: Callable[..., Server],
    settings: Settings,
    bucket: Bucket,
    visitor: Visitor,
    study: Study,
) -> None:
    with nobody() as address:
        cut_off = Server(create_app(replace(settings, s3_endpoint=address)))
        there = visitor.goes_to(cut_off)
        upload = there.uploads(SOUND)
        cut_off.shelves()
        cut_off.sweeps()
        with cut_off.app.app_context():
            part = db.session.scalars(select(Part)).one()
            assert (part.shelved, part.is_whole) == (None, True)
            db.engine.dispose()
    assert visitor.asks(upload).headers["Upload-Offset"] == str(len(SOUND))
    first.shelves()
    assert [bucket.read(name) for name in bucket.names] == [SOUND]


def test_a_merge_that_does_not_reach_the_store_is_tried_again_for_as_long_as_it_takes(
    first: Server, another: Callable[..., Server], recording: Recording
) -> None:
    first.shelves()
    first.sweeps()
    with nobody() as address:
        second = another("second", s3_endpoint=address)
        with second.app.app_context():
            for minutes in range(6):
                with time_machine.travel(now() + timedelta(minutes=minutes)):
                    [waiting] = Merge.unclaimed()
                    with pytest.raises(OutOfReach):
                        merge_job(waiting.id)
    with time_machine.travel(now() + timedelta(minutes=7)):
        assert another("third").merges() == 1
    db.session.expire_all()
    assert recording.state is Recording.State.READY, recording.reason


def test_a_page_says_so_when_the_store_does_not_answer(
    first: Server, another: Callable[..., Server], recording: Recording
) -> None:
    first.shelves()
    add_researcher("Ben", "ben@example.org")
    with nobody() as address:
        third = another("third", create_app, s3_endpoint=address)
        with third.app.app_context():
            ada = signed_in(third.app, db.session.scalars(select(Researcher)).first())
            answer = ada.get(f"/media/parts/{recording.parts[0].public_id}")
    assert answer.status_code == 503
    assert "Nothing is lost" in answer.text


def test_a_merge_that_somebody_asks_for_before_the_parts_are_there_waits_for_them(
    first: Server, another: Callable[..., Server], recording: Recording
) -> None:
    second = another("second")
    Merge.begin(recording)
    db.session.commit()
    second.merges()
    db.session.expire_all()
    assert recording.state is Recording.State.MERGING
    first.shelves()
    with time_machine.travel(now() + timedelta(minutes=1)):
        assert second.merges() == 1
    db.session.expire_all()
    assert recording.state is Recording.State.READY, recording.reason


def test_an_answer_is_heard_where_its_sound_is(
    first: Server, another: Callable[..., Server], interview: Interview
) -> None:
    second = another("second")
    part = records(interview, first.app, "one")
    said = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SPOKEN, key="k", text="")
    said.part, said.begins_ms, said.ends_ms = part, 1500, 3000
    interview._append(said)
    said.hearings.append(Hearing())
    db.session.commit()
    with second.app.app_context():
        hearing = Hearing.claim(said.hearings[0].id, lease_for=LEASE)
        assert hearing
        hearing.run(
            listener=object(),  # type: ignore[arg-type] # it is not come to
            storage=second.storage,
            ffmpeg=second.app.extensions["ffmpeg"],
            lease_for=LEASE,
        )
    db.session.expire_all()
    told = said.hearings[0]
    assert (told.state, told.attempts) == (Hearing.State.RUNNING, 0)
    assert told.reason == "Its sound is on another server."
