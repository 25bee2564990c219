"""Captions: whoever answered aloud sees what was understood of it, and nobody anything else."""

from __future__ import annotations

import pytest
from flask import Flask

from qualz.ai.hearing import Listener
from qualz.hearing import Hearing
from qualz.room.captions import LONGEST, ending_of
from qualz.settings import Settings
from qualz.study import Study
from tests.jobs.test_hearing import Scribe, claims, employ, runs, speaks
from tests.room.conftest import Participant


def answers_aloud(participant: Participant, study: Study, sound: bytes) -> Hearing:
    """The first question, in the room."""
    interview = participant.consents(study)
    participant.arrives()
    participant.uploads(sound)
    return speaks(interview, interview.recording.parts[0])


def is_heard(hearing: Hearing, app: Flask, listener: Listener) -> None:
    runs(claims(hearing), app, listener)


def test_an_answer_is_captioned_as_soon_as_it_is_heard(
    app: Flask, settings: Settings, participant: Participant, study: Study, sound: bytes
):
    employ(app, settings, Scribe())
    hearing = answers_aloud(participant, study, sound)
    caption = f"{participant.room}/turns/2/caption"
    awaited = participant.client.get(caption).json
    assert awaited == {"words": "", "isDraft": True, "isAwaited": True}
    is_heard(hearing, app, Scribe("it is <b>confusing"))
    # What is markup in it is for the page to write as text.
    heard = {"words": "it is <b>confusing", "isDraft": True, "isAwaited": False}
    assert participant.client.get(caption).json == heard
    assert (
        f'data-caption="{caption}"' in participant.client.get(f"{participant.room}/question").text
    )
    assert "<answer-captions" in participant.client.get(participant.room).text


def test_where_nothing_was_understood_nothing_is_awaited(
    app: Flask, settings: Settings, participant: Participant, study: Study, sound: bytes
):
    employ(app, settings, Scribe())
    is_heard(answers_aloud(participant, study, sound), app, Scribe(""))
    told = participant.client.get(f"{participant.room}/turns/2/caption").json
    assert told == {"words": "", "isDraft": True, "isAwaited": False}


def test_typed_answers_and_others_words_are_not_captioned(
    app: Flask, settings: Settings, participant: Participant, study: Study
):
    employ(app, settings, Scribe())
    participant.consents(study)
    participant.arrives()
    participant.client.get(f"{participant.room}/question")
    typed = {"key": "k", "to": "1", "manner": "typed", "text": "By hand"}
    page = participant.client.post(f"{participant.room}/turns", data=typed).text
    assert "caption" not in page
    for position in (1, 2, 3, 99):
        answer = participant.client.get(f"{participant.room}/turns/{position}/caption")
        assert answer.status_code == 404


def test_where_nobody_hears_there_is_no_caption_and_no_switch(
    app: Flask, settings: Settings, participant: Participant, study: Study, sound: bytes
):
    employ(app, settings, None)
    participant.consents(study)
    participant.arrives()
    participant.uploads(sound)
    assert 'data-piece="caption' not in participant.client.get(participant.room).text
    participant.client.get(f"{participant.room}/question")
    said = {"key": "k", "to": "1", "manner": "spoken", "part": "one", "ends_ms": "2500"}
    answer = participant.client.post(f"{participant.room}/turns", data=said).text
    assert 'data-piece="caption' not in answer
    assert "data-caption" not in answer


def test_what_was_withdrawn_and_what_is_anothers_stays_unsaid(
    app: Flask, settings: Settings, participant: Participant, study: Study, sound: bytes
):
    employ(app, settings, Scribe())
    is_heard(answers_aloud(participant, study, sound), app, Scribe("my secret"))
    caption = f"{participant.room}/turns/2/caption"
    assert app.test_client().get(caption).status_code == 403
    withdrawn = participant.client.put(f"{participant.room}/withdrawal", json={})
    assert withdrawn.status_code < 300
    told = participant.client.get(caption)
    assert told.status_code == 410
    assert "secret" not in told.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is\n fine ", "it is fine"),
        ("x" * LONGEST, "x" * LONGEST),
        ("one " * 100 + "two", "…" + "one " * 49 + "two"),
        ("字" * 300, "…" + "字" * (LONGEST - 1)),
    ],
    ids=["short", "just short enough", "long", "without spaces"],
)
def test_a_long_answer_is_shown_by_its_last_words(text: str, shown: str):
    assert ending_of(text) == shown
    assert len(shown) <= LONGEST
