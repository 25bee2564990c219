"""The world that every route is asked about: a study that only chosen people see, one of everything
in it, and people of all kinds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import func, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from qualz import clock, correction, redacting, stimuli, team
from qualz.answers_link import AnswersLink
from qualz.api_token import ApiToken
from qualz.application import create_app
from qualz.bundle import Bundle
from qualz.comment import Comment
from qualz.conversation import Act, Manner
from qualz.core import create_core  # noqa: F401
from qualz.dashboard import entrances
from qualz.database import Model, db
from qualz.delivery import Delivery
from qualz.excerpt import Excerpt
from qualz.happening import Happening
from qualz.happening import Kind as Happened
from qualz.hearing import Hearing
from qualz.highlight import Highlight
from qualz.identity import Identity
from qualz.interview import Interview
from qualz.leased import Leased
from qualz.merge import Merge
from qualz.notification import Notification
from qualz.packing import Wanted
from qualz.part import EndReason
from qualz.password_reset import PasswordReset
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.question import Question
from qualz.recording import Recording
from qualz.rendition import Kind as Form
from qualz.rendition import Rendition
from qualz.researcher import Researcher, SetUpLink
from qualz.resume_link import ResumeLink
from qualz.role import Role
from qualz.settings import Settings
from qualz.sign_in import SignIn
from qualz.study import Study
from qualz.study_access import StudyAccess
from qualz.tag import Tag
from qualz.team_invitation import TeamInvitation
from qualz.turn import Speaker, Turn
from qualz.webhook import Webhook
from tests.conftest import add_researcher
from tests.dashboard.conftest import signed_in
from tests.room.conftest import Participant

SAMPLES = Path(__file__).parent / "samples"
SAID = "It is honey from the attic"
ANSWERS = ("room.answers", "room.take_back", "room.take_back_all")
SAFE = {"GET", "HEAD", "OPTIONS"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@dataclass
class World:
    """A study that only chosen people see, one of everything in it, and people of all kinds."""

    app: Flask
    data: Path
    named: dict[str, Any] = field(default_factory=dict)
    browsers: dict[str, FlaskClient] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    other_study: str = ""

    def asks(self, who: str, rule: Rule, method: str, **instead: Any) -> TestResponse:
        db.session.remove()
        headers = {"Accept": "text/html, */*"}
        if rule.endpoint.startswith("uploads."):
            headers |= {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
            headers["Content-Type"] = "application/offset+octet-stream"
        if rule.rule.startswith("/api/") and who in self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        address = rule.build({**self._arguments(rule), **instead})
        assert address, rule
        browser = self.browsers[who]
        # A page of the room says where it is before it says anything else.
        said = {"place": "a tab", "key": "a key"} if rule.endpoint.startswith("room.") else None
        sent: dict[str, Any] = {"json": said} if said and method not in SAFE else {}
        return browser.open(address[1], method=method, headers=headers, buffered=True, **sent)

    def _arguments(self, rule: Rule) -> dict[str, Any]:
        known = {**self.named, **self.named.get(rule.endpoint, {})}
        assert rule.arguments <= known.keys(), f"no example for {rule}: add one to the world"
        return {name: known[name] for name in rule.arguments}

    def keep(self) -> None:
        db.session.remove()
        db.engine.dispose()
        shutil.copytree(self.data, self.data.parent / "kept")

    def is_made_anew(self) -> None:
        """After somebody changed something as they may."""
        db.session.remove()
        db.engine.dispose()
        shutil.rmtree(self.data)
        shutil.copytree(self.data.parent / "kept", self.data)
        # Those who signed in since then are not known to it.
        sign_in(self)

    def counts(self) -> dict[str, int]:
        db.session.remove()
        tables = Model.metadata.sorted_tables
        # Whoever looks is written into one of them.
        kept = [table for table in tables if not table.name.startswith("audit_")]
        return {t.name: db.session.scalar(select(func.count()).select_from(t)) or 0 for t in kept}


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    blank_database: Path,
    compiled_templates: FileSystemBytecodeCache,
) -> Iterator[World]:
    data = tmp_path_factory.mktemp("questions") / "data"
    data.mkdir()
    shutil.copyfile(blank_database, data / "qualz.db")
    app = create_app(
        Settings(
            data=data,
            database_url=f"sqlite:///{data / 'qualz.db'}",
            secret_key="only-for-tests-" * 3,
            hearing="none",
            speaking="none",
            testing=True,
        )
    )
    app.jinja_env.bytecode_cache = compiled_templates
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        world = World(app, data)
        _fill(world)
        world.keep()
        yield world
        db.session.remove()
        db.engine.dispose()


def _fill(world: World) -> None:
    ada = add_researcher("Ada", "ada@example.org")
    people = {
        "ada the owner": ada,
        "adam the admin": add_researcher("Adam", "adam@example.org", role=Role.ADMIN),
        "rosa the researcher": add_researcher("Rosa", "rosa@example.org"),
        "vera the viewer": add_researcher("Vera", "vera@example.org", role=Role.VIEWER),
        "olaf without access": add_researcher("Olaf", "olaf@example.org"),
        "gus the guest": add_researcher("Gus", "gus@example.org", is_guest=True),
        "lena who left": add_researcher("Lena", "lena@example.org"),
    }
    rosa, vera, lena = (people[f"{who}"] for who in people if who[:4] in ("rosa", "vera", "lena"))
    for who, person in people.items():
        _, world.tokens[who] = ApiToken.create(person, "a program", validity=None)
    study, other = _study(world, ada, "Secret bees"), _study(world, ada, "Open wasps")
    for one in (study, other):
        StudyAccess.choose(one, [rosa, vera, lena], is_for_team=False)
    lena.left_at = clock.now()
    db.session.commit()
    world.other_study = other.public_id
    world.named["people"] = {who: person.id for who, person in people.items()}
    sign_in(world)
    interview = _come(world, study)
    _record(world, interview)
    _talk(world, interview, rosa)
    _surround(world, interview, rosa)
    _hide(world, study, rosa)
    world.named |= {
        "study_id": study.public_id,
        "interview_id": interview.public_id,
        "public_id": interview.public_id,
        "number": 2,
        "position": 1,
        "step": "basics",
        "question": "q1",
        "form": "txt",
        "name": "nothing",
        "filename": "css/base.css",
        "person_id": people["olaf without access"].id,
        "rosa": rosa.id,
    }
    db.session.commit()


def sign_in(world: World) -> None:
    for who, person_id in world.named["people"].items():
        world.browsers[who] = signed_in(world.app, db.session.get_one(Researcher, person_id))
    world.browsers["nobody"] = world.app.test_client()
    rosa = db.session.get_one(Researcher, world.named["people"]["rosa the researcher"])
    world.named["sign_in_id"] = SignIn.living_of(rosa, entrances.lengths())[0].public_id
    db.session.commit()


def _study(world: World, ada: Researcher, title: str) -> Study:
    study = Study.start(ada, title=title)
    db.session.flush()
    shown = stimuli.keep(study, BytesIO(PNG + title.encode()), world.app.extensions["storage"])
    world.named.setdefault("file", shown.source.rpartition("/")[2])
    study.revise_guide([Question(id="q1", text="What is in your attic?", stimulus=shown)])
    study.open()
    db.session.flush()
    return study


def _come(world: World, study: Study) -> Interview:
    for who in ("pia the participant", "paul the participant"):
        world.browsers[who] = world.app.test_client()
        came = Participant(world.browsers[who])
        came.consents(study)
        found = db.session.scalars(select(Interview).order_by(Interview.id.desc()).limit(1)).one()
        world.named["paul"] = found.public_id
    interview = db.session.scalars(select(Interview).order_by(Interview.id)).first()
    assert interview
    interview.rename("Queen Pia")
    return interview


def _record(world: World, interview: Interview) -> None:
    recording, storage = interview.recording, world.app.extensions["storage"]
    data = (SAMPLES / "chromium-opus.webm").read_bytes()
    part = recording.start_part(key="one", reported_type="audio/webm", started_at=clock.now())
    db.session.flush()
    part.bytes_durable = storage.append(part.file, data, at=0) or len(data)
    part.last_byte_at = clock.now()
    part.close(EndReason.FINISHED)
    recording.full_session = f"{recording.folder}/full-session.webm"
    for file in (recording.full_session, recording.poster, recording.peaks):
        storage.append(file, data, at=0)
    recording.full_session_type, recording.ready_at = "video/webm", clock.now()
    recording.report = {
        "duration": 6.0,
        "parts": [{"part": part.public_id, "label": part.label, "start": 0.0}],
    }
    recording.state = Recording.State.READY
    db.session.commit()
    world.named |= {"part_id": part.public_id, "upload": part.public_id}


def _talk(world: World, interview: Interview, rosa: Researcher) -> None:
    part = interview.recording.parts[0]
    interview._append(Turn(speaker=Speaker.MODERATOR, act=Act.QUESTION, text="What is there?"))
    turn = Turn(
        speaker=Speaker.PARTICIPANT,
        manner=Manner.SPOKEN,
        text=SAID,
        part=part,
        begins_ms=0,
        ends_ms=5000,
    )
    interview._append(turn)
    words = [{"w": word, "s": n / 2, "e": n / 2 + 0.4} for n, word in enumerate(SAID.split())]
    turn.hearings.append(Hearing(state=Hearing.State.DONE, text=SAID, words=words))
    db.session.commit()
    correction.correct(turn, f"{SAID}!", seen=correction.version(turn), by=rosa)
    comment = Comment.write(turn, "Buzzing remark", by=rosa)
    highlight = Highlight.mark(turn, 6, "honey", by=rosa)
    (tag,) = Tag.chosen(interview.study, [], "Waggle")
    highlight.note("", [tag])
    db.session.commit()
    world.named |= {
        "comment_id": comment.public_id,
        "highlight_id": highlight.public_id,
        "tag_id": tag.public_id,
    }
    _done(world, "excerpt_id", Excerpt.ask(highlight))


def _surround(world: World, interview: Interview, rosa: Researcher) -> None:
    study, recording, app = interview.study, interview.recording, world.app
    _done(world, "rendition_id", Rendition.ask(recording, Form.MP4))
    wanted = Wanted(forms=(), recording=True)
    _done(world, "bundle_id", Bundle.ask(study, Bundle.Kind.FILES, wanted, [interview.id]))
    merge = Merge(recording=recording)
    db.session.add(merge)
    link, _ = ResumeLink.create(interview, validity=timedelta(days=7))
    answers_link, theirs = AnswersLink.create(interview, validity=timedelta(days=7))
    ((personal, _),) = PersonalLink.create(study, [Person("Bea", "bea@example.org")])
    happening = Happening(interview=interview, kind=Happened.READY, occurrence="one")
    happening.told_at = clock.now()
    webhook, _ = Webhook.add(rosa, "http://localhost:9/", list(Happened), app.extensions["vault"])
    identity = Identity(
        researcher=rosa, issuer="https://example.org", subject="rosa", email="rosa@example.org"
    )
    db.session.add_all([happening, identity])
    db.session.flush()
    for person_id in world.named["people"].values():
        Notification.give(happening, person_id)
    ada = team.first_owner()
    assert ada
    invitation, joining = TeamInvitation.create(by=ada, role=Role.VIEWER)
    delivery = Delivery.test(webhook)
    db.session.flush()
    mine = select(Notification).where(Notification.researcher_id == rosa.id)
    world.named |= {
        "merge_id": merge.id,
        "link_id": personal.public_id,
        "dashboard.revoke_resume_link": {"link_id": link.id},
        "notification_id": db.session.scalars(mine).one().public_id,
        "token_id": ApiToken.all_of(rosa)[0].public_id,
        "webhook_id": webhook.public_id,
        "delivery_id": delivery.public_id,
        "invitation_id": invitation.public_id,
        "token": study.invitation.token,
        "dashboard.join_team": {"token": joining},
        **{key: {"token": theirs} for key in ANSWERS},
        "dashboard.revoke_answers_link": {"link_id": answers_link.id},
        "dashboard.reset_password": {"token": PasswordReset.begin(rosa)},
        "dashboard.export_audit_log": {"form": "csv"},
        "identity_id": identity.public_id,
        "dashboard.set_up_account": {"token": SetUpLink.renew() or "over"},
        "api.clip": {"number": 1},
        "dashboard.retry_work": {"kind": "merge", "work_id": merge.id},
    }


def _hide(world: World, study: Study, rosa: Researcher) -> None:
    """Another interview of the study, in which a word is redacted."""
    interview = Interview.begin(study.invitation)
    db.session.flush()
    shown = {name: world.named[name] for name in ("part_id", "upload")}
    _record(world, interview)
    world.named |= shown
    interview._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text="My name is Bea"))
    db.session.commit()
    redaction = redacting.redact(interview.turns[0], 11, "Bea", by=rosa)
    # Not by a slip of just now.
    redaction.made_at -= timedelta(days=1)
    interview.recording.original = interview.recording.poster
    db.session.commit()
    hidden = {"interview_id": interview.public_id, "redaction_id": redaction.public_id}
    for name in ("dashboard.undo_redaction", "dashboard.show_original", "dashboard.original"):
        world.named[name] = hidden


def _done(world: World, name: str, work: Excerpt | Rendition | Bundle) -> None:
    """As a worker would have made it."""
    db.session.flush()
    work.file = f"made/{name}"
    work.bytes = world.app.extensions["storage"].append(work.file, b"made", at=0) or 4
    work.state, work.ended_at = Leased.State.DONE, clock.now()
    if isinstance(work, Bundle):
        work.held = 1
    world.named[name] = work.public_id
