from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz import clock
from qualz.consent import Consent, Statement
from qualz.conversation import Act
from qualz.database import db
from qualz.interview import Interview
from qualz.merge import Merge
from qualz.part import Part
from qualz.recording import Recording
from qualz.study import Camera, Study
from qualz.turn import Manner, Speaker, Turn
from tests.dashboard.conftest import HTMX, of
from tests.queries import asked


def test_a_study_without_interviews_says_what_to_do(adas: FlaskClient, study: Study):
    page = adas.get(f"/studies/{study.public_id}/transcripts").text
    assert "No interviews yet" in page
    assert "Share the link" in page


@pytest.mark.parametrize(
    ("state", "seen_ago", "word"),
    [
        (Interview.State.JOINED, None, "Joined"),
        (Interview.State.LIVE, 0, "Live"),
        (Interview.State.LIVE, 8, "Reconnecting"),
        (Interview.State.INTERRUPTED, 60, "Interrupted"),
        (Interview.State.COMPLETED, 60, "Completed"),
        (Interview.State.ABANDONED, 60, "Abandoned"),
    ],
)
def test_every_state_of_an_interview_is_a_word(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    state: Interview.State,
    seen_ago: int | None,
    word: str,
):
    interview.state = state
    if seen_ago is not None:
        interview.last_seen_at = clock.now() - timedelta(seconds=seen_ago)
    db.session.commit()
    page = adas.get(f"/studies/{study.public_id}/transcripts").text
    assert f'<span class="chip__word">{word}</span>' in page


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (Recording.State.NONE, "1 clip"),
        (Recording.State.WAITING, "Waiting to merge"),
        (Recording.State.MERGING, "Merging 43 %"),
        (Recording.State.READY, "Full Session"),
        (Recording.State.FAILED, "Failed: no part could be read"),
    ],
)
def test_every_state_of_a_recording_is_a_word(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    state: Recording.State,
    word: str,
):
    record(interview)
    merge = Merge.begin(interview.recording)
    merge.progress = 0.43
    interview.recording.state = state
    interview.recording.reason = "no part could be read"
    db.session.commit()
    page = adas.get(f"/studies/{study.public_id}/transcripts").text
    assert f'<span class="chip__word">{word}</span>' in page


def test_an_interview_has_an_address_of_its_own(
    adas: FlaskClient, study: Study, interview: Interview
):
    page = adas.get(of(study, interview)).text
    assert "<!doctype html>" in page
    assert page.count('aria-current="true"') == 1
    assert 'id="detail-title">Participant 1<' in page


def test_a_row_that_is_pressed_answers_the_detail_and_the_marked_row(
    adas: FlaskClient, study: Study, interview: Interview
):
    answer = adas.get(of(study, interview), headers=HTMX).text
    assert "<!doctype html>" not in answer
    assert 'id="detail"' in answer
    assert 'hx-swap-oob="outerHTML"' in answer
    assert 'aria-current="true"' in answer


def test_the_rows_are_left_alone_while_they_would_say_the_same(
    adas: FlaskClient, study: Study, interview: Interview
):
    first = adas.get(f"/studies/{study.public_id}/transcripts/rows", headers=HTMX)
    again = re.search(r'hx-get="([^"]+rows[^"]+)"', first.text)
    assert again
    address = again[1].replace("&amp;", "&")
    assert adas.get(address, headers=HTMX).status_code == 204
    interview.state = Interview.State.COMPLETED
    db.session.commit()
    assert "Completed" in adas.get(address, headers=HTMX).text


def test_a_page_holds_fifty_rows_and_leads_to_the_others(
    adas: FlaskClient, study: Study, interview: Interview
):
    for _ in range(60):
        Interview.begin(study.invitation)
        db.session.flush()
    db.session.commit()
    newest = adas.get(f"/studies/{study.public_id}/transcripts").text
    assert newest.count("table-list__link") == 50
    older = re.search(r'href="([^"]+)">Older', newest)
    assert older
    rest = adas.get(older[1]).text
    assert rest.count("table-list__link") == 11
    assert "Participant 1<" in rest
    beside = adas.get(of(study, interview)).text
    assert 'aria-current="true"' in beside


def test_a_list_of_fifty_takes_a_handful_of_queries(
    app: Flask, adas: FlaskClient, study: Study, record: Callable[..., Part]
):
    for _ in range(50):
        record(Interview.begin(study.invitation))
    rows = f"/studies/{study.public_id}/transcripts/rows"
    # That the list is looked at is written down once in a while.
    adas.get(rows, headers=HTMX)
    with asked() as statements:
        adas.get(rows, headers=HTMX)
    assert len(statements) <= 9, statements


def test_the_transcript_tells_who_said_what_and_where(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
):
    first, second = record(interview, ago=600), record(interview, ago=556)
    said = [
        Turn(speaker=Speaker.MODERATOR, act=Act.QUESTION, text="How <b>do</b> you search?"),
        Turn(
            speaker=Speaker.PARTICIPANT,
            manner=Manner.SPOKEN,
            part=second,
            begins_ms=2000,
            ends_ms=5000,
        ),
        Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text="By asking.", part=first),
        Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SKIPPED),
    ]
    for turn in said:
        interview._append(turn)
    db.session.commit()
    before = adas.get(of(study, interview, "/turns"), headers=HTMX).text
    assert "Spoken answer · 0:02–0:05" in before
    assert f'data-play-part="{second.public_id}"' in before
    finish(interview)
    after = adas.get(of(study, interview, "/turns"), headers=HTMX).text
    assert "Spoken answer · 0:08–0:11" in after
    assert 'data-play-at="8.00"' in after
    assert "How &lt;b&gt;do&lt;/b&gt; you search?" in after
    assert "By asking." in after
    assert "Skipped" in after


def test_a_transcript_is_asked_for_again_only_while_more_may_be_said(
    adas: FlaskClient, study: Study, interview: Interview
):
    interview.seen()
    db.session.commit()
    assert "every 5s" in adas.get(of(study, interview, "/turns"), headers=HTMX).text
    interview.complete()
    db.session.commit()
    assert "every 5s" not in adas.get(of(study, interview, "/turns"), headers=HTMX).text


def test_another_researchers_interviews_are_not_there(
    strangers: FlaskClient, study: Study, interview: Interview
):
    assert strangers.get(f"/studies/{study.public_id}/transcripts").status_code == 404
    assert strangers.get(f"/studies/{study.public_id}/transcripts/rows").status_code == 404
    for rest in ("", "/recording", "/turns", "/resume-links"):
        assert strangers.get(of(study, interview, rest)).status_code == 404


def test_an_interview_is_found_only_in_its_own_study(
    adas: FlaskClient, study: Study, interview: Interview
):
    other = Study.start(study.researcher, title="Another")
    db.session.commit()
    assert adas.get(of(other, interview)).status_code == 404


def test_the_detail_says_which_text_was_agreed_to_and_to_what(adas: FlaskClient, study: Study):
    study.camera = Camera.OFF_BY_DEFAULT
    shown = {"language": "en", "text": "T", "recording": "R", "camera": "C", "hosts": {}}
    statement = Statement(**shown, providers=(), agreement="A", camera_agreement="B")
    for to_camera, words in ((True, "recording, camera"), (False, "recording, no camera")):
        given = Consent.given(study, statement, to_camera=to_camera)
        interview = Interview.begin(study.invitation, given)
        db.session.commit()
        page = adas.get(f"/studies/{study.public_id}/transcripts/{interview.public_id}").text
        assert f"text version 1 ({statement.digest[:8]}…)</span>: {words}" in page
