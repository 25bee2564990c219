from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qualz.database import db
from qualz.guide import FollowUp
from qualz.interview import Interview
from qualz.study import DEFAULT_CONSENT, DEFAULT_ENDING, Camera, Study

BASICS = {
    "title": "Search habits",
    "objective": "How people search",
    "language": "de",
    "consent_text": "I agree.",
}
CONFIGURE = {
    "camera": "on_by_default",
    "time_limit_minutes": "20",
    "ending_text": "Thank you.",
}


def guide(*texts: str, **more: str) -> dict[str, Any]:
    typed: dict[str, Any] = {"question": [f"n{number}" for number, _ in enumerate(texts)]}
    for number, text in enumerate(texts):
        row = {"text": text, "follow_up": "if_short", "short": "12", "most": "1", "probes": ""}
        typed |= {f"question-n{number}-{name}": value for name, value in (row | more).items()}
    return typed


@pytest.fixture
def draft(adas: FlaskClient) -> Study:
    """A study whose basics are saved."""
    adas.post("/studies", data=BASICS)
    return db.session.scalars(db.select(Study)).one()


def step(study: Study, name: str) -> str:
    return f"/studies/{study.public_id}/set-up/{name}"


def opens(adas: FlaskClient, study: Study) -> TestResponse:
    """Presses the button at the end of the wizard."""
    sent = {"state": "live", "from": "set-up"}
    return adas.post(f"/studies/{study.public_id}/state", data=sent, follow_redirects=True)


def test_a_study_is_set_up_in_four_steps(adas: FlaskClient):
    answer = adas.post("/studies", data=BASICS)
    assert answer.location.endswith("/set-up/guide")
    study = db.session.scalars(db.select(Study)).one()
    asked = guide("How do you search?", "What annoys you?", probes="And then?\r\n\r\nWhy?")
    assert adas.post(answer.location, data=asked).location == step(study, "configure")
    assert adas.post(step(study, "configure"), data=CONFIGURE).location == step(study, "share")
    assert "Open the study?" in adas.get(step(study, "share")).text
    assert study.state is Study.State.DRAFT
    share = opens(adas, study)
    assert "Ready to share" in share.text
    assert study.invitation.token in share.text
    assert "<svg" in share.text
    assert study.state is Study.State.LIVE
    assert (study.title, study.language, study.camera) == (
        "Search habits",
        "de",
        Camera.ON_BY_DEFAULT,
    )
    assert [question.text for question in study.guide.questions] == [
        "How do you search?",
        "What annoys you?",
    ]
    assert study.guide.questions[0].probes == ("And then?", "Why?")
    assert study.time_limit_minutes == 20


def test_a_study_without_a_title_is_not_begun(adas: FlaskClient):
    answer = adas.post("/studies", data={**BASICS, "title": "  "})
    assert answer.status_code == 422
    assert 'id="title-error"' in answer.text
    assert 'href="#title"' in answer.text
    assert "I agree." in answer.text


def test_the_camera_is_disabled_unless_chosen(adas: FlaskClient, draft: Study):
    page = adas.get(step(draft, "configure")).text
    assert re.search(r'<input[^>]* checked[^>]*value="disabled"', page)
    for words in (
        "Camera disabled",
        "Camera enabled, off by default",
        "Camera enabled, on by default",
    ):
        assert f">{words}</label>" in page


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"time_limit_minutes": "soon"}, "time_limit_minutes", "a whole number of minutes"),
        ({"time_limit_minutes": "0"}, "time_limit_minutes", "from 1 to 240"),
        ({"ending_text": ""}, "ending_text", "Write a last word"),
    ],
)
def test_a_step_says_what_is_wrong_beside_the_field(
    adas: FlaskClient, draft: Study, wrong: dict[str, str], field: str, said: str
):
    answer = adas.post(step(draft, "configure"), data={**CONFIGURE, **wrong}, follow_redirects=True)
    assert answer.request.path == step(draft, "configure")
    assert f'id="{field}-error"' in answer.text
    assert f'href="#{field}"' in answer.text
    assert answer.text.count(said) >= 2
    assert draft.time_limit_minutes == 30


def test_going_back_saves_what_is_right(adas: FlaskClient, draft: Study):
    answer = adas.post(step(draft, "guide"), data={**guide("Why?"), "go": "back"})
    assert answer.location == step(draft, "basics")
    assert [question.text for question in draft.guide.questions] == ["Why?"]


