"""One interview's transcript in seven forms, read back by other people's libraries."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import docx
import pytest
import srt
import webvtt
from flask.testing import FlaskClient

from qualz.conversation import Act
from qualz.database import db
from qualz.export import Form
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.study import Study
from qualz.turn import Manner, Speaker, Turn
from tests.dashboard.conftest import HTMX, of

NASTY = '=HYPERLINK("http://x")\n\n2\n00:00:01,000 --> 00:00:02,000\n<b>& *bold* # _x_'
Exported = Callable[[str], bytes]


@pytest.fixture
def talk(
    interview: Interview, record: Callable[..., Part], finish: Callable[..., Recording]
) -> Interview:
    """A moderator asks, somebody answers aloud, in writing, and not at all; in two parts."""
    first, second = record(interview, ago=600), record(interview, ago=556)
    for turn in (
        Turn(
            speaker=Speaker.MODERATOR,
            act=Act.QUESTION,
            question_id="q1",
            text="How do you search?",
            part=first,
            begins_ms=1000,
        ),
        Turn(
            speaker=Speaker.PARTICIPANT,
            manner=Manner.SPOKEN,
            text=NASTY,
            part=first,
            begins_ms=3250,
            ends_ms=5500,
        ),
        Turn(
            speaker=Speaker.PARTICIPANT,
            manner=Manner.SPOKEN,
            part=second,
            begins_ms=2000,
            ends_ms=5000,
        ),
        Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text="Zuerst überall – gefragt."),
        Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SKIPPED),
    ):
        interview._append(turn)
    interview.rename("Frau <Müller> & Sohn")
    finish(interview)
    return interview


@pytest.fixture
def exported(adas: FlaskClient, study: Study, talk: Interview) -> Exported:
    def exported(form: str) -> bytes:
        answer = adas.get(of(study, talk, f"/export/{form}"))
        assert answer.status_code == 200
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith("attachment")
        assert f".{form}" in disposition
        return answer.data

    return exported


def test_webvtt_has_a_cue_for_all_that_is_heard(exported: Exported):
    text = exported("vtt").decode()
    cues = webvtt.from_string(text).captions
    assert [(cue.start, cue.end) for cue in cues] == [
        ("00:00:01.000", "00:00:03.000"),
        ("00:00:03.250", "00:00:05.500"),
        ("00:00:08.000", "00:00:11.000"),
    ]
    assert cues[0].voice == "Moderator"
    assert "&lt;Müller&gt; &amp; Sohn" in (cues[1].voice or "")
    assert cues[2].text == "[Spoken answer]"
    assert "&lt;b&gt;&amp; *bold*" in text
    assert "NOTE Not in the recording. Frau" in text
    assert "Zuerst überall – gefragt." in text


def test_srt_has_the_same_cues_and_nobody_can_add_one_by_speaking(exported: Exported):
    cues = list(srt.parse(exported("srt").decode()))
    assert len(cues) == 3
    assert [cue.start.total_seconds() for cue in cues] == [1.0, 3.25, 8.0]
    assert [cue.end.total_seconds() for cue in cues] == [3.0, 5.5, 11.0]
    assert cues[0].content == "Moderator: How do you search?"


def test_csv_holds_every_turn_and_no_formula(exported: Exported, talk: Interview):
    data = exported("csv")
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[1]["text"] == f"'{NASTY}"
    assert rows[1]["begins"] == "3.250"
    assert rows[3]["text"] == "Zuerst überall – gefragt."
    assert rows[3]["begins"] == ""
    assert rows[4]["text"] == "[Skipped]"
    assert rows[0]["question"] == "q1"


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_no_cell_begins_like_a_formula(
    adas: FlaskClient, study: Study, interview: Interview, sign: str
):
    interview.name = sign
    interview._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text=sign))
    db.session.commit()
    data = adas.get(of(study, interview, "/export/csv")).data.decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(data, newline="")))
    assert row["text"] == row["speaker"] == f"'{sign}"


def test_json_holds_all_that_is_known(exported: Exported, talk: Interview):
    kept = json.loads(exported("json"))
    assert kept["clock"] == "full session"
    assert kept["interview"] == "Frau <Müller> & Sohn"
    assert [turn["text"] for turn in kept["turns"]] == [turn.text or "" for turn in talk.turns]
    assert [turn["begins"] for turn in kept["turns"]] == [1.0, 3.25, 8.0, None, None]
    assert [turn["manner"] for turn in kept["turns"]][1:] == [
        "spoken",
        "spoken",
        "typed",
        "skipped",
    ]


def test_text_and_markdown_tell_who_said_what_and_when(exported: Exported):
    text = exported("txt").decode()
    assert "[00:00:01] Moderator:\nHow do you search?" in text
    assert "[00:00:08] Frau <Müller> & Sohn:\n[Spoken answer]" in text
    assert "[Skipped]" in text
    written = exported("md").decode()
    assert written.startswith("# Search habits — Frau \\<Müller\\> \\& Sohn\n")
    assert "**Moderator** (00:00:01)\n\nHow do you search?" in written
    assert "\\*bold\\* \\# \\_x\\_" in written


def paragraphs(data: bytes) -> list[str]:
    return [one.text for one in docx.Document(io.BytesIO(data)).paragraphs]


def test_a_word_document_tells_who_said_what_and_when(exported: Exported, talk: Interview):
    document = docx.Document(io.BytesIO(exported("docx")))
    texts = [one.text for one in document.paragraphs]
    assert document.core_properties.title == texts[0] == talk.title
    assert "Interview: Frau <Müller> & Sohn, completed" in texts
    at = texts.index("Moderator  00:00:01")
    assert texts[at + 1] == "How do you search?"
    assert texts[at + 2] == "Frau <Müller> & Sohn  00:00:03"
    assert texts[at + 3 :][: len(NASTY.splitlines())] == NASTY.splitlines()
    assert texts[-4:] == [
        "Frau <Müller> & Sohn  not in the recording",
        "Zuerst überall – gefragt.",
        "Frau <Müller> & Sohn  not in the recording",
        "[Skipped]",
    ]


def test_nothing_that_is_typed_breaks_a_word_document(
    adas: FlaskClient, study: Study, interview: Interview
):
    odd = "bell\x07 null\x00 \x1b[0m \ufffe\uffff </w:t> tab\tend"
    for text in (odd, "שלום, עולם", "x" * 300_000, "\n\n", "👩‍👩‍👧"):
        interview._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text=text))
    db.session.commit()
    data = adas.get(of(study, interview, "/export/docx")).data
    texts = paragraphs(data)
    assert "bell null [0m  </w:t> tab\tend" in texts
    assert "x" * 300_000 in texts
    assert "👩‍👩‍👧" in texts
    hebrew = next(one for one in docx.Document(io.BytesIO(data)).paragraphs if "שלום" in one.text)
    assert hebrew.runs[0].font.rtl
    assert hebrew._p.pPr.xpath("w:bidi")


def test_words_that_a_machine_heard_are_marked_as_a_draft(
    adas: FlaskClient, study: Study, talk: Interview
):
    hearing = Hearing(turn=talk.turns[1], state=Hearing.State.DONE, is_draft=True)
    db.session.add(hearing)
    db.session.commit()
    texts = paragraphs(adas.get(of(study, talk, "/export/docx")).data)
    assert "Frau <Müller> & Sohn  00:00:03  draft" in texts
    assert sum(text.endswith("draft") for text in texts) == 1


def test_without_a_full_session_times_are_those_of_the_clips_in_a_row(
    adas: FlaskClient, study: Study, interview: Interview, record: Callable[..., Part]
):
    first, second = record(interview, ago=600), record(interview, ago=556)
    for part in (first, second):
        interview._append(
            Turn(
                speaker=Speaker.PARTICIPANT,
                manner=Manner.SPOKEN,
                part=part,
                begins_ms=1500,
                ends_ms=2500,
            )
        )
    db.session.commit()
    kept = json.loads(adas.get(of(study, interview, "/export/json")).data)
    assert kept["clock"] == "clips one after another"
    assert [turn["begins"] for turn in kept["turns"]] == [1.5, first.seconds + 1.5]


@pytest.mark.parametrize("form", list(Form))
def test_an_interview_in_which_nothing_was_said_is_exported_all_the_same(
    adas: FlaskClient, study: Study, interview: Interview, form: str
):
    assert adas.get(of(study, interview, f"/export/{form}")).status_code == 200


def test_the_dialog_offers_every_form(adas: FlaskClient, study: Study, talk: Interview):
    dialog = adas.get(of(study, talk, "/export"), headers=HTMX).text
    assert dialog.count("download>") == len(Form)
    assert "Full Session’s clock" in dialog
    assert "<!doctype html>" in adas.get(of(study, talk, "/export")).text
    assert of(study, talk, "/export") in adas.get(of(study, talk)).text


def test_nobody_elses_transcript_is_exported(
    adas: FlaskClient, strangers: FlaskClient, study: Study, talk: Interview
):
    assert strangers.get(of(study, talk, "/export/txt")).status_code == 404
    assert strangers.get(of(study, talk, "/export")).status_code == 404
    assert adas.get(of(study, talk, "/export/exe")).status_code == 404
