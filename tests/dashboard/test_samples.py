"""`qualz sample`: made-up interviews that every page takes for real ones, apart from real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz import moderation, sample, sampling
from qualz.ai.scripted import ScriptedModerator
from qualz.conversation import Act
from qualz.database import db
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.sample.takes import Shape, Take, make
from qualz.search import found_by
from qualz.study import Study
from tests.dashboard.conftest import of

State = Interview.State


@pytest.fixture
def takes(app: Flask, tmp_path: Path) -> list[Take]:
    folder = tmp_path / "takes"
    folder.mkdir()
    shapes = (Shape(clips=(3, 2), has_camera=True), Shape(clips=(4,), has_camera=False))
    return make(folder, app.extensions["ffmpeg"], shapes)


@pytest.fixture
def filled(app: Flask, ada: Researcher, takes: list[Take]) -> Study:
    study = sample.start(ada)
    storage = app.extensions["storage"]
    sample.fill(study, takes, interviews=30, turns=12, storage=storage)
    sample.fill(study, takes, interviews=5, turns=12, storage=storage)
    return study


def test_a_sample_is_shown_played_found_and_gone_on_with_like_real_interviews(
    app: Flask, adas: FlaskClient, filled: Study
):
    everybody = db.session.scalars(select(Interview).order_by(Interview.number)).all()
    assert [one.number for one in everybody] == list(range(1, 36))
    assert {one.state for one in everybody} >= {
        State.COMPLETED, State.INTERRUPTED, State.ABANDONED, State.JOINED, State.WITHDRAWN,
    }  # fmt: skip
    assert State.LIVE not in {one.state for one in everybody}
    for one in everybody:
        assert [turn.text for turn in one.turns if turn.act] == [
            said.text for said in one.conversation.exchanges
        ]
    first = everybody[0]
    assert len(first.turns) == 13
    assert first.conversation.is_closed
    page = adas.get(of(filled, first)).text
    assert first.turns[1].text.split()[0] in page
    recording = first.recording
    assert app.extensions["storage"].size(recording.full_session) > 10_000
    assert recording.seconds == pytest.approx(5, abs=0.2)
    assert "38 s" in page  # the drop between its two clips
    assert adas.get(f"/studies/{filled.public_id}/overview").status_code == 200
    found = found_by(f"participant {first.number} {first.turns[0].text.split()[0]}")
    assert found is not None
    assert first.id in db.session.scalars(found).all()
    left = next(one for one in everybody if one.state is State.INTERRUPTED)
    asked = left.conversation.last
    assert asked is not None
    assert asked.act in (Act.QUESTION, Act.PROBE)
    assert moderation.hear(left, ScriptedModerator()).text == asked.text


def test_a_sample_is_never_mixed_with_real_interviews(app: Flask, study: Study, takes: list[Take]):
    with pytest.raises(sample.NotASample, match="is no sample, so nothing is added"):
        sample.fill(study, takes, interviews=1, turns=4, storage=app.extensions["storage"])
    assert db.session.scalars(select(Interview)).all() == []


def test_samples_are_deleted_alone(app: Flask, filled: Study, study: Study, tmp_path: Path):
    media = app.extensions["settings"].media
    assert len(list((media / "interviews").iterdir())) > 30
    title = filled.title
    sampling.delete()
    assert db.session.scalars(select(Study)).all() == [study]
    assert list((media / "interviews").iterdir()) == []
    assert title.startswith("Sample")


def test_the_command_says_what_it_wants_before_it_makes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from qualz.cli import main

    monkeypatch.setenv("QUALZ_DATA", str(tmp_path / "empty"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    result = CliRunner().invoke(main, ["sample"])
    assert result.exit_code == 1
    assert "There is no account yet" in result.stderr
