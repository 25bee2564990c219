"""Highlights, tags and comments: in their place, in lists, and after the text has changed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
import time_machine
import webvtt
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from qualz import clock, correction, export
from qualz.comment import Comment
from qualz.conversation import Act
from qualz.dashboard.highlights import LISTED
from qualz.database import db
from qualz.excerpt import Excerpt
from qualz.hearing import Hearing
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.researcher import Researcher
from qualz.study import Study
from qualz.tag import Colour, Tag
from qualz.timing import timed_words
from qualz.turn import Manner, Speaker, Turn
from tests.dashboard.conftest import HTMX, of
from tests.dashboard.test_recordings import words_of
from tests.queries import asked

TEXT = "the menu 👍 <b> is below the menu I think"
HEARD = [
    {"w": word, "s": 10 + number, "e": 10.5 + number} for number, word in enumerate(TEXT.split())
]


@pytest.fixture
def turn(
    interview: Interview, record: Callable[..., Part], finish: Callable[..., Recording]
) -> Turn:
    """An answer whose words have times, from 10 s of its part on, which is the second one."""
    record(interview, ago=600)
    part = record(interview, ago=500)
    interview._append(Turn(speaker=Speaker.MODERATOR, act=Act.QUESTION, text="What annoys you?"))
    turn = Turn(
        speaker=Speaker.PARTICIPANT,
        manner=Manner.SPOKEN,
        text=TEXT,
        part=part,
        begins_ms=10_000,
        ends_ms=20_000,
    )
    interview._append(turn)
    turn.hearings.append(Hearing(state=Hearing.State.DONE, text=TEXT, words=HEARD))
    finish(interview)
    return turn


@pytest.fixture
def address(study: Study, interview: Interview, turn: Turn) -> str:
    return of(study, interview, "/turns/2/highlights")


def marks(browser: FlaskClient, address: str, quote: str, start: int, **more: object) -> str:
    data = {"quote": quote, "start": start, **more}
    answer = browser.post(address, data=data, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


def one() -> Highlight:
    return db.session.scalars(select(Highlight)).one()


def test_words_are_marked_in_their_place_with_tags_and_a_comment(
    adas: FlaskClient, address: str, study: Study, turn: Turn
):
    dialog = adas.get(f"{address}/new?start=22&end=30", headers=HTMX).text
    assert 'name="quote" value="the menu"' not in dialog
    with time_machine.travel(clock.now(), tick=False):
        page = marks(
            adas, address, "the menu", 24, new="Navigation, Pain, navigation", comment="So <true>"
        )
    shown = re.sub(r"<mark[^>]*>", "[", page).replace("</mark>", "]")
    assert "the menu 👍 &lt;b&gt; is below [the menu] I think" in shown
    assert "So &lt;true&gt;" in page
    assert [tag.name for tag in Tag.all_of(study)] == ["Navigation", "Pain"]
    highlight = one()
    assert highlight.by == "Ada"
    # Words seven and eight of an answer whose part begins at 6 s of the Full Session.
    assert highlight.span == (6 + 16.0, 6 + 17.5)
    # The page that made it is told nothing new afterwards, though its forms' tokens age.
    again = re.search(r'hx-get="([^"]+/turns\?seen=[^"]+)"', page)
    assert again
    assert "csrf_token" in page
    with time_machine.travel(clock.now() + timedelta(seconds=2), tick=False):
        assert adas.get(again[1], headers=HTMX).status_code == 204


def test_a_correction_moves_a_highlight_and_does_not_lose_it(
    adas: FlaskClient, ada: Researcher, address: str, study: Study, interview: Interview, turn: Turn
):
    marks(adas, address, "the menu", 24)
    span = one().span
    for text, at in (
        ("Well: the menu is far below the menu I think", 28),
        ("Well, THE MENU is below it", None),
    ):
        correction.correct(turn, text, seen=correction.version(turn), by=ada)
        assert one().at == at
    assert one().span == span
    page = words_of(adas.get(of(study, interview, "/turns"), headers=HTMX).text)
    assert "The text has changed since" in page


def test_words_that_are_not_there_any_more_are_not_marked(
    adas: FlaskClient, ada: Researcher, address: str, turn: Turn
):
    correction.correct(turn, "Something else", seen=correction.version(turn), by=ada)
    answer = adas.post(address, data={"quote": "the menu", "start": 0}, headers=HTMX)
    assert answer.status_code == 409
    assert adas.post(address, data={"quote": " \n", "start": 0}).status_code == 422
    assert adas.post(address, data={"quote": "th", "start": -4}, headers=HTMX).status_code == 200
    assert Highlight.of(turn.interview, one().public_id).start == 4
    db.session.delete(one())
    db.session.commit()
    assert db.session.scalar(select(func.count(Highlight.id))) == 0


def test_words_that_a_correction_brought_in_share_the_time_between_the_others(
    adas: FlaskClient, ada: Researcher, address: str, turn: Turn
):
    text = "the menus bar is below the menu I think"
    correction.correct(turn, text, seen=correction.version(turn), by=ada)
    marks(adas, address, "menus bar", 4)
    # In the place of the three words from 11 s to 13.5 s of the part.
    assert one().span == (6 + 11.0, 6 + 13.5)


def test_in_a_long_answer_that_is_much_corrected_all_other_words_keep_their_times(turn: Turn):
    spoken = [f"word{number if number % 20 == 7 else number % 90}" for number in range(4_000)]
    turn.hearings[0].words = [
        {"w": word, "s": 10 + at / 10, "e": 10.1 + at / 10} for at, word in enumerate(spoken)
    ]
    turn.ends_ms = 410_000
    turn.text = " ".join(word if at % 5 else f"my {word}" for at, word in enumerate(spoken))
    kept = [one.begins for one in timed_words(turn) if turn.text[one.start :].startswith("word")]
    assert kept == [10 + at / 10 for at in range(4_000)]


def test_a_transcript_takes_no_more_queries_for_more_turns(
    adas: FlaskClient, ada: Researcher, study: Study, interview: Interview, turn: Turn
):
    address = of(study, interview, "/turns")
    numbers = interview.id, turn.part_id, ada.id

    def queries() -> int:
        db.session.remove()
        with asked() as statements:
            assert adas.get(address, headers=HTMX).status_code == 200
        return len(statements)

    few = queries()
    for _ in range(12):
        more = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SPOKEN, text=TEXT)
        more.part_id = numbers[1]
        more.begins_ms, more.ends_ms = 10_000, 20_000
        more.hearings.append(Hearing(state=Hearing.State.DONE, text=TEXT, words=HEARD))
        more.comments.append(Comment(text="Mind this", author_id=numbers[2]))
        db.session.get_one(Interview, numbers[0])._append(more)
    db.session.commit()
    assert queries() <= few + 4


def test_all_highlights_of_a_study_are_in_a_list_by_tag_and_lead_to_their_moments(
    adas: FlaskClient, address: str, study: Study, interview: Interview, turn: Turn
):
    listed = f"/studies/{study.public_id}/highlights"
    assert "Nothing is highlighted yet" in adas.get(listed).text
    marks(adas, address, "the menu", 24, new="Pain")
    marks(adas, address, "I think", 33)
    page = adas.get(listed).text
    assert page.count('class="marked"') == 2
    assert f"{of(study, interview)}?t=22" in page
    [pain] = Tag.all_of(study)
    page = adas.get(f"{listed}?tagged={pain.public_id}").text
    assert page.count('class="marked"') == 1
    where = of(study, interview, f"/highlights/{pain and one_of('I think').public_id}")
    told = {"tag": pain.public_id, "comment": "Doubt", "on": "study", "tagged": pain.public_id}
    page = adas.post(where, data=told, headers=HTMX).text
    assert page.count('class="marked"') == 2
    assert "Doubt" in page
    for _ in range(2):
        page = adas.delete(f"{where}?on=study", headers=HTMX).text
        assert page.count('class="marked"') == 1


def test_a_long_list_is_shown_bit_by_bit_and_taken_along_whole(
    adas: FlaskClient, address: str, study: Study, turn: Turn
):
    marks(adas, address, "the menu", 24)
    ada = one().author
    for _ in range(LISTED):
        turn.highlights.append(Highlight(start=24, quote="the menu", author=ada))
        db.session.flush()
    db.session.commit()
    listed = f"/studies/{study.public_id}/highlights"
    page = adas.get(listed).text
    assert page.count('class="marked"') == LISTED
    more = re.search(r'hx-get="([^"]+)"[^>]+>Show more', page)
    assert more
    page = adas.get(unescape(more[1]), headers=HTMX).text
    assert page.count('class="marked"') == LISTED + 1
    assert "Show more" not in page
    assert adas.get(f"{listed}.csv").text.count("the menu") >= LISTED + 1


def test_of_two_who_change_a_comment_the_later_is_told(
    adas: FlaskClient, address: str, study: Study, interview: Interview
):
    marks(adas, address, "the menu", 24, comment="First\nline")
    where = of(study, interview, f"/highlights/{one().public_id}")
    opened = {"instead_of": "First\r\nline"}
    assert adas.post(where, data=opened | {"comment": "Mine"}, headers=HTMX).status_code == 200
    refused = adas.post(where, data=opened | {"comment": "Yours"}, headers=HTMX)
    assert refused.status_code == 409
    assert "meanwhile" in refused.text
    db.session.expire_all()
    assert one().comment == "Mine"


def one_of(quote: str) -> Highlight:
    return db.session.scalars(select(Highlight).where(Highlight.quote == quote)).one()


def test_an_excerpt_is_asked_for_once_followed_and_downloaded_by_nobody_else(
    app: Flask,
    adas: FlaskClient,
    strangers: FlaskClient,
    address: str,
    study: Study,
    interview: Interview,
    turn: Turn,
):
    assert "Make an excerpt" in marks(adas, address, "the menu", 24)
    where = of(study, interview, f"/highlights/{one().public_id}/excerpt")
    for _ in range(2):
        assert "Waiting to make the excerpt" in adas.post(where, headers=HTMX).text
    [excerpt] = db.session.scalars(select(Excerpt))
    excerpt.file = f"{interview.recording.folder}/excerpt-{excerpt.id}-lease.m4a"
    app.extensions["storage"].append(excerpt.file, b"sound", at=0)
    excerpt.state, excerpt.bytes = Excerpt.State.DONE, 5
    db.session.commit()
    found = re.search(r'href="(/media/excerpts/[^"]+)" download', adas.get(where).text)
    assert found
    answer = adas.get(found[1], buffered=True)
    assert answer.data == b"sound"
    assert "00.22.m4a" in answer.headers["Content-Disposition"]
    assert strangers.get(found[1]).status_code == 404
    assert strangers.post(where).status_code == 404
    # Of an earlier Full Session it is neither shown nor served.
    interview.recording.full_session = f"{interview.recording.folder}/another.webm"
    db.session.commit()
    assert adas.get(found[1]).status_code == 404
    assert "Make an excerpt" in adas.get(where).text


def test_an_interview_is_tagged_found_by_it_and_a_tag_is_renamed_in_one_place(
    adas: FlaskClient, study: Study, interview: Interview
):
    Interview.begin(study.invitation)
    db.session.commit()
    where = of(study, interview, "/tags")
    assert "New tag" in adas.get(where, headers=HTMX).text
    shown = HTMX | {"HX-Current-URL": of(study, interview)}
    answer = adas.post(where, data={"new": " Pilot  group,"}, headers=shown).text
    assert "Pilot group" in answer
    [tag] = interview.tags
    rows = f"/studies/{study.public_id}/transcripts"
    assert "1 of 2 interviews" in words_of(adas.get(f"{rows}?tag={tag.public_id}").text)
    assert "0 of 2 interviews" in words_of(adas.get(f"{rows}?tag=gone").text)
    tags = f"/studies/{study.public_id}/tags"
    choice = adas.get(f"{tags}/filter?tag={tag.public_id}", headers=HTMX).text
    assert f'value="{tag.public_id}" selected>Pilot group' in choice
    adas.post(where, data={"tag": tag.public_id, "new": "Other"}, headers=HTMX)
    # From a dialog that was opened before there was the other one.
    adas.post(where, data={"tag": tag.public_id, "worn": tag.public_id}, headers=HTMX)
    assert len(interview.tags) == 2
    renamed = adas.post(f"{tags}/{tag.public_id}", data={"name": "Pilot", "colour": "red"})
    assert renamed.status_code == 200
    assert (tag.name, tag.colour) == ("Pilot", Colour.RED)
    assert adas.post(f"{tags}/{tag.public_id}", data={"name": "OTHER"}).status_code == 409
    assert adas.post(f"{tags}/{tag.public_id}", data={"name": "  "}).status_code == 409
    for _ in range(2):
        assert adas.delete(f"{tags}/{tag.public_id}").status_code == 200
    db.session.expire_all()
    assert [one.name for one in interview.tags] == ["Other"]


def test_comments_are_plain_text_and_only_their_author_deletes_them(
    adas: FlaskClient, strangers: FlaskClient, study: Study, interview: Interview, turn: Turn
):
    address = of(study, interview, "/turns/1/comments")
    assert adas.post(address, data={"text": " "}, headers=HTMX).status_code == 422
    page = adas.post(address, data={"text": "Ask <b>again</b>\r\nlater"}, headers=HTMX).text
    assert "Ask &lt;b&gt;again&lt;/b&gt;\nlater" in page
    [comment] = db.session.scalars(select(Comment))
    assert strangers.delete(f"{address}/{comment.public_id}").status_code == 404
    comment.author = None
    db.session.commit()
    assert adas.delete(f"{address}/{comment.public_id}").status_code == 404
    comment.author = study.researcher
    db.session.commit()
    page = adas.delete(f"{address}/{comment.public_id}", headers=HTMX).text
    assert "later" not in page
    assert db.session.scalar(select(func.count(Comment.id))) == 0


def test_another_researchers_tags_and_highlights_are_not_there(
    strangers: FlaskClient, address: str, study: Study
):
    assert strangers.post(address, data={"quote": "the", "start": 0}).status_code == 404
    assert strangers.get(f"/studies/{study.public_id}/highlights").status_code == 404
    assert strangers.get(f"/studies/{study.public_id}/tags").status_code == 404
    assert strangers.post(f"/studies/{study.public_id}/tags", data={"new": "x"}).status_code == 404


def test_highlights_are_taken_along_as_a_table_and_in_the_json(
    adas: FlaskClient, address: str, study: Study, interview: Interview, turn: Turn
):
    marks(adas, address, "the menu", 24, new="Pain, =1+1", comment="So")
    interview.tags = Tag.chosen(study, (), "Pilot")
    db.session.commit()
    data = adas.get(f"/studies/{study.public_id}/highlights.csv").data.decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(data, newline=""))
    assert (row["quote"], row["begins"], row["ends"]) == ("the menu", "22.000", "23.500")
    assert (row["tags"], row["interview_tags"]) == ("'=1+1; Pain", "Pilot")
    told = json.loads(export.export(interview, export.Form.JSON))
    assert told["tags"] == ["Pilot"]
    assert told["turns"][1]["highlights"][0]["tags"] == ["=1+1", "Pain"]


def test_captions_are_pieces_with_the_times_of_their_words_and_nothing_that_is_said_is_markup(
    adas: FlaskClient, ada: Researcher, strangers: FlaskClient, interview: Interview, turn: Turn
):
    address = f"/media/captions/{interview.public_id}"
    cues = webvtt.from_string(adas.get(address).text).captions
    # The moderator's words have no place here, and nobody reads more than six seconds' worth.
    assert [(cue.start, cue.end) for cue in cues] == [
        ("00:00:16.000", "00:00:22.000"),
        ("00:00:22.000", "00:00:26.000"),
    ]
    assert "&lt;b&gt;" in adas.get(address).text
    assert cues[0].text.startswith("Participant 1: the menu 👍")
    correction.correct(turn, "a --> b", seen=correction.version(turn), by=ada)
    text = adas.get(f"{address}?part={turn.part and turn.part.public_id}").text
    assert "00:00:10.000 --> " in text
    assert "a --&gt; b" in text
    assert adas.get(f"{address}?part=other").status_code == 404
    assert strangers.get(address).status_code == 404