def test_back_from_the_first_step_of_a_draft_leads_to_the_studies(adas: FlaskClient, draft: Study):
    answer = adas.post(step(draft, "basics"), data={**BASICS, "title": "", "go": "back"})
    assert answer.location == "/studies"
    assert adas.get(f"/studies/{draft.public_id}").location == step(draft, "basics")


def test_too_many_questions_are_refused_and_all_of_them_kept(adas: FlaskClient, draft: Study):
    many = guide(*(f"Question {number}?" for number in range(101)))
    page = adas.post(step(draft, "guide"), data=many, follow_redirects=True).text
    assert "A guide holds at most 100 questions." in page
    assert page.count("data-question") == 101


def test_going_back_keeps_what_is_wrong_as_it_was_typed(adas: FlaskClient, draft: Study):
    typed = {**CONFIGURE, "time_limit_minutes": "half an hour", "ending_text": "Bye", "go": "back"}
    assert adas.post(step(draft, "configure"), data=typed).location == step(draft, "guide")
    assert draft.time_limit_minutes == 30
    page = adas.get(step(draft, "configure")).text
    assert 'value="half an hour"' in page
    assert "Bye</textarea>" in page
    assert 'id="time_limit_minutes-error"' in page
    adas.post(step(draft, "configure"), data=CONFIGURE)
    assert draft.unsaved == {}
    assert draft.ending_text == "Thank you."


def test_what_is_being_typed_is_kept_without_being_held_against_anyone(
    adas: FlaskClient, draft: Study
):
    adas.put(f"/studies/{draft.public_id}/drafts/basics", data={**BASICS, "title": ""})
    page = adas.get(step(draft, "basics")).text
    assert "It is not saved yet" in page
    assert "title-error" not in page
    assert draft.title == "Search habits"


def test_a_late_draft_of_what_was_saved_leaves_nothing_behind(adas: FlaskClient, draft: Study):
    """The last autosave may arrive after the form itself."""
    adas.put(f"/studies/{draft.public_id}/drafts/basics", data=BASICS)
    assert draft.unsaved == {}


def test_a_draft_can_be_discarded(adas: FlaskClient, draft: Study):
    adas.put(f"/studies/{draft.public_id}/drafts/basics", data={**BASICS, "title": "Other"})
    answer = adas.delete(f"/studies/{draft.public_id}/drafts/basics")
    assert answer.headers["HX-Refresh"] == "true"
    assert 'value="Search habits"' in adas.get(step(draft, "basics")).text


def test_a_new_study_is_kept_from_its_first_words_on(adas: FlaskClient):
    first = adas.post("/studies/drafts", data={**BASICS, "title": "Sea", "draft": ""})
    study = db.session.scalars(db.select(Study)).one()
    assert first.headers["HX-Replace-Url"] == step(study, "basics")
    assert study.public_id in first.text
    adas.post("/studies/drafts", data={**BASICS, "title": "Search", "draft": study.public_id})
    assert 'value="Search"' in adas.get(step(study, "basics")).text
    done = adas.post("/studies", data={**BASICS, "draft": study.public_id})
    assert done.location == step(study, "guide")
    assert len(db.session.scalars(db.select(Study)).all()) == 1


def test_the_last_step_says_what_is_missing_and_changes_nothing(adas: FlaskClient, draft: Study):
    draft.title = ""
    db.session.commit()
    page = adas.get(step(draft, "share")).text
    assert "The study needs a title." in page
    assert "at least one question" in page
    assert "Open the study" not in page
    assert draft.invitation.token not in page.partition("Try the interview")[0]
    assert (draft.state, draft.unsaved) == (Study.State.DRAFT, {})


def test_opening_without_questions_leads_back_to_the_guide(adas: FlaskClient, draft: Study):
    answer = opens(adas, draft)
    assert answer.request.path == step(draft, "guide")
    assert "Write at least one question before you share the study" in answer.text
    assert draft.state is Study.State.DRAFT


def test_opening_leads_to_whatever_is_not_right_yet(adas: FlaskClient, draft: Study):
    adas.post(step(draft, "guide"), data=guide("Why?"))
    adas.put(f"/studies/{draft.public_id}/drafts/configure", data={**CONFIGURE, "ending_text": ""})
    assert "not quite right" in adas.get(step(draft, "share")).text
    answer = opens(adas, draft)
    assert answer.request.path == step(draft, "configure")
    assert 'id="ending_text-error"' in answer.text


def test_blank_questions_are_passed_over(adas: FlaskClient, draft: Study):
    adas.post(step(draft, "guide"), data=guide("", "Why?", ""))
    assert [question.text for question in draft.guide.questions] == ["Why?"]


