"""Happenings: told when and only when they happened, once, to whom they concern."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qualz import clock, jobs, moderation, presence, removal, sweep, telling, withdrawal
from qualz.ai.scripted import ScriptedModerator
from qualz.conversation import Manner
from qualz.database import db
from qualz.delivery import Delivery
from qualz.happening import KEPT, Happening, Kind
from qualz.headline import headline
from qualz.interview import Interview
from qualz.mail import Mail
from qualz.merge import Merge
from qualz.notification import Notification, NotificationChoice
from qualz.recording import Recording
from qualz.settings import Settings
from qualz.study import Study
from qualz.webhook import Webhook
from tests.jobs.test_merging import records, sweeps_and_works


def happened() -> list[str]:
    return [
        kind.value for kind in db.session.scalars(select(Happening.kind).order_by(Happening.id))
    ]


def told() -> list[str]:
    return [headline(one.happening) for one in db.session.scalars(select(Notification))]


def hands_on() -> set[int]:
    return telling.hand_on(by_mail=False, hold=timedelta(0), address="")


def answers(interview: Interview, text: str) -> str:
    said = moderation.hear(interview, ScriptedModerator())
    interview.answer(key=f"k{said.position}", to=said.position, manner=Manner.TYPED, text=text)
    db.session.commit()
    return moderation.hear(interview, ScriptedModerator()).text


def is_away(interview: Interview) -> None:
    interview.arrive("tab")
    interview.last_seen_at = clock.now() - timedelta(minutes=1)
    db.session.commit()


def test_what_is_rolled_back_did_not_happen(interview: Interview):
    interview.complete()
    db.session.rollback()
    assert happened() == []
    interview.complete()
    interview.complete()
    db.session.commit()
    assert happened() == ["interview.completed"]


def test_each_end_of_an_interview_is_one_happening(interview: Interview):
    interview.complete()
    interview.reopen()
    interview.complete()
    db.session.commit()
    assert happened() == ["interview.completed"] * 2


def test_a_lasting_drop_is_told_of_once_and_the_next_one_again(
    interview: Interview, settings: Settings
):
    is_away(interview)
    for _ in range(2):
        presence.interrupt_lapsed(grace=settings.grace)
        db.session.commit()
    assert happened() == ["interview.interrupted"]
    db.session.refresh(interview)
    is_away(interview)
    presence.interrupt_lapsed(grace=settings.grace)
    assert happened() == ["interview.interrupted"] * 2


def test_a_full_session_is_told_of_when_it_is_published_and_again_when_it_is_newer(
    app: Flask, settings: Settings, interview: Interview
):
    records(interview, app, "one")
    interview.complete()
    sweeps_and_works(app, settings)
    sweeps_and_works(app, settings)
    assert happened() == ["interview.completed", "recording.ready"]
    records(interview, app, "two")
    sweeps_and_works(app, settings)
    assert happened() == ["interview.completed", "recording.ready", "recording.ready"]


def test_a_merge_that_fails_is_told_of_and_one_that_somebody_cancels_is_not(
    app: Flask, settings: Settings, interview: Interview
):
    records(interview, app, "one")
    db.session.commit()
    first = Merge.begin(interview.recording)
    assert first
    db.session.commit()
    assert first.cancel()
    db.session.commit()
    assert happened() == []
    del app.extensions["ffmpeg"]
    interview.complete()
    second = Merge.begin(interview.recording)
    db.session.commit()
    assert second
    for _ in range(2):
        jobs.merge(second.id)
    assert interview.recording.state is Recording.State.FAILED
    assert happened() == ["interview.completed", "merge.failed"]


def test_distress_is_told_of_without_a_word_of_what_was_said(interview: Interview):
    answers(interview, "Last month I wanted to kill myself")
    assert happened() == ["interview.distress"]
    hands_on()
    assert told() == ["Participant 1 showed signs of distress"]


def test_a_preview_concerns_nobody(study: Study):
    tried = Interview.begin(study.invitation, is_preview=True)
    tried.complete()
    db.session.commit()
    assert happened() == []


def test_each_happening_is_handed_on_once_as_it_was_chosen(interview: Interview):
    owner = interview.study.researcher_id
    interview.complete()
    db.session.commit()
    assert hands_on() == {owner}
    assert hands_on() == set()
    assert told() == ["Participant 1 completed the interview"]
    NotificationChoice.set(owner, app=[Kind.DISTRESS], mail=[])
    interview.reopen()
    interview.complete()
    db.session.commit()
    assert hands_on() == set()
    assert len(told()) == 1


def test_the_sweep_hands_on_and_clears_what_is_old(interview: Interview, settings: Settings):
    interview.complete()
    db.session.commit()
    sweep.once(settings)
    assert len(told()) == 1
    with time_machine.travel(clock.now() + KEPT + timedelta(hours=1)):
        sweep.once(settings)
    assert told() == []
    assert happened() == []


@pytest.mark.parametrize("way", ["deleted", "withdrawn", "with its study"])
def test_what_was_told_goes_with_the_interview(app: Flask, interview: Interview, way: str):
    owner = interview.study.researcher
    NotificationChoice.set(owner.id, app=Kind, mail=Kind)
    Webhook.add(owner, "https://example.org", Kind, app.extensions["vault"])
    interview.complete()
    db.session.commit()
    telling.hand_on(by_mail=True, hold=timedelta(0), address="")
    db.session.commit()
    told_by = (Happening, Notification, Mail, Delivery)
    assert [db.session.query(kind).count() for kind in told_by] == [1, 1, 1, 1]
    storage = app.extensions["storage"]
    if way == "deleted":
        removal.remove_interview(interview, storage)
    elif way == "withdrawn":
        withdrawal.withdraw(interview, storage)
    else:
        removal.remove_study(interview.study, storage)
    assert [db.session.query(kind).count() for kind in told_by] == [0, 0, 0, 0]
