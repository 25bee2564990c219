from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient

from qualz import clock
from qualz.database import db
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import Study


def test_the_first_visit_says_what_to_do_next(adas: FlaskClient):
    page = adas.get("/").text
    assert "Start with what you want to learn" in page
    assert 'href="/studies/new"' in page


def test_the_study_where_something_happened_last_stands_first(
    adas: FlaskClient, ada: Researcher, study: Study, interview: Interview
):
    study.created_at = clock.now() - timedelta(days=9)
    newer = Study.start(ada, title="Newer and quiet")
    newer.created_at = clock.now() - timedelta(days=1)
    interview.seen()
    db.session.commit()
    page = adas.get("/studies").text
    assert page.index("Search habits") < page.index("Newer and quiet")
    assert "1 interview<" in page
    assert "1 live" in page
    assert "Draft" in page


def test_an_open_study_shows_its_transcripts_and_a_draft_its_next_step(
    adas: FlaskClient, ada: Researcher, study: Study
):
    draft = Study.start(ada)
    db.session.commit()
    base = f"/studies/{study.public_id}"
    assert adas.get(base).location == f"{base}/transcripts"
    assert adas.get(f"/studies/{draft.public_id}").location.endswith("/set-up/basics")
    draft.title = "Named"
    db.session.commit()
    assert adas.get(f"/studies/{draft.public_id}").location.endswith("/set-up/guide")


def test_the_tabs_tell_how_the_study_is_set_up(adas: FlaskClient, study: Study):
    base = f"/studies/{study.public_id}"
    guide = adas.get(f"{base}/guide").text
    assert "How do you search?" in guide
    assert "fewer than 5 words, at most once" in guide
    settings = adas.get(f"{base}/settings").text
    assert "Camera disabled" in settings
    assert "30 minutes" in settings
    share = adas.get(f"{base}/share").text
    assert f"http://localhost:8000/i/{study.invitation.token}" in share


def test_the_link_of_a_draft_is_not_handed_out(adas: FlaskClient, ada: Researcher):
    draft = Study.start(ada, title="Not yet")
    db.session.commit()
    page = adas.get(f"/studies/{draft.public_id}/share").text
    assert draft.invitation.token not in page
    assert "Finish the set-up" in page
