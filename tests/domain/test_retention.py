"""How long interviews are kept: told of a week before, for as long as was promised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qualz import clock, jobs, promises, retention, telling
from qualz.database import db
from qualz.deletion import Deletion
from qualz.errors import CannotKeepSo
from qualz.happening import Happening, Kind
from qualz.headline import headline
from qualz.interview import Interview
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.receipt import Cause, Receipt, What
from qualz.retention import Reach, Terms
from qualz.study import Study
from qualz.turn import Manner, Speaker, Turn

BEGINS = datetime.fromisoformat("2026-11-01T10:00:00+00:00")


class Days:
    """Goes on day by day; on each the sweep looks and a worker works."""

    def __init__(self) -> None:
        self.traveller = time_machine.travel(BEGINS, tick=False)
        self.clock = self.traveller.start()
        self.day = 0

    def until(self, day: int) -> None:
        while self.day < day:
            self.day += 1
            self.clock.move_to(BEGINS + timedelta(days=self.day))
            self.looks()

    def looks(self) -> None:
        Deletion.keep_promises()
        db.session.commit()
        for deletion in Deletion.unclaimed():
            jobs.delete(deletion.id)


@pytest.fixture
def days(app: Flask):
    days = Days()
    yield days
    days.traveller.stop()


@pytest.fixture
def ends(study: Study) -> Callable[..., Interview]:
    def ends(*, state: Interview.State = Interview.State.COMPLETED) -> Interview:
        interview = Interview.begin(study.invitation)
        interview._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text="kept"))
        part = interview.recording.start_part(
            key=interview.public_id, reported_type="audio/webm", started_at=clock.now()
        )
        part.bytes_durable = 10
        if state is Interview.State.COMPLETED:
            interview.complete()
        else:
            interview.state, interview.last_seen_at = state, clock.now()
        db.session.commit()
        return interview

    return ends


def notices() -> list[str]:
    held = select(Happening).where(Happening.kind == Kind.DELETION_DUE).order_by(Happening.id)
    return [headline(one) for one in db.session.scalars(held)]


def numbers() -> list[int]:
    return list(db.session.scalars(select(Interview.number).order_by(Interview.number)))


def test_everything_goes_on_its_day_and_was_told_of_a_week_before(
    days: Days, study: Study, ends: Callable[..., Interview]
):
    retention.set_for_study(study, Terms(everything=30))
    ends(), ends()
    days.until(21)
    assert notices() == []
    days.until(22)
    assert notices() == ["2 interviews are to be deleted on 1 December 2026"]
    told = telling.hand_on(by_mail=True, hold=timedelta(0), address="")
    assert told == {study.researcher_id}
    days.until(29)
    assert numbers() == [1, 2]
    days.until(30)
    assert numbers() == []
    assert notices() == []
    receipts = db.session.scalars(select(Receipt)).all()
    assert {(one.cause, one.what, one.turns) for one in receipts} == {
        (Cause.RULE, What.INTERVIEW, 1)
    }


def test_of_recordings_alone_what_was_said_stays_with_its_times(
    days: Days, study: Study, ends: Callable[..., Interview]
):
    retention.set_for_workspace(Terms(recordings=10))
    interview = ends()
    [turn] = interview.turns
    turn.part, turn.begins_ms = interview.recording.parts[0], 2500
    db.session.commit()
    days.until(2)
    assert notices() == ["The recording of 1 interview is to be deleted on 11 November 2026"]
    days.until(10)
    db.session.expire_all()
    assert interview.recording.parts == []
    assert interview.recording.deleted_at == clock.now()
    assert [one.text for one in interview.turns] == ["kept"]
    assert interview.recording.report == {"duration": 0.0, "parts": [], "turns": {"1": 2.5}}
    assert db.session.scalars(select(Receipt.what)).all() == [What.RECORDING]
    days.until(40)
    assert len(db.session.scalars(select(Receipt)).all()) == 1


def test_whoever_was_invited_and_never_began_is_forgotten_by_the_same_rule(
    days: Days, study: Study
):
    retention.set_for_study(study, Terms(everything=30))
    _late, opened, began = (
        link
        for link, _ in PersonalLink.create(
            study, [Person("Lena", "l@example.org"), Person("Omar"), Person("Bea")]
        )
    )
    db.session.flush()
    assert began.begin(Interview.begin(began))
    db.session.commit()

    def names() -> list[str]:
        return list(db.session.scalars(select(PersonalLink.name).order_by(PersonalLink.id)))

    days.until(20)
    opened.open()
    db.session.commit()
    days.until(29)
    assert names() == ["Lena", "Omar", "Bea"]
    days.until(31)
    assert names() == ["Omar"], "Bea's went with her interview"
    days.until(51)
    assert names() == []


def test_who_may_still_come_back_or_is_kept_is_never_reached(
    days: Days, study: Study, ends: Callable[..., Interview]
):
    retention.set_for_study(study, Terms(everything=10))
    for state in (Interview.State.LIVE, Interview.State.INTERRUPTED):
        ends(state=state)
    ends(state=Interview.State.ABANDONED)
    kept = ends()
    retention.keep(kept, "a complaint is open", study.researcher)
    db.session.commit()
    days.until(40)
    assert numbers() == [1, 2, 4]
    assert promises.due_at(kept) == []
    retention.release(kept)
    db.session.commit()
    [(reach, at)] = promises.due_at(kept)
    assert (reach, (at - clock.now()).days) == (Reach.EVERYTHING, 8)
    days.until(47)
    assert numbers() == [1, 2, 4]
    assert notices()[-1].startswith("1 interview is to be deleted")
    days.until(49)
    assert numbers() == [1, 2]


def test_a_change_of_the_rule_moves_the_day_and_gives_a_week(
    days: Days, study: Study, ends: Callable[..., Interview]
):
    ends()
    days.until(100)
    retention.set_for_study(study, Terms(everything=30))
    db.session.commit()
    days.until(101)
    assert notices() == ["1 interview is to be deleted on 17 February 2027"]
    [(reach, count, first)] = promises.upcoming(study)
    assert (reach, count, first) == (Reach.EVERYTHING, 1, BEGINS + timedelta(days=108))
    days.until(104)
    retention.set_for_study(study, Terms(everything=300))
    db.session.commit()
    days.until(299)
    assert numbers() == [1]
    assert len(notices()) == 2
    days.until(300)
    assert numbers() == []


def test_a_server_that_was_off_still_gives_its_week(
    days: Days, study: Study, ends: Callable[..., Interview]
):
    retention.set_for_study(study, Terms(everything=30))
    ends()
    db.session.commit()
    days.day = 59
    days.until(66)
    assert numbers() == [1]
    days.until(67)
    assert numbers() == []


def test_without_a_rule_nothing_ever_goes(days: Days, ends: Callable[..., Interview]):
    ends()
    days.day = 4999
    days.until(5000)
    assert numbers() == [1]


@pytest.mark.parametrize(
    "terms", [Terms(everything=7), Terms(recordings=30, everything=30), Terms(recordings=99_999)]
)
def test_a_rule_that_cannot_be_held_is_refused(study: Study, terms: Terms):
    with pytest.raises(CannotKeepSo):
        retention.set_for_study(study, terms)
