"""An interview keeps its place through whatever happens to its participant."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qualz import moderation, presence
from qualz.ai.scripted import ScriptedModerator
from qualz.conversation import Act, Manner
from qualz.database import db, once_more_if_taken
from qualz.drop import PRESENT_FOR
from qualz.errors import ElsewhereInRoom, InterviewEnded, LinkUnusable, StudyClosed
from qualz.guide import Question
from qualz.interview import Interview
from qualz.invitation import Invitation
from qualz.resume_link import ResumeLink
from qualz.study import Study
from qualz.tokens import digest

WEEK = timedelta(weeks=1)


def hears(interview: Interview) -> str:
    return moderation.hear(interview, ScriptedModerator()).text


def types(interview: Interview, text: str, key: str | None = None) -> None:
    assert interview.last_said
    interview.answer(
        key=key or text, to=interview.last_said.position, manner=Manner.TYPED, text=text
    )
    db.session.commit()


def arrives(interview: Interview, place: str = "laptop", **how: bool) -> bool:
    moved = interview.arrive(place, **how)
    db.session.commit()
    return moved


def lapse(interview: Interview, grace: timedelta) -> None:
    """The sweep looks who is still there."""
    presence.interrupt_lapsed(grace=grace)
    db.session.commit()
    db.session.refresh(interview)


def test_a_reload_hears_the_same_question_again(interview: Interview):
    assert hears(interview) == hears(interview) == "How do you search?"
    assert len(interview.turns) == 1


def test_an_answer_sent_twice_is_kept_once(interview: Interview):
    hears(interview)
    position = interview.last_said.position
    for _ in range(2):
        interview.answer(
            key="a", to=position, manner=Manner.TYPED, text="With a search box, mostly"
        )
        db.session.commit()
    assert hears(interview) == "What annoys you?"
    assert len(interview.turns) == 3


def test_an_answer_to_a_question_that_is_over_changes_nothing(interview: Interview):
    hears(interview)
    types(interview, "With the search box at the top of the page")
    assert hears(interview) == "What annoys you?"
    interview.answer(key="late", to=1, manner=Manner.TYPED, text="Too late")
    assert hears(interview) == "What annoys you?"


def test_a_second_tab_must_ask_to_take_over_and_a_reload_must_not(interview: Interview):
    arrives(interview, "laptop")
    assert arrives(interview, "laptop") is False
    with pytest.raises(ElsewhereInRoom):
        arrives(interview, "phone")
    assert arrives(interview, "phone", take_over=True) is True
    assert presence.beat(interview, "laptop", {}) is False


def test_a_place_that_fell_silent_need_not_be_asked(interview: Interview):
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as clock:
        arrives(interview, "laptop")
        clock.shift(PRESENT_FOR)
        assert arrives(interview, "phone") is True


def test_it_is_reconnecting_after_five_seconds_and_interrupted_after_the_grace(
    interview: Interview,
):
    grace = timedelta(seconds=10)
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as clock:
        arrives(interview)
        assert presence.of(interview) is presence.Presence.LIVE
        clock.shift(timedelta(seconds=5))
        assert presence.of(interview) is presence.Presence.RECONNECTING
        lapse(interview, grace)
        assert interview.state is Interview.State.LIVE
        clock.shift(timedelta(seconds=6))
        lapse(interview, grace)
        assert interview.state is Interview.State.INTERRUPTED
        arrives(interview)
        assert interview.state is Interview.State.LIVE


def test_one_that_nobody_comes_back_to_is_abandoned_after_a_week(interview: Interview):
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as clock:
        arrives(interview)
        clock.shift(WEEK)
        lapse(interview, timedelta(seconds=10))
        clock.shift(WEEK + timedelta(seconds=1))
        presence.abandon_forgotten()
        db.session.refresh(interview)
        assert interview.state is Interview.State.ABANDONED


def test_a_completed_one_lets_nobody_in_until_it_is_reopened(interview: Interview):
    hears(interview)
    interview.complete()
    with pytest.raises(InterviewEnded):
        arrives(interview)
    interview.reopen()
    arrives(interview)
    assert hears(interview) == "How do you search?"


def test_one_reopened_is_open_to_another_device_at_once(interview: Interview):
    arrives(interview, "laptop")
    interview.complete()
    interview.reopen()
    assert arrives(interview, "phone") is False
    assert presence.beat(interview, "laptop", {}) is False


def test_one_reopened_where_nobody_comes_is_completed_as_before(interview: Interview):
    hold = timedelta(minutes=15)
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as clock:
        interview.complete()
        interview.reopen()
        db.session.commit()
        clock.shift(hold + timedelta(seconds=1))
        presence.complete_again(hold=hold)
        db.session.refresh(interview)
        assert interview.state is Interview.State.COMPLETED


def test_one_reopened_after_the_goodbye_asks_what_to_add(interview: Interview):
    for answer in ("With the search box of course, always", "Nothing at all"):
        hears(interview)
        types(interview, answer)
    hears(interview)
    assert interview.has_been_closed
    interview.complete()
    interview.reopen()
    assert hears(interview) == "Welcome back. What would you like to add to what you told me?"
    types(interview, "One more thing")
    hears(interview)
    assert interview.last_said.act is Act.CLOSING


def test_a_guide_that_is_in_use_is_not_changed_but_followed_by_another(
    study: Study, interview: Interview
):
    study.revise_guide([Question(id="new", text="Something else?")])
    db.session.commit()
    assert hears(interview) == "How do you search?"
    assert hears(Interview.begin(study.invitation)) == "Something else?"
    assert [guide.version for guide in study.guides] == [1, 2]


def test_a_study_that_is_not_open_begins_no_interview(study: Study):
    study.state = Study.State.DRAFT
    with pytest.raises(StudyClosed):
        Interview.begin(study.invitation)


@pytest.fixture
def resume_token(interview: Interview) -> str:
    _, token = ResumeLink.create(interview, validity=WEEK)
    db.session.commit()
    return token


def test_a_resume_link_leads_back_for_one_week(interview: Interview, resume_token: str):
    assert ResumeLink.opened_by(resume_token).interview is interview
    with (
        time_machine.travel(ResumeLink.opened_by(resume_token).expires_at),
        pytest.raises(LinkUnusable),
    ):
        ResumeLink.opened_by(resume_token)


def test_a_revoked_resume_link_leads_nowhere(resume_token: str):
    ResumeLink.opened_by(resume_token).revoke()
    with pytest.raises(LinkUnusable):
        ResumeLink.opened_by(resume_token)


def test_only_a_digest_of_a_resume_links_token_is_kept(app: Flask, resume_token: str):
    db.session.commit()
    dump = [row for table in db.metadata.sorted_tables for row in db.session.execute(select(table))]
    assert resume_token not in str(dump)
    assert digest(resume_token) in str(dump)


def test_everybody_who_begins_at_the_same_moment_has_a_number_of_their_own(
    app: Flask, study: Study
):
    # SQLite has one writer at a time, and who comes second is tried once more.
    many, each = (2, 1) if db.engine.dialect.name == "sqlite" else (8, 5)
    invitation, all_there = study.invitation.id, threading.Barrier(many)

    def begins() -> list[int]:
        with app.app_context():
            asked_for = db.session.get_one(Invitation, invitation)
            assert asked_for.study.guide
            all_there.wait(10)

            def begin() -> int:
                interview = Interview.begin(asked_for)
                db.session.commit()
                return interview.number

            numbers = [once_more_if_taken(begin) for _ in range(each)]
            db.session.remove()
            return numbers

    with ThreadPoolExecutor(many) as pool:
        found = [pool.submit(begins) for _ in range(many)]
        numbers = [number for one in found for number in one.result(20)]
    assert sorted(numbers) == list(range(1, many * each + 1))
