"""A spoken answer as the page sends it: who is asked to hear it, and who is not."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from qualz import taking_back, transcript
from qualz.database import db
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.settings import Settings
from qualz.study import Study
from tests.jobs.test_hearing import Scribe, employ
from tests.room.conftest import Participant


@pytest.fixture
def speaker(participant: Participant, study: Study, sound: bytes) -> Participant:
    """In the room, with a part on the server, and asked the first question."""
    participant.consents(study)
    participant.arrives()
    participant.uploads(sound)
    participant.client.get(f"{participant.room}/question")
    return participant


def answers(speaker: Participant, **more: str) -> str:
    said = {"key": "k", "to": "1", "manner": "spoken", "part": "one"}
    said |= {"begins_ms": "500", "ends_ms": "2500"} | more
    answer = speaker.client.post(f"{speaker.room}/turns", data=said)
    assert answer.status_code == 200
    return answer.text


def hearings() -> list[Hearing]:
    return list(db.session.scalars(select(Hearing)))


def test_a_spoken_answer_is_to_be_heard_once_however_often_it_is_sent(
    app: Flask, settings: Settings, speaker: Participant
):
    employ(app, settings, Scribe())
    answers(speaker)
    answers(speaker)
    (hearing,) = hearings()
    assert (hearing.turn.begins_ms, hearing.turn.ends_ms) == (500, 2500)
    assert hearing.is_ripe


def test_an_answer_that_a_drop_has_parted_is_heard_in_all_its_parts(
    app: Flask, settings: Settings, speaker: Participant, sound: bytes
):
    employ(app, settings, Scribe())
    for key in ("two", "three"):
        speaker.uploads(sound, key=key)
    interview = db.session.scalars(select(Interview)).one()
    for number, part in enumerate(interview.recording.parts):
        part.note_recorded(4_000 + number)
    db.session.commit()
    answers(speaker, began_part="one", began_ms="1500", part="three", begins_ms="0")
    places = [
        (hearing.turn.part.key, hearing.turn.begins_ms, hearing.turn.ends_ms)
        for hearing in hearings()
        if hearing.turn.part
    ]
    assert places == [("one", 1_500, 4_000), ("two", 0, 4_001), ("three", 0, 2_500)]
    told = interview.conversation.exchanges[0].answer
    assert told
    assert told.seconds == pytest.approx(2.5 + 4.001 + 2.5)

    # The moderator hears one answer, in whatever order its stretches were put into words.
    for hearing, text in reversed(list(zip(hearings(), ("It was", "", "the menu"), strict=True))):
        interview.heard(hearing.turn, text)
    told = interview.conversation.exchanges[0].answer
    assert told
    assert told.text == "It was the menu"

    # And it is taken back as one.
    interview.complete()
    db.session.commit()
    taking_back.take_back(interview, interview.turns[-2].position, app.extensions["storage"])
    words = [turn.text for turn in interview.turns] + [event.payload for event in interview.events]
    assert "It was" not in str(words)
    assert "the menu" not in str(words)
    assert all(turn.taken_back_at for turn in interview.turns[1:4])


@pytest.mark.parametrize(
    "more",
    [{"text": "By hand"}, {"manner": "skipped"}, {"part": "unknown"}, {"ends_ms": "500"}],
    ids=["typed", "skipped", "of no part", "of no length"],
)
def test_what_has_no_sound_is_not(
    app: Flask, settings: Settings, speaker: Participant, more: dict[str, str]
):
    employ(app, settings, Scribe())
    answers(speaker, **more)
    assert hearings() == []


@pytest.mark.parametrize(
    "more", [{"text": "By hand"}, {"manner": "skipped"}], ids=["typed", "skip"]
)
def test_what_was_said_before_typing_or_skipping_can_be_taken_back_with_it(
    app: Flask, speaker: Participant, sound: bytes, more: dict[str, str]
):
    speaker.uploads(sound, key="two")
    interview = db.session.scalars(select(Interview)).one()
    first, second = interview.recording.parts
    first.note_recorded(4_000)
    db.session.commit()
    answers(speaker, began_part="one", began_ms="1500", part="two", begins_ms="0", **more)
    # It is one answer in the transcript, and took no time of speaking.
    assert [line.turn.part for line in transcript.lines(interview)][1:2] == [second]
    told = interview.conversation.exchanges[0].answer
    assert told
    assert told.seconds == 0
    interview.complete()
    db.session.commit()
    (answer,) = taking_back.answers_of(interview)
    taking_back.take_back(interview, answer.turn.position, app.extensions["storage"])
    held = [(turn.part, turn.begins_ms, turn.ends_ms) for turn in answer.turns if turn.to_erase]
    assert held == [(first, 1_500, 4_000), (second, 0, 2_500)]
    assert interview.recording.withheld == {first.id, second.id}


def test_an_answer_that_went_on_elsewhere_lasts_as_long_as_its_recorder_ran(
    speaker: Participant, sound: bytes
):
    interview = db.session.scalars(select(Interview)).one()
    upload = speaker.starts_part(key="two").location
    speaker.sends(upload, sound, 0)
    interview.recording.parts[1].note_recorded(2_000)
    speaker.uploads(sound, key="three")
    answers(speaker, began_part="two", began_ms="500", part="three", begins_ms="0")
    begun = interview.turns[1]
    assert begun.ends_ms == 2_000
    # The drop is over for the first browser too, and it tells how long it had gone on.
    told = {"length": len(sound), "reason": "drop", "ms": 5_500}
    assert speaker.client.put(f"{upload}/closure", json=told).status_code == 204
    db.session.expire_all()
    assert (begun.begins_ms, begun.ends_ms) == (500, 5_500)
    assert interview.turns[2].ends_ms == 2_500


def test_where_nobody_hears_nobody_is_asked_to(speaker: Participant):
    answers(speaker)
    assert hearings() == []


def test_a_language_that_nobody_knows_is_not_heard(
    app: Flask, settings: Settings, study: Study, speaker: Participant
):
    class Welsh(Scribe):
        def knows(self, language: str) -> bool:
            return language == "cy"

    employ(app, settings, Welsh())
    answers(speaker)
    assert hearings() == []


def test_an_answer_tells_what_its_time_was_spent_on(
    app: Flask, settings: Settings, speaker: Participant
):
    employ(app, settings, Scribe())
    said = {"key": "k", "to": "1", "manner": "spoken", "part": "one", "ends_ms": "2500"}
    # Nobody works here, so the words are waited for in vain.
    told = speaker.client.post(f"{speaker.room}/turns", data=said).headers["Server-Timing"]
    stages = dict(stage.split(";dur=") for stage in told.split(", "))
    assert set(stages) == {"words", "decision"}
    assert float(stages["words"]) > 500
    assert float(stages["decision"]) >= 0
