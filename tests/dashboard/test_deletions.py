"""What is deleted is gone: from the rows, the files, the index of words and the database's own
file; nothing brings it back, and a receipt says what it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import func, select

from qualz import background, clock, correction, jobs, preparation, removal, sweep, withdrawal
from qualz.bundle import Bundle
from qualz.comment import Comment
from qualz.database import db
from qualz.deletion import Deletion
from qualz.errors import NotFound
from qualz.happening import Happening
from qualz.happening import Kind as HappeningKind
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.leased import LeaseLost
from qualz.media.storage import Storage
from qualz.merge import Merge
from qualz.packing import Wanted
from qualz.part import Part
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.receipt import Cause, Receipt, What
from qualz.recording import Recording
from qualz.rendition import Kind, Rendition
from qualz.settings import Settings
from qualz.study import Study
from qualz.tag import Tag
from qualz.turn import Manner, Speaker, Turn
from tests.dashboard.conftest import of

MARK = "zxqmarker"
OTHERS = "kept by somebody else"


@pytest.fixture
def marked(
    app: Flask, study: Study, record: Callable[..., Part], finish: Callable[..., Recording]
) -> Interview:
    """Whose name, answers and everything else hold a mark; among others who have none."""
    study.parameters = ["pid"]
    for _ in range(30):
        other = Interview.begin(study.invitation)
        other._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text=OTHERS))
    [(link, _)] = PersonalLink.create(study, [Person(f"{MARK} One", f"{MARK}@example.org")])
    db.session.flush()
    interview = Interview.begin(link, carried={"pid": f"{MARK}-77"})
    db.session.flush()
    assert link.begin(interview)
    db.session.commit()
    part = record(interview)
    storage = app.extensions["storage"]
    storage.append(part.file, MARK.encode() * 9, at=part.bytes_durable)
    part.note_durable(storage.size(part.file))
    _is_said_and_worked_on(interview, part)
    interview.seen()
    db.session.commit()
    preparation._digest_new(interview.recording, storage)
    finish(interview)
    storage.append(f"{interview.recording.folder}/speech/1.ogg", MARK.encode(), at=0)
    Happening.note(interview, HappeningKind.READY, "merge-1")
    for _ in range(30):
        other = Interview.begin(study.invitation)
        other._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text=OTHERS))
    db.session.commit()
    bundle = Bundle.ask(study, Bundle.Kind.FILES, Wanted(forms=("json",)), [interview.id])
    db.session.commit()
    jobs.bundle(bundle.id)
    return interview


def _is_said_and_worked_on(interview: Interview, part: Part) -> None:
    ada, said = interview.study.researcher, f"{MARK} " + "and a long answer " * 400
    turn = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text=said, part=part)
    interview._append(turn)
    db.session.flush()
    interview.heard(turn, f"{said} heard")
    correction.correct(turn, f"{MARK} corrected", seen=correction.version(turn), by=ada)
    Comment.write(turn, f"{MARK} indeed", by=ada)
    highlight = Highlight.mark(turn, 0, MARK, by=ada)
    highlight.note(f"{MARK} noted", [])


def places_of(mark: str, settings: Settings) -> list[str]:
    """The files below the data folder that hold the mark, in whatever case."""
    sought = mark.encode()
    return [
        str(path.relative_to(settings.data))
        for path in sorted(settings.data.rglob("*"))
        if path.is_file() and sought in path.read_bytes().lower()
    ]


@pytest.fixture
def later(app: Flask, settings: Settings) -> Callable[[], None]:
    """The sweep comes by, minutes after."""

    def later() -> None:
        with time_machine.travel(clock.now() + timedelta(minutes=10), tick=True):
            sweep.once(settings)

    return later


@pytest.mark.sqlite_alone
def test_nothing_of_a_deleted_interview_is_in_any_file(
    app: Flask,
    adas: FlaskClient,
    settings: Settings,
    study: Study,
    marked: Interview,
    later: Callable[[], None],
):
    files = places_of(MARK, settings)
    assert [name for name in files if name.startswith("qualz.db")]
    assert len([name for name in files if name.startswith("media/interviews/")]) == 2
    assert list(settings.media.glob("exports/*/*"))
    name = marked.public_id
    adas.post(of(study, marked, "/delete"))
    later()
    assert places_of(MARK, settings) == []
    assert places_of(OTHERS, settings) != []
    assert not list(settings.media.glob("exports/*/*"))
    assert not list(settings.media.glob(f"interviews/{name}*"))


@pytest.mark.sqlite_alone
def test_nor_of_one_that_its_participant_took_back(
    app: Flask, settings: Settings, marked: Interview, later: Callable[[], None]
):
    withdrawal.withdraw(marked, app.extensions["storage"])
    later()
    assert places_of(MARK, settings) == []
    [receipt] = db.session.scalars(select(Receipt)).all()
    assert (receipt.cause, receipt.interview) == (Cause.PARTICIPANT, marked.public_id)
    assert (receipt.parts, receipt.turns) == (1, 1)


@pytest.mark.sqlite_alone
def test_nor_of_a_study(
    adas: FlaskClient,
    settings: Settings,
    study: Study,
    marked: Interview,
    later: Callable[[], None],
):
    study.tags = Tag.chosen(study, (), f"{MARK} tag")
    db.session.commit()
    name = study.public_id
    adas.post(f"/studies/{name}/delete", data={"typed": study.title})
    (deletion,) = Deletion.unclaimed()
    jobs.delete(deletion.id)
    later()
    assert places_of(MARK, settings) == []
    assert places_of(OTHERS, settings) == []
    kinds = db.session.execute(select(Receipt.what, func.count()).group_by(Receipt.what)).all()
    assert dict(map(tuple, kinds)) == {What.STUDY: 1, What.INTERVIEW: 61}
    assert f"study {name}" in adas.get("/settings/deletions").text


def test_the_receipt_names_nobody_and_shows_what_it_was(
    app: Flask, adas: FlaskClient, strangers: FlaskClient, study: Study, marked: Interview
):
    [part] = marked.recording.parts
    data = app.extensions["storage"].path(part.file).read_bytes()
    name, size = marked.public_id, len(data)
    adas.post(of(study, marked, "/delete"))
    [told] = adas.get("/settings/deletions.json").json["receipts"]
    assert told["files"] == [{"bytes": size, "sha256": hashlib.sha256(data).hexdigest()}]
    assert (told["interview"], told["study"], told["by"]) == (name, study.public_id, "Ada")
    assert (told["what"], told["cause"], told["turns"]) == ("interview", "person", 1)
    # Who has deleted it is told so once, by the name.
    adas.get("/studies")
    rows = adas.get("/settings/deletions.csv").text
    assert hashlib.sha256(data).hexdigest() in rows
    page = adas.get("/settings/deletions").text
    assert "1 interview" in page
    assert "by Ada" in page
    assert MARK not in (rows + page + str(told)).casefold()
    assert strangers.get("/settings/deletions.json").status_code == 403


def test_late_work_brings_nothing_back(
    app: Flask, settings: Settings, study: Study, marked: Interview, later: Callable[[], None]
):
    """A merge, a download and an upload were under way; each ends as it would have."""
    storage, lease = app.extensions["storage"], timedelta(minutes=1)
    folder = marked.recording.folder
    rendition = Rendition.ask(marked.recording, Kind.SOUND)
    marked.recording.state = Recording.State.STALE
    merge = Merge.begin(marked.recording)
    db.session.commit()
    assert merge
    works = [Merge.claim(merge.id, lease_for=lease), Rendition.claim(rendition.id, lease_for=lease)]

    class Slow(Storage):
        """By the time that the bytes are written nobody wants them."""

        def append(self, name: str, data: bytes, *, at: int) -> int:
            with app.app_context():
                removal.remove_interview(db.session.get_one(Interview, marked.id), storage)
            return super().append(name, data, at=at)

    late = marked.recording.start_part(key="late", reported_type="audio/webm")
    db.session.commit()
    with pytest.raises(NotFound):
        late.append(MARK.encode(), at=0, storage=Slow(storage.root))
    db.session.rollback()
    for work in works:
        assert work
        with pytest.raises(LeaseLost):
            work._renew(1.0, lease)
    for job in (jobs.merge, jobs.rendition, jobs.prepare, jobs.illustrate, jobs.hear_again):
        job(1)
    # A voice that was speaking writes its file without asking the database.
    storage.append(f"{folder}/speech/2.ogg", MARK.encode(), at=0)
    later()
    assert places_of(MARK, settings) == []
    assert not storage.path(folder).exists()


def test_the_queue_holds_numbers_and_no_words(
    app: Flask, redis_url: str, marked: Interview, study: Study
):
    queue = background.connect(redis_url)
    assert queue
    for job in ("merge", "prepare", "bundle", "delete"):
        assert background.ring(queue, job, marked.recording.id)
    held = Redis.from_url(redis_url)
    jobs_of = [value for key in held.keys("rq:job:*") for value in held.hgetall(key).values()]
    kept = [*held.keys("*"), *jobs_of]
    assert kept
    assert not [one for one in kept if MARK.encode() in one.lower()]


def test_many_go_in_the_background_and_a_killed_worker_loses_nothing(
    app: Flask, adas: FlaskClient, study: Study, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(removal, "AT_A_TIME", 2)
    people = [Interview.begin(study.invitation) for _ in range(6)]
    db.session.commit()
    form = {"interview": [one.public_id for one in people[:5]], "typed": "5"}
    list_ = f"/studies/{study.public_id}/transcripts"
    assert adas.post(f"{list_}/chosen/deletion", data=form).status_code == 303
    assert "Deleting 5 interviews" in adas.get(list_).text
    [deletion] = Deletion.shown_of(study)
    claimed = Deletion.claim(deletion.id, lease_for=timedelta(seconds=5))
    assert claimed

    class Killed(Exception):
        pass

    def dies() -> None:
        raise Killed

    with pytest.raises(Killed):
        claimed.run(
            storage=app.extensions["storage"], lease_for=timedelta(seconds=5), announce=dies
        )
    db.session.rollback()
    assert "Deleting 5 interviews: 40 %" in adas.get(f"/studies/{study.public_id}/deletions").text
    with time_machine.travel(clock.now() + timedelta(seconds=6), tick=True):
        assert [one.id for one in Deletion.unclaimed()] == [deletion.id]
        jobs.delete(deletion.id)
        left = db.session.scalars(select(Interview.number).order_by(Interview.number)).all()
        assert left == [6]
        assert "5 interviews were deleted" in adas.get(list_).text
    batches = db.session.scalars(select(Receipt.batch)).all()
    assert batches == [deletion.public_id] * 5
    jobs.delete(deletion.id)


def test_nobody_else_sees_or_begins_a_deletion(strangers: FlaskClient, study: Study):
    assert strangers.get(f"/studies/{study.public_id}/deletions").status_code == 404
