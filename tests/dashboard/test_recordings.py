from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from qualz import clock, presence
from qualz.dashboard.recordings import in_words
from qualz.database import db
from qualz.interview import Interview
from qualz.merge import Merge
from qualz.part import EndReason, Part
from qualz.recording import Recording
from qualz.study import Study
from tests.dashboard.conftest import HTMX, of


def asks_again(answer: str) -> str | None:
    """How often the recording's partial asks for itself."""
    found = re.search(r'data-recording[^>]*hx-trigger="([^"]*)"', answer, re.DOTALL)
    assert found
    every = re.search(r"every (\d+s)", found[1])
    return every[1] if every else None


def test_the_clips_can_be_played_while_the_merge_runs(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    part = record(interview)
    interview.complete()
    merge = Merge.begin(interview.recording)
    merge.progress = 0.43
    interview.recording.state = Recording.State.MERGING
    db.session.commit()
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert "Merging 43 % – you can already play the clips" in answer
    assert '<progress class="progress" max="1" value="0.43"' in answer
    assert f"/media/parts/{part.public_id}" in answer
    assert asks_again(answer) == "1s"


def test_the_asking_ends_by_itself_when_the_full_session_is_there(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
):
    record(interview)
    finish(interview)
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert asks_again(answer) is None
    assert answer.index("Full Session") < answer.index("Clip 1")


def test_the_asking_ends_when_the_merge_failed(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    record(interview)
    interview.complete()
    interview.recording.state = Recording.State.FAILED
    interview.recording.reason = "The disk is too full to merge."
    db.session.commit()
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert asks_again(answer) is None
    assert "The disk is too full to merge." in answer
    assert "Merge again" in answer


@pytest.mark.parametrize("state", [Recording.State.READY, Recording.State.FAILED])
def test_the_asking_goes_on_while_a_part_is_open(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    state: Recording.State,
):
    record(interview, is_open=True)
    interview.complete()
    interview.recording.state = state
    db.session.commit()
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert asks_again(answer) is not None


def test_the_asking_goes_on_between_the_end_and_the_merge(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    record(interview)
    interview.complete()
    db.session.commit()
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert asks_again(answer) == "1s"


def test_nobody_waits_for_an_interview_that_recorded_nothing(
    adas: FlaskClient, study: Study, interview: Interview
):
    interview.complete()
    db.session.commit()
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert asks_again(answer) is None
    assert "Nothing was recorded" in answer


def test_a_recording_that_did_not_change_is_not_sent_again(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    record(interview)
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    again = re.search(r'hx-get="([^"]+/recording\?seen=[^"]+)"', answer)
    assert again
    assert adas.get(again[1], headers=HTMX).status_code == 204


def test_the_earlier_full_session_plays_while_a_newer_one_is_made(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
):
    record(interview)
    finish(interview)
    interview.recording.grow_stale()
    db.session.commit()
    stale = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert "Full Session" in stale
    assert "It is made anew" in stale
    assert asks_again(stale) == "1s"
    Merge.begin(interview.recording)
    db.session.commit()
    waiting = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert "until then the earlier Full Session plays" in waiting


def test_what_is_missing_is_named_in_seconds(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    with time_machine.travel(clock.now(), tick=False):
        record(interview, ago=600)
        second = record(interview, ago=556)
    second.damage = "the last 2 s could not be read"
    db.session.commit()
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert "38 s not recorded: they had finished and came back" in answer
    assert "Not known for Clip 1, Clip 2" in answer
    assert "Clip 2: the last 2 s could not be read" in answer


def test_merging_again_makes_one_merge_however_often_it_is_pressed(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    record(interview)
    interview.complete()
    interview.recording.state = Recording.State.FAILED
    db.session.commit()
    for _ in range(2):
        answer = adas.post(of(study, interview, "/merges"), headers=HTMX)
        assert "Waiting to merge" in answer.text
    assert len(interview.recording.merges) == 1
    assert adas.post(of(study, interview, "/merges")).location == of(study, interview)


def test_a_stranger_merges_nothing(
    strangers: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    record(interview)
    assert strangers.post(of(study, interview, "/merges")).status_code == 404
    assert interview.recording.merges == []


def test_a_clip_is_sent_in_ranges_to_its_researcher_alone(
    app: Flask,
    adas: FlaskClient,
    strangers: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
):
    part = record(interview)
    whole = adas.get(f"/media/parts/{part.public_id}", buffered=True)
    assert whole.status_code == 200
    assert whole.content_type == "audio/webm"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in whole.headers["Cache-Control"]
    assert len(whole.data) == part.bytes_durable
    middle = adas.get(
        f"/media/parts/{part.public_id}", headers={"Range": "bytes=100-199"}, buffered=True
    )
    assert middle.status_code == 206
    assert middle.data == whole.data[100:200]
    assert middle.headers["Content-Range"] == f"bytes 100-199/{part.bytes_durable}"
    assert strangers.get(f"/media/parts/{part.public_id}").status_code == 404
    assert app.test_client().get(f"/media/parts/{part.public_id}").status_code == 302


def test_a_full_session_is_sent_to_its_researcher_alone(
    adas: FlaskClient,
    strangers: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
):
    address = f"/media/full-sessions/{interview.public_id}"
    assert adas.get(address).status_code == 404
    record(interview)
    finish(interview)
    answer = adas.get(address, buffered=True)
    assert answer.status_code == 200
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert strangers.get(address).status_code == 404


def test_a_player_never_gets_pieces_of_two_full_sessions(
    adas: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
):
    record(interview)
    finish(interview)
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    found = re.search(r'data-source="(/media/full-sessions/[^"]+)"', answer)
    assert found
    assert adas.get(found[1], buffered=True).status_code == 200
    interview.recording.ready_at = interview.recording.ready_at.replace(year=2031)
    db.session.commit()
    assert adas.get(found[1]).status_code == 404


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(38, "38 s"), (240, "4 min"), (93_600, "26 h"), (259_200, "3 days")],
)
def test_a_span_is_told_as_people_say_it(seconds: int, words: str):
    assert in_words(seconds) == words


def words_of(answer: str) -> str:
    """What of it is read."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer).split())


def ran(part: Part, *, recorded: float, stored: float, reason: EndReason) -> None:
    """Its page told how long its recorder ran, and up to where what came reaches."""
    part.length = part.bytes_durable
    part.end_reason = reason
    part.recorded_ms, part.delivered_ms = int(recorded * 1000), int(stored * 1000)
    db.session.commit()


def test_a_whole_recording_is_said_to_miss_nothing(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    ran(record(interview), recorded=1872, stored=1872, reason=EndReason.FINISHED)
    interview.complete()
    db.session.commit()
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert "0.0 s missing of 31:12" in answer
    assert "The recording has no gaps." in answer


def test_what_a_dying_browser_lost_is_named_with_its_place_and_cause(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    ran(record(interview), recorded=761.4, stored=761.0, reason=EndReason.CRASHED)
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert "0.4 s missing of 12:41" in answer
    words = words_of(answer)
    assert "12:41 0.4 s recorded but not saved: the browser ended without a word" in words


def test_drops_are_listed_with_their_length_and_cause(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False) as time:
        record(interview)
        interview.arrive("laptop")
        db.session.commit()
        time.shift(5)
        presence.notice_drops()
        db.session.commit()
        asked = adas.get(of(study, interview, "/presence"), headers=HTMX).text
        assert "No longer heard – last heard" in asked
        time.shift(2)
        presence.beat(interview, "laptop", {})
        interview.complete()
        db.session.commit()
        words = words_of(adas.get(of(study, interview, "/recording"), headers=HTMX).text)
    assert "1 drop" in words
    assert "10:00:00 Connection lost, back after 7.0 s" in words


def test_while_it_runs_the_page_tells_what_is_recorded_safe_and_waiting(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    part = record(interview, is_open=True)
    interview.arrive("laptop")
    presence.beat(
        interview, "laptop", {"part": part.number, "ms": 761_000, "waiting": 34_000, "muted": True}
    )
    part.stored_ms = 759_000
    db.session.commit()
    answer = adas.get(of(study, interview, "/presence"), headers=HTMX).text
    words = words_of(answer)
    for told in ("Recorded 12:41", "Safe on the server 12:39", "Waiting in the browser 34.0 kB"):
        assert told in words
    assert "microphone is muted" in words
    assert "every 2s" in answer


def test_nobody_asks_any_more_how_a_finished_interview_goes(
    adas: FlaskClient, study: Study, interview: Interview
):
    interview.complete()
    db.session.commit()
    assert "every" not in adas.get(of(study, interview, "/presence"), headers=HTMX).text
