from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

from flask import Flask
from flask.testing import FlaskClient

from qualz import clock, removal, stimuli
from qualz.database import db
from qualz.guide import Question
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import Study
from tests.queries import asked


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
    assert "1 live" in page
    assert "0 completed" in page
    assert "Draft" in page


def test_an_open_study_shows_its_overview_and_a_draft_its_next_step(
    adas: FlaskClient, ada: Researcher, study: Study
):
    draft = Study.start(ada)
    db.session.commit()
    base = f"/studies/{study.public_id}"
    assert adas.get(base).location == f"{base}/overview"
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


def titles(page: str) -> list[str]:
    return re.findall(r'table-list__link" [^>]+>([^<]+)</a>', page)


def test_the_list_counts_what_became_of_interviews_in_as_many_queries_for_one_as_for_many(
    adas: FlaskClient, ada: Researcher, study: Study
):
    def queries() -> int:
        with asked() as statements:
            assert adas.get("/studies").status_code == 200
        return len(statements)

    for state in ("completed", "completed", "interrupted", "live"):
        Interview.begin(study.invitation).state = Interview.State(state)
        db.session.flush()
    db.session.commit()
    one = queries()
    for number in range(7):
        more = Study.start(ada, title=f"Study {number}")
        more.revise_guide([Question(id="q", text="Why?")])
        more.open()
        Interview.begin(more.invitation)
    db.session.commit()
    assert queries() == one
    page = adas.get("/studies").text
    assert "2 completed" in page
    assert "1 interrupted" in page
    assert "1 live" in page


def test_the_list_is_searched_and_narrowed_and_hides_what_is_archived(
    adas: FlaskClient, ada: Researcher, study: Study
):
    old = Study.start(ada, title="Über alte Gewohnheiten")
    old.become(Study.State.ARCHIVED)
    Study.start(ada, title="Übermorgen")
    db.session.commit()
    assert sorted(titles(adas.get("/studies").text)) == ["Search habits", "Übermorgen"]
    assert "1 archived" in adas.get("/studies").text
    assert titles(adas.get("/studies?q=ÜBER").text) == ["Übermorgen"]
    assert titles(adas.get("/studies?state=archived").text) == ["Über alte Gewohnheiten"]
    assert titles(adas.get("/studies?state=live&q=habit+search").text) == ["Search habits"]
    assert "No study fits" in adas.get("/studies?q=nothing").text
    assert adas.get("/studies?state=nonsense").status_code == 200


def test_a_duplicate_is_a_draft_with_the_same_guide_and_a_link_of_its_own(
    app: Flask, adas: FlaskClient, study: Study, interview: Interview
):
    storage = app.extensions["storage"]
    png = b"\x89PNG\r\n\x1a\n" + b"x" * 9
    picture = stimuli.keep(study, BytesIO(png), storage)
    shown = Question(id="q9", text="What is this?", stimulus=picture)
    study.revise_guide([*study.guide.questions, shown])
    study.consent_text, study.time_limit_minutes = "Mine.", 12
    db.session.commit()
    answer = adas.post(f"/studies/{study.public_id}/duplicates")
    copy = db.session.scalars(db.select(Study).where(Study.id != study.id)).one()
    assert answer.location.endswith(f"{copy.public_id}/set-up/basics")
    assert (copy.title, copy.state) == ("Search habits (copy)", Study.State.DRAFT)
    assert (copy.consent_text, copy.time_limit_minutes, copy.interviews) == ("Mine.", 12, [])
    assert copy.invitation.token != study.invitation.token
    texts = [question.text for question in copy.guide.questions]
    assert texts == [question.text for question in study.guide.questions]
    removal.remove_study(study, storage)
    own = copy.guide.questions[-1].stimulus
    assert own
    assert storage.path(own.source).read_bytes() == png


def test_nobody_duplicates_the_study_of_another(strangers: FlaskClient, study: Study):
    assert strangers.post(f"/studies/{study.public_id}/duplicates").status_code == 404