def test_a_rule_that_is_idle_is_never_what_is_wrong(adas: FlaskClient, draft: Study):
    asked = guide("Why?", follow_up="never", short="x", most="")
    assert adas.post(step(draft, "guide"), data=asked).location == step(draft, "configure")
    assert draft.guide.questions[0].follow_up is FollowUp.NEVER
    wrong = adas.post(step(draft, "guide"), data=guide("Why?", short="x"), follow_redirects=True)
    assert "Question 1: Write a whole number of words" in wrong.text


@pytest.mark.parametrize(
    ("go", "order"),
    [
        ("up:n1", ["Two", "One", "Three"]),
        ("down:n1", ["One", "Three", "Two"]),
        ("up:n0", ["One", "Two", "Three"]),
        ("remove:n1", ["One", "Three"]),
        ("add", ["One", "Two", "Three", ""]),
    ],
)
def test_questions_are_arranged_without_scripts_too(
    adas: FlaskClient, draft: Study, go: str, order: list[str]
):
    typed = {**guide("One", "Two", "Three"), "go": go}
    page = adas.post(step(draft, "guide"), data=typed, follow_redirects=True).text
    texts = re.findall(r"-text\"[^>]*>\s*([^<]*)</textarea>", page)
    assert [text.strip() for text in texts] == order


def test_another_question_is_a_row_of_its_own(adas: FlaskClient, draft: Study):
    row = adas.get(f"{step(draft, 'guide')}/questions/new")
    assert row.text.count("<li") == 1
    assert 'name="question"' in row.text


def test_interviews_keep_the_guide_that_they_began_with(
    adas: FlaskClient, study: Study, interview: Interview
):
    adas.post(step(study, "guide"), data=guide("Something else?"))
    assert study.guide.version == 2
    assert [question.text for question in interview.guide.questions] == [
        "How do you search?",
        "What annoys you?",
    ]


def test_saving_a_guide_unchanged_makes_no_version(
    adas: FlaskClient, study: Study, interview: Interview
):
    page = adas.get(step(study, "guide")).text
    names = re.findall(r'name="question" value="([^"]+)"', page)
    assert names == ["q1", "q2"]
    typed = {
        "question": names,
        "question-q1-text": "How do you search?",
        "question-q1-follow_up": "if_short",
        "question-q1-short": "5",
        "question-q1-most": "1",
        "question-q1-probes": "",
        "question-q2-text": "What annoys you?",
        "question-q2-follow_up": "never",
        "question-q2-short": "12",
        "question-q2-most": "1",
        "question-q2-probes": "",
    }
    adas.post(step(study, "guide"), data=typed)
    assert study.guide.version == 1


def test_changes_not_saved_yet_are_shown_on_the_study(adas: FlaskClient, study: Study):
    adas.put(f"/studies/{study.public_id}/drafts/basics", data={**BASICS, "title": ""})
    page = adas.get(f"/studies/{study.public_id}/transcripts").text
    assert "Some changes are not saved yet" in page


def test_another_researchers_study_is_not_there(strangers: FlaskClient, study: Study):
    for address in (
        f"/studies/{study.public_id}",
        f"/studies/{study.public_id}/guide",
        f"/studies/{study.public_id}/settings",
        f"/studies/{study.public_id}/share",
        step(study, "basics"),
        step(study, "share"),
    ):
        assert strangers.get(address).status_code == 404
    assert strangers.post(step(study, "basics"), data=BASICS).status_code == 404
    draft = f"/studies/{study.public_id}/drafts/basics"
    assert strangers.put(draft, data=BASICS).status_code == 404
    taken = {**BASICS, "draft": study.public_id}
    assert strangers.post("/studies", data=taken).status_code == 404
    assert strangers.post("/studies/drafts", data=taken).status_code == 404
    assert "Search habits" not in strangers.get("/studies").text


def test_texts_that_nobody_has_changed_follow_the_language(adas: FlaskClient):
    adas.post("/studies", data={**BASICS, "consent_text": DEFAULT_CONSENT, "language": "de"})
    study = db.session.scalars(db.select(Study)).one()
    assert study.consent_text.startswith("In diesem Interview")
    assert study.ending_text.startswith("Vielen Dank")
    adas.post(
        step(study, "basics"), data={**BASICS, "consent_text": study.consent_text, "language": "ja"}
    )
    assert (study.consent_text, study.ending_text) == (DEFAULT_CONSENT, DEFAULT_ENDING)


def test_words_of_the_researchers_own_stay_whatever_the_language(adas: FlaskClient, draft: Study):
    adas.post(step(draft, "basics"), data={**BASICS, "language": "fr"})
    assert draft.consent_text == "I agree."
