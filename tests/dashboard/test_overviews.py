"""The overview: who is there, how far interviews come, and what happened last."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from qualz import clock, overview
from qualz.conversation import Manner
from qualz.database import db
from qualz.drop import Cause, Drop
from qualz.interview import Interview
from qualz.moderator import Act, Origin, Utterance
from qualz.overview import What
from qualz.part import Part
from qualz.study import Study
from tests.conftest import add_researcher

State = Interview.State
Comes = Callable[..., Interview]


@pytest.fixture
def comes(study: Study) -> Comes:
    """A participant who is asked these questions and answers all of them, or all but the last."""

    def comes(*asked: str, answers_last: bool = True, state: State = State.COMPLETED) -> Interview:
        interview = Interview.begin(study.invitation)
        db.session.flush()
        for id in asked:
            interview.say(Utterance(act=Act.QUESTION, text=id, question_id=id, origin=Origin.GUIDE))
            if id != asked[-1] or answers_last:
                to = interview.turns[-1].position
                interview.answer(key=id, to=to, manner=Manner.TYPED, text="Yes")
        if state is State.COMPLETED:
            interview.complete()
        else:
            interview.state = state
        db.session.commit()
        return interview

    return comes


def lasts(interview: Interview, seconds: float) -> None:
    part = interview.recording.start_part(key="one", reported_type="audio/webm")
    part.bytes_durable, part.recorded_ms = 9, int(seconds * 1000)
    db.session.commit()


def test_the_funnel_tells_where_interviews_were_left(study: Study, comes: Comes):
    comes("q1", "q2")
    comes("q1", "q2", answers_last=False, state=State.ABANDONED)
    comes("q1", answers_last=False, state=State.INTERRUPTED)
    comes("q1", answers_last=False, state=State.LIVE)
    Interview.begin(study.invitation, is_preview=True)
    db.session.commit()
    found = overview.figures(study)
    assert (found.began, found.live, found.interrupted, found.completed) == (4, 1, 1, 1)
    counted = [
        (step.question.id, step.asked, step.answered, step.left) for step in overview.steps(study)
    ]
    assert counted == [("q1", 4, 2, 1), ("q2", 2, 1, 1)]


def test_what_was_skipped_was_not_answered(study: Study, comes: Comes):
    interview = comes("q1", answers_last=False, state=State.LIVE)
    interview.answer(key="s", to=interview.turns[-1].position, manner=Manner.SKIPPED)
    db.session.commit()
    (first, _) = overview.steps(study)
    assert (first.asked, first.answered) == (1, 0)


@pytest.mark.parametrize(("lengths", "median"), [([60, 600, 90], 90), ([60, 100], 80), ([], None)])
def test_hours_are_those_of_all_and_the_median_of_those_who_finished(
    study: Study, comes: Comes, lengths: list[float], median: float | None
):
    for seconds in lengths:
        lasts(comes("q1"), seconds)
    lasts(comes("q1", state=State.INTERRUPTED), 1000)
    found = overview.figures(study)
    assert found.seconds == pytest.approx(1000 + sum(lengths))
    assert found.median == median


def test_a_probed_length_is_believed_before_a_told_one(study: Study, comes: Comes):
    interview = comes("q1")
    lasts(interview, 60)
    db.session.query(Part).one().probed = {"duration": 58.5, "holes": []}
    db.session.commit()
    assert overview.figures(study).seconds == pytest.approx(58.5)


def test_what_happened_last_stands_first(adas: FlaskClient, study: Study, comes: Comes):
    interview = comes("q1")
    interview.consented_at = clock.now() - timedelta(hours=2)
    dropped = clock.now() - timedelta(hours=1)
    interview.drops.append(Drop(left_at=dropped, cause=Cause.CONNECTION))
    interview.drops.append(Drop(left_at=dropped, cause=Cause.RELOAD))
    interview.recording.ready_at = clock.now() + timedelta(seconds=9)
    interview.recording.state = interview.recording.State.READY
    db.session.commit()
    told = [one.what for one in overview.happenings(study)]
    assert told == [What.READY, What.COMPLETED, What.DROPPED, What.JOINED]
    page = adas.get(f"/studies/{study.public_id}/overview").text
    assert "has a Full Session to watch" in page


def test_the_page_refreshes_what_changed_and_nothing_else(
    adas: FlaskClient, study: Study, comes: Comes
):
    comes("q1", state=State.LIVE).seen()
    db.session.commit()
    page = adas.get(f"/studies/{study.public_id}/overview").text
    assert "Participant 1" in page
    assert ">Live<" in page
    for part in ("now", "figures"):
        address = f"/studies/{study.public_id}/overview/{part}"
        seen = re.search(r"seen=(\w+)", adas.get(address).text)
        assert seen
        assert adas.get(f"{address}?seen={seen[1]}").status_code == 204


def test_an_empty_one_says_what_to_do_next(adas: FlaskClient, study: Study):
    address = f"/studies/{study.public_id}/overview"
    assert "Share the link" in adas.get(address).text
    study.become(Study.State.PAUSED)
    db.session.commit()
    assert "The study is paused" in adas.get(address).text


def test_it_is_nobody_elses(strangers: FlaskClient, study: Study):
    for rest in ("", "/now", "/figures"):
        assert strangers.get(f"/studies/{study.public_id}/overview{rest}").status_code == 404


def test_another_studys_interviews_are_not_counted(study: Study, comes: Comes):
    comes("q1")
    other = Study.start(add_researcher("Bo", "bo@example.org"), title="Other")
    other.revise_guide(study.guide.questions)
    db.session.commit()
    assert overview.figures(other).began == 0
    assert [step.asked for step in overview.steps(other)] == [0, 0]
