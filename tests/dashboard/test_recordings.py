from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from qualz import clock, presence
from qualz.dashboard.recordings import in_words, left_in_words, plainly
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


def entry(part: Part, **found: Any) -> dict[str, Any]:
    """What a merge's report says of a part."""
    plain = {"start": 0.0, "duration": 60.0, "picture": "copied", "sound": "copied"}
    rest = {"reasons": [], "left_out": None, "notes": [], "missing": 0.0, "holes": []}
    return plain | rest | {"part": part.public_id, "label": part.label} | found


def test_what_became_of_each_clip_is_told_in_plain_words(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    parts = [record(interview) for _ in range(4)]
    reasons = ["its picture was re-encoded: another codec, vp9"]
    note = "some of it is damaged (decoder: [vp9 @ 0x5571] Invalid data)"
    interview.recording.report = {
        "duration": 180.0,
        "parts": [
            entry(parts[0]),
            entry(parts[1], picture="re-encoded", reasons=reasons, notes=[note]),
            entry(parts[2], picture="slate"),
            entry(parts[3], left_out="it is empty"),
        ],
    }
    db.session.commit()
    words = words_of(adas.get(of(study, interview, "/recording"), headers=HTMX).text)
    assert "Clip 1 As it was recorded." in words
    assert "Clip 2 Picture converted: the other clips are not VP9." in words
    assert "Some of it is damaged. Clip 3 No picture was recorded" in words
    assert "Clip 4 Not in the Full Session: it is empty." in words


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("another codec, h264", "the other clips are not H264"),
        ("another size, 480×270", "its size is not that of the other clips"),
        ("other opus settings", "its format differs from the other clips"),
        ("another format, 44100 Hz, channels: 2", "its format differs from the other clips"),
        ("shown turned by 90°", "shown turned by 90°"),
    ],
)
def test_why_a_clip_was_converted_is_said_without_jargon(why: str, words: str):
    assert plainly(why) == words


def test_where_every_clip_was_taken_as_it_was_nothing_is_told(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    interview.recording.report = {"duration": 60.0, "parts": [entry(record(interview))]}
    db.session.commit()
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert "What became of the clips" not in answer


def test_damage_is_named_with_its_place_and_seconds(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    part = record(interview)
    ran(part, recorded=900, stored=900, reason=EndReason.FINISHED)
    hole = {"start": 761.0, "seconds": 2.0, "reason": "damaged on the way"}
    part.note_found(entry(part, duration=900.0, holes=[hole]))
    db.session.commit()
    words = words_of(adas.get(of(study, interview, "/recording"), headers=HTMX).text)
    assert "2.0 s missing of 15:00 · 1 gap" in words
    assert "12:41 2.0 s recorded but not saved: damaged on the way" in words


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


def test_a_merge_is_cancelled_once_however_often_it_is_pressed(
    adas: FlaskClient,
    strangers: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
):
    record(interview)
    interview.complete()
    merge = Merge.begin(interview.recording)
    db.session.commit()
    address = of(study, interview, f"/merges/{merge.id}")
    assert strangers.delete(address).status_code == 404
    assert merge.state is Merge.State.WAITING
    shown = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert f'hx-delete="{address}"' in shown
    for _ in range(2):
        answer = adas.delete(address, headers=HTMX).text
        assert "Cancelled. The clips are unharmed; merge again when you like." in answer
        assert "could not be made" not in answer
        assert asks_again(answer) is None
    assert "Merge cancelled" in adas.get(of(study, interview)).text
    again = adas.post(of(study, interview, "/merges"), headers=HTMX).text
    assert "Waiting to merge" in again
    # The button of the first one, in a tab that was left open.
    assert "Waiting to merge" in adas.delete(address, headers=HTMX).text


def test_a_merge_is_cancelled_only_by_its_own_interviews_address(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    record(interview)
    merge = Merge.begin(interview.recording)
    other = Interview.begin(study.invitation)
    db.session.commit()
    assert adas.delete(of(study, other, f"/merges/{merge.id}")).status_code == 404
    assert merge.state is Merge.State.WAITING


def test_how_long_a_merge_still_takes_is_said_beside_its_progress(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    record(interview)
    interview.complete()
    merge = Merge.begin(interview.recording)
    merge.progress, merge.state = 0.43, Merge.State.RUNNING
    interview.recording.state = Recording.State.MERGING
    db.session.commit()
    assert "left" not in adas.get(of(study, interview, "/recording"), headers=HTMX).text
    merge.expected_at = clock.now() + timedelta(seconds=125)
    db.session.commit()
    answer = adas.get(of(study, interview, "/recording"), headers=HTMX).text
    assert "Merging 43 %, about 2 minutes left – you can already play the clips" in answer


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "a few seconds left"),
        (40, "less than a minute left"),
        (61, "about 1 minute left"),
        (125, "about 2 minutes left"),
        (3600, "about 1 hour left"),
        (5300, "about 1½ hours left"),
    ],
)
def test_what_is_left_is_told_no_more_exactly_than_it_is_known(seconds: int, words: str):
    assert left_in_words(seconds) == words


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


def test_the_next_piece_is_refused_as_soon_as_somebody_is_out(
    adas: FlaskClient, interview: Interview, record: Callable[..., Part]
):
    def asks_for_a_piece() -> int:
        address = f"/media/parts/{part.public_id}"
        return adas.get(address, headers={"Range": "bytes=0-9"}, buffered=True).status_code

    part = record(interview)
    assert asks_for_a_piece() == 206
    adas.post("/sign-out")
    assert asks_for_a_piece() == 302


@pytest.mark.parametrize("what", ["full-sessions", "posters", "peaks"])
def test_a_full_session_is_sent_to_its_researcher_alone(
    what: str,
    app: Flask,
    adas: FlaskClient,
    strangers: FlaskClient,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
):
    address = f"/media/{what}/{interview.public_id}"
    assert adas.get(address).status_code == 404
    record(interview)
    recording = finish(interview)
    for beside in (recording.poster, recording.peaks):
        app.extensions["storage"].append(beside, b"seen and heard", at=0)
    answer = adas.get(address, buffered=True)
    assert answer.status_code == 200
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert strangers.get(address).status_code == 404
    assert app.test_client().get(address).status_code == 302
    assert adas.get(f"{address}?v=1").status_code == 404


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
    # Not before Ada signed in, or her cookie would be of the future.
    ten = (clock.now() + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
    with time_machine.travel(ten, tick=False) as time:
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
