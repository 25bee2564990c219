"""Full Sessions of interviews in which something is redacted: never played with it in between."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from flask import Flask

from qualz import jobs, redacting
from qualz.conversation import Manner
from qualz.database import db
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.leased import Leased
from qualz.merge import Merge
from qualz.recording import Recording
from qualz.redaction import Redaction, Treatment
from qualz.rendition import Kind, Rendition
from qualz.settings import Settings
from qualz.turn import Speaker, Turn
from tests.jobs.test_merging import LEASE, records, runs, sweeps_and_works

TEXT = "I am Anna and I work in Leeds"


@pytest.fixture
def turn(app: Flask, settings: Settings, interview: Interview) -> Turn:
    """An answer in the second of two parts, whose words take half a second each, from 1 s."""
    records(interview, app, "one")
    part = records(interview, app, "two")
    turn = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SPOKEN, text=TEXT)
    turn.part, turn.begins_ms, turn.ends_ms = part, 1000, 5000
    interview._append(turn)
    words = [
        {"w": word, "s": 1 + at / 2, "e": 1.5 + at / 2} for at, word in enumerate(TEXT.split())
    ]
    turn.hearings.append(Hearing(state=Hearing.State.DONE, text=TEXT, words=words))
    interview.complete()
    db.session.commit()
    sweeps_and_works(app, settings)
    assert interview.recording.state is Recording.State.READY
    return turn


def redacts(turn: Turn, quote: str) -> Redaction:
    ada = turn.interview.study.researcher
    return redacting.redact(turn, TEXT.index(quote), quote, by=ada)


def loudness(path: Path, begins: float, ends: float) -> float:
    """In decibels below full scale."""
    with av.open(str(path)) as container:
        frames = [
            frame.to_ndarray().astype(float).ravel()
            for frame in container.decode(audio=0)
            if begins <= frame.time < ends
        ]
    return float(20 * np.log10(max(1e-6, np.sqrt(np.mean(np.concatenate(frames) ** 2)))))


def test_nothing_is_played_until_the_copy_without_it_is_there(
    app: Flask, settings: Settings, turn: Turn
):
    recording = turn.interview.recording
    before = recording.full_session
    redacts(turn, "Anna")
    assert (recording.full_session, recording.original) == (None, before)
    assert recording.state is Recording.State.STALE
    assert [part.number for part in recording.shown_clips] == [1]
    assert Rendition.offered(recording) == []
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY
    assert recording.full_session not in (None, before)
    start = recording.report["parts"][1]["start"]
    # "Anna" is the third word: from 2 s to 2.5 s of its part.
    played, kept = (
        settings.media / (name or "") for name in (recording.full_session, recording.original)
    )
    assert loudness(played, start + 2.0, start + 2.5) < -80
    assert loudness(kept, start + 2.0, start + 2.5) > -60
    assert loudness(played, start + 3.0, start + 4.0) == pytest.approx(
        loudness(kept, start + 3.0, start + 4.0), abs=1
    )
    assert {path.name for path in kept.parent.glob("*-*-*.webm")} >= {played.name, kept.name}
    assert not (settings.media / (before or "")).exists()


def test_what_is_undone_can_be_heard_again_and_no_original_is_kept_beside_it(
    app: Flask, settings: Settings, turn: Turn
):
    recording = turn.interview.recording
    redaction = redacts(turn, "Anna")
    sweeps_and_works(app, settings)
    hidden = recording.full_session
    redacting.undo(redaction)
    # What hides too much plays on.
    assert recording.full_session == hidden
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY
    assert recording.original is None
    start = recording.report["parts"][1]["start"]
    assert loudness(settings.media / (recording.full_session or ""), start + 2.0, start + 2.5) > -60
    assert not list((settings.media / recording.folder).glob("original-*"))


def test_what_is_redacted_while_a_merge_runs_is_in_no_full_session(
    app: Flask, settings: Settings, turn: Turn
):
    recording = turn.interview.recording
    redacts(turn, "Anna")
    merge = Merge.begin(recording)
    db.session.commit()
    assert merge
    claimed = Merge.claim(merge.id, lease_for=LEASE)
    assert claimed
    redacts(turn, "Leeds")
    runs(claimed, app)
    assert recording.full_session is None
    assert recording.original
    assert recording.state is Recording.State.STALE
    sweeps_and_works(app, settings)
    assert recording.full_session
    assert recording.report["redacted"] == 2


def test_what_was_made_of_it_before_is_not_handed_out_and_is_made_anew(
    app: Flask, settings: Settings, turn: Turn
):
    recording = turn.interview.recording
    rendition = Rendition.ask(recording, Kind.SOUND)
    db.session.commit()
    jobs.rendition(rendition.id)
    assert rendition.is_ready
    heard = settings.media / (rendition.file or "")
    redacts(turn, "Anna")
    assert not rendition.is_ready
    sweeps_and_works(app, settings)
    sweeps_and_works(app, settings)
    assert not heard.exists()
    again = Rendition.ask(recording, Kind.SOUND)
    db.session.commit()
    jobs.rendition(again.id)
    assert again.state is Leased.State.DONE
    start = recording.report["parts"][1]["start"]
    assert loudness(settings.media / (again.file or ""), start + 2.05, start + 2.5) < -60


def test_words_that_are_heard_anew_and_differently_are_covered_altogether(turn: Turn):
    redacts(turn, "Anna")
    assert turn.words == "I am ████ and I work in Leeds"
    turn.interview.heard(turn, "I am Hannah and I work in Leeds")
    assert set(turn.words) == {"█"}


def test_a_beep_and_a_covered_picture_are_planned_by_part(turn: Turn):
    ada = turn.interview.study.researcher
    redacting.redact(
        turn, 5, "Anna", by=ada, treatment=Treatment.BEEP, covers_picture=True, reason="A name"
    )
    manifest = turn.interview.recording.manifest()
    assert "redacted" not in manifest[0]
    assert manifest[1]["redacted"] == [[2000, 2500, "beep", True]]
