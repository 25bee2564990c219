"""Answers to choose from, and what is shown beside a question, as the page asks for them."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz.conversation import Manner
from qualz.database import db
from qualz.interview import Interview
from qualz.question import Condition, Option, Question
from qualz.stimuli import NotShowable, keep
from qualz.study import Study
from tests.room.conftest import Participant

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
def study(app: Flask, study: Study) -> Study:
    """Its first question screens and shows a picture, its second is for one kind of owner."""
    picture = keep(study, io.BytesIO(PNG), app.extensions["storage"])
    options = (
        Option(id="sail", text="A sailing boat"),
        Option(id="motor", text="A motor boat"),
        Option(id="none", text="None", ends=True),
    )
    study.revise_guide(
        [
            Question(id="own", text="Which boat is yours?", options=options, stimulus=picture),
            Question(
                id="wind",
                text="What do you do without wind?",
                show_if=Condition(question="own", answers=("sail",)),
            ),
            Question(id="all", text="What annoys you at sea?"),
        ]
    )
    db.session.commit()
    return study


def chooses(participant: Participant, choice: str, to: int = 1) -> str:
    sent = {"key": f"k{to}", "to": str(to), "manner": "chosen", "choice": choice}
    return participant.client.post(f"{participant.room}/turns", data=sent).text


def test_a_choice_is_kept_in_its_words_and_decides_what_is_asked(
    participant: Participant, study: Study
):
    interview = participant.consents(study)
    page = participant.client.get(f"{participant.room}/question").text
    assert page.count('type="radio"') == 3
    assert 'value="skipped"' not in page
    assert "What annoys you at sea?" in chooses(participant, "motor")
    answer = interview.turns[1]
    assert (answer.text, answer.manner) == ("A motor boat", Manner.TYPED)


def test_an_answer_about_others_ends_it_kindly_and_it_is_listed_so(
    participant: Participant, study: Study
):
    interview = participant.consents(study)
    participant.client.get(f"{participant.room}/question")
    page = chooses(participant, "none")
    assert "looking for people in another situation" in page
    assert 'data-piece="finish"' in page
    participant.client.put(f"{participant.room}/ending", json={})
    assert interview.state is Interview.State.COMPLETED
    assert interview.screened_out
    assert interview.conversation.ended == "screened_out"


def test_only_what_is_offered_can_be_chosen(participant: Participant, study: Study):
    interview = participant.consents(study)
    participant.client.get(f"{participant.room}/question")
    chooses(participant, "yacht")
    assert interview.turns[1].manner is Manner.SKIPPED


def test_what_is_shown_is_for_the_admitted_alone_and_stays_as_it_is(
    participant: Participant, study: Study, app: Flask
):
    participant.consents(study)
    file = study.guide.questions[0].stimulus.file
    assert file in participant.client.get(f"{participant.room}/question").text
    address = f"{participant.room}/stimuli/{file}"
    answer = participant.client.get(address)
    assert (answer.data, answer.mimetype) == (PNG, "image/png")
    answer.close()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in answer.headers["Cache-Control"]
    assert "private" in answer.headers["Cache-Control"]
    stranger: FlaskClient = app.test_client()
    assert stranger.get(address).status_code == 403
    assert participant.client.get(address.replace(file, "0" * 64 + ".png")).status_code == 404


@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", b"MZ" + bytes(99), b""])
def test_nothing_is_shown_that_is_no_picture_and_no_film(app: Flask, study: Study, data: bytes):
    with pytest.raises(NotShowable, match="Choose a PNG"):
        keep(study, io.BytesIO(data), app.extensions["storage"])


def test_a_picture_that_is_too_large_is_refused_whole(app: Flask, study: Study):
    storage = app.extensions["storage"]
    with pytest.raises(NotShowable, match="at most 10 MB"):
        keep(study, io.BytesIO(PNG + bytes(11 * 1024 * 1024)), storage)
    assert len(list(storage.path(f"stimuli/{study.public_id}").iterdir())) == 1
