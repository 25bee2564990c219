"""Excerpts cut in the background: as long as the words, and gone with their highlight."""

from __future__ import annotations

import av
import pytest
from flask import Flask

from qualz import jobs
from qualz.conversation import Manner
from qualz.database import db
from qualz.excerpt import Excerpt
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.leased import LeaseLost
from qualz.recording import Recording
from qualz.settings import Settings
from qualz.study import Camera
from qualz.turn import Speaker, Turn
from tests.jobs.test_merging import LEASE, SAMPLES, records, runs, sweeps_and_works


@pytest.fixture
def highlight(app: Flask, settings: Settings, interview: Interview) -> Highlight:
    """Two seconds in the middle of the only part, whose camera was on."""
    interview.camera = Camera.ON_BY_DEFAULT
    part = records(interview, app, "one", (SAMPLES / "chromium-vp8-opus.webm").read_bytes())
    turn = Turn(
        speaker=Speaker.PARTICIPANT,
        manner=Manner.SPOKEN,
        text="below the menu",
        part=part,
        begins_ms=1500,
        ends_ms=3500,
    )
    interview._append(turn)
    interview.complete()
    sweeps_and_works(app, settings)
    assert interview.recording.state is Recording.State.READY
    highlight = Highlight.mark(turn, 0, turn.text, by=interview.study.researcher)
    db.session.commit()
    return highlight


def asks(highlight: Highlight) -> Excerpt:
    excerpt = Excerpt.ask(highlight)
    db.session.commit()
    return excerpt


def test_an_excerpt_lasts_as_long_as_its_words_and_a_little_more(
    settings: Settings, highlight: Highlight
):
    excerpt = asks(highlight)
    jobs.excerpt(excerpt.id)
    assert excerpt.state is Excerpt.State.DONE, excerpt.reason
    assert excerpt.mime_type == "video/mp4"
    path = settings.media / (excerpt.file or "")
    with av.open(str(path)) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["h264", "aac"]
        assert (container.duration or 0) / av.time_base == pytest.approx(2.6, abs=0.1)
        frames = list(container.decode(video=0))
    assert frames[0].time == pytest.approx(0, abs=0.05)
    assert asks(highlight) is excerpt
    assert excerpt.state is Excerpt.State.DONE


def test_one_that_is_cancelled_or_deleted_meanwhile_leaves_no_file(
    app: Flask, settings: Settings, highlight: Highlight
):
    excerpt = asks(highlight)
    claimed = Excerpt.claim(excerpt.id, lease_for=LEASE)
    assert claimed
    excerpt.remove(app.extensions["storage"])
    with pytest.raises(LeaseLost):
        runs(claimed, app)  # type: ignore[arg-type]
    assert not [*settings.media.rglob("excerpt-*"), *settings.media.glob(".workspaces/*")]


def test_after_a_newer_full_session_the_old_excerpt_goes(
    app: Flask, settings: Settings, highlight: Highlight
):
    excerpt = asks(highlight)
    jobs.excerpt(excerpt.id)
    recording = excerpt.recording
    recording.full_session = f"{recording.folder}/full-session-2.webm"
    db.session.commit()
    Excerpt.keep_up(app.extensions["storage"])
    assert highlight.excerpt is None
    assert not list(settings.media.rglob("excerpt-*"))


def test_one_whose_full_session_went_for_a_newer_one_is_made_of_that(
    app: Flask, highlight: Highlight
):
    excerpt, storage = asks(highlight), app.extensions["storage"]
    claimed = Excerpt.claim(excerpt.id, lease_for=LEASE)
    assert claimed
    recording, old = excerpt.recording, excerpt.made_of
    newer = f"{recording.folder}/full-session-2.webm"
    storage.path(old).rename(storage.path(newer))
    recording.full_session = newer
    db.session.commit()
    with pytest.raises(LeaseLost):
        runs(claimed, app)  # type: ignore[arg-type]
    Excerpt.keep_up(storage)
    jobs.excerpt(excerpt.id)
    assert excerpt.state is Excerpt.State.DONE, excerpt.reason
    assert excerpt.is_ready
