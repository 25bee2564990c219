"""One decision for each answer, whatever happens to whom while it is made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from qualz import moderation
from qualz.ai.scripted import ScriptedModerator
from qualz.conversation import Act, Conversation, Kind, Manner
from qualz.database import db
from qualz.event import Event
from qualz.guide import FollowUp, Question
from qualz.interview import Interview
from qualz.moderator import Brief, Origin, Proposal
from qualz.recap import where_we_were
from qualz.study import Study

GUIDE = [
    Question(id="q1", text="How do you search?", follow_up=FollowUp.ALWAYS),
    Question(id="q2", text="What annoys you?", follow_up=FollowUp.NEVER),
]
ASKED = "What was the first thing that you typed?"


class Thinking:
    """A moderator that takes its time, and does meanwhile what it is told to."""

    patience = 5.0

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.meanwhile = meanwhile
        self.briefs: list[Brief] = []

    def propose(self, brief: Brief) -> Proposal:
        self.briefs.append(brief)
        self.meanwhile()
        return Proposal(wants_probe=True, text=ASKED, origin=Origin.MODEL)


class Killed(BaseException):
    """The process dies."""


@pytest.fixture
def interview(study: Study) -> Interview:
    """One that stands at its first question, about which a moderator may ask more."""
    study.revise_guide(GUIDE)
    interview = Interview.begin(study.invitation)
    db.session.commit()
    moderation.hear(interview, ScriptedModerator())
    return interview


def types(interview: Interview, text: str = "By typing into the box") -> None:
    last = interview.last_said
    interview.answer(key=f"k{last.position}", to=last.position, manner=Manner.TYPED, text=text)
    db.session.commit()


def kinds(interview: Interview) -> list[Kind]:
    return [event.kind for event in interview.events]


def test_the_answer_is_kept_and_no_connection_is_held_while_a_model_thinks(interview: Interview):
    seen: list[object] = []

    def look() -> None:
        seen.append(db.engine.pool.checkedout())
        with db.engine.connect() as other:
            held = other.execute(select(Event.kind).order_by(Event.position)).scalars().all()
        seen.extend(held[-2:])

    types(interview)
    assert moderation.hear(interview, Thinking(look)).text == ASKED
    assert seen == [0, Kind.ANSWERED, Kind.DECIDING]


def test_a_resume_shows_what_was_said_and_asks_no_model_anew(interview: Interview):
    model = Thinking()
    types(interview)
    for _ in range(3):
        assert moderation.hear(interview, model).text == ASKED
    assert len(model.briefs) == 1


def test_a_model_is_not_asked_again_when_its_process_died_over_it(interview: Interview):
    def die() -> None:
        raise Killed

    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as clock:
        types(interview)
        with pytest.raises(Killed):
            moderation.hear(interview, Thinking(die))
        db.session.rollback()
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            assert db.engine.pool.checkedout() == 0
            clock.shift(timedelta(seconds=seconds))

        late = Thinking()
        said = moderation.hear(interview, late, sleep=sleep)
    assert late.briefs == []
    assert said.act == "probe"
    assert said.text != ASKED
    assert sum(slept) == pytest.approx(Thinking.patience + moderation.MARGIN, abs=0.2)


def test_whoever_comes_while_a_model_thinks_hears_what_it_decided(app: Flask, interview: Interview):
    asked, heard = threading.Event(), []
    waits = threading.Event()

    def come() -> None:
        asked.wait(10)
        with app.app_context():
            mine = db.session.scalars(select(Interview)).one()
            heard.append(moderation.hear(mine, Thinking(), sleep=wait).text)

    def wait(seconds: float) -> None:
        waits.set()
        time.sleep(0.01)

    def think() -> None:
        asked.set()
        assert waits.wait(10)

    other = threading.Thread(target=come)
    other.start()
    types(interview)
    said = moderation.hear(interview, Thinking(think)).text
    other.join(10)
    assert heard == [said] == [ASKED]
    assert kinds(interview).count(Kind.DECIDING) == 1


def test_what_comes_after_somebody_else_decided_is_let_go(app: Flask, interview: Interview):
    """The model is slower than it may be, and the script has spoken for it."""

    def be_overtaken() -> None:
        with app.app_context():
            mine = db.session.scalars(select(Interview)).one()
            with time_machine.travel("2036-01-01"):
                moderation.hear(mine, Thinking())

    types(interview)
    said = moderation.hear(interview, Thinking(be_overtaken))
    assert said.text != ASKED
    assert kinds(interview)[-2:] == [Kind.DECIDING, Kind.SAID]


def test_two_that_decide_at_once_say_one_thing(app: Flask, interview: Interview):
    class Overtaken:
        patience = 0.0

        def propose(self, brief: Brief) -> Proposal:
            with app.app_context():
                mine = db.session.scalars(select(Interview)).one()
                moderation.hear(mine, ScriptedModerator())
            return Proposal(wants_probe=True, text=ASKED, origin=Origin.MODEL)

    types(interview)
    said = moderation.hear(interview, Overtaken())
    assert said.text != ASKED
    assert kinds(interview).count(Kind.SAID) == 2
    assert len(interview.turns) == 3


def test_a_place_in_the_log_is_given_once(interview: Interview):
    db.session.add(Event(interview_id=interview.id, position=1, kind=Kind.ENDED, payload={}))
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()


def test_the_log_tells_under_which_guide_and_terms_it_began(study: Study, interview: Interview):
    terms = interview.conversation.terms
    study.language, study.most_follow_ups = "de", 0
    study.revise_guide([Question(id="new", text="Something else?")])
    db.session.commit()
    assert interview.conversation.terms == terms
    assert terms.guide == interview.guide.digest != study.guide.digest


def test_what_was_heard_of_a_spoken_answer_counts_from_then_on(interview: Interview):
    interview.answer(key="k", to=1, manner=Manner.SPOKEN)
    db.session.commit()
    interview.heard(interview.turns[-1], "it is tedious to type")
    db.session.commit()
    assert "“tedious”" in moderation.hear(interview, ScriptedModerator()).text
    assert interview.turns[1].text == "it is tedious to type"


def test_what_is_heard_while_a_model_thinks_is_heeded(interview: Interview):
    interview.answer(key="k", to=1, manner=Manner.SPOKEN)
    db.session.commit()

    def is_heard() -> None:
        interview.heard(interview.turns[-1], "I want to die")
        db.session.commit()

    assert moderation.hear(interview, Thinking(is_heard)).act is Act.SAFEGUARD


def test_whoever_ends_the_interview_while_a_model_thinks_is_asked_no_more(interview: Interview):
    types(interview)

    def ends() -> None:
        interview.complete(early=True)
        db.session.commit()

    said = moderation.hear(interview, Thinking(ends))
    assert said.text == GUIDE[0].text
    assert kinds(interview)[-1] is Kind.ENDED


def recap(interview: Interview, *, quoting: bool = True) -> str:
    return where_we_were(interview.conversation, interview.guide.questions, quoting=quoting)


def test_who_comes_back_is_told_where_they_were(study: Study, interview: Interview):
    assert recap(Interview.begin(study.invitation)) == ""
    assert recap(interview) == "Welcome back. We had only just begun."
    types(interview, "By typing\ninto the box")
    moderation.hear(interview, ScriptedModerator())
    assert recap(interview) == (
        "Welcome back. We were at question 1 of 2; the last thing you told me was: "
        "“By typing into the box”"
    )
    types(interview, "I want to die when it is that slow")
    moderation.hear(interview, ScriptedModerator())
    assert recap(interview) == "Welcome back. We were at question 1 of 2."
    assert recap(interview, quoting=False) == "Welcome back. We were at question 1 of 2."
    for _ in range(2):
        types(interview, "word " * 90)
        moderation.hear(interview, ScriptedModerator())
    assert recap(interview).endswith("you can add to your answers.")


def test_long_words_of_theirs_are_cut(interview: Interview):
    types(interview, "word " * 90)
    moderation.hear(interview, ScriptedModerator())
    assert recap(interview).endswith("word word…”")
    assert len(recap(interview)) < 180


def test_the_same_log_tells_the_same_wherever_it_is_read(interview: Interview):
    types(interview)
    moderation.hear(interview, ScriptedModerator())
    with db.engine.connect() as other:
        rows = other.execute(select(Event.kind, Event.payload).order_by(Event.position)).all()
    assert Conversation.of((kind, payload) for kind, payload in rows) == interview.conversation
