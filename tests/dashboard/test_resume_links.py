from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from qualz import clock
from qualz.database import db
from qualz.interview import Interview
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.resume_link import ResumeLink
from qualz.study import Study
from qualz.tokens import digest
from tests.dashboard.conftest import HTMX, of


@pytest.fixture
def links(study: Study, interview: Interview) -> str:
    return of(study, interview, "/resume-links")


def token_in(page: str) -> str:
    found = re.search(r'value="http://localhost:8000/r/([^"]+)"', page)
    assert found
    return found[1]


def test_reinviting_opens_a_dialog_that_explains(adas: FlaskClient, links: str):
    dialog = adas.get(links, headers=HTMX).text
    assert "<dialog" in dialog
    assert "Reinvite Participant 1" in dialog
    assert '<option value="7" selected>One week</option>' in dialog
    assert "<!doctype html>" in adas.get(links).text


def test_a_link_is_shown_once_and_kept_as_a_digest(
    adas: FlaskClient, interview: Interview, links: str
):
    created = adas.post(links, headers=HTMX)
    assert created.headers["Cache-Control"] == "no-store"
    assert "It can be read only this once" in created.text
    token = token_in(created.text)
    link = db.session.scalars(db.select(ResumeLink)).one()
    assert link.token_digest == digest(token)
    assert ResumeLink.opened_by(token) is link
    assert timedelta(days=6, hours=23) < link.expires_at - clock.now() <= timedelta(weeks=1)
    for headers in (HTMX, {}):
        assert token not in adas.get(links, headers=headers).text
    assert token not in "".join(str(row) for row in db.session.execute(db.text(EVERYTHING)))


EVERYTHING = "SELECT token_digest, created_at, expires_at FROM resume_links"


def test_creating_a_link_leaves_the_interview_as_it_is(
    adas: FlaskClient, interview: Interview, links: str
):
    interview.complete()
    db.session.commit()
    adas.post(links, headers=HTMX)
    assert interview.state is Interview.State.COMPLETED


def test_revoking_closes_the_way_in(adas: FlaskClient, interview: Interview, links: str):
    token = token_in(adas.post(links, headers=HTMX).text)
    link = interview.resume_links[0]
    answer = adas.delete(f"{links}/{link.id}", headers=HTMX).text
    assert "The link was revoked" in answer
    assert link.state is ResumeLink.State.REVOKED
    assert adas.get(f"/r/{token}").status_code == 410


def test_the_state_of_each_link_is_shown(adas: FlaskClient, interview: Interview, links: str):
    for _ in range(3):
        adas.post(links, headers=HTMX)
    one, two, three = db.session.scalars(db.select(ResumeLink)).all()
    one.expires_at = clock.now() - timedelta(days=1)
    two.revoke()
    three.use()
    db.session.commit()
    page = adas.get(links, headers=HTMX).text
    for word in ("Expired", "Revoked", "Valid", "last used", "never used", "by Ada"):
        assert word in page
    assert page.count("hx-delete") == 1


def test_a_stranger_creates_and_revokes_nothing(
    adas: FlaskClient, strangers: FlaskClient, interview: Interview, links: str
):
    adas.post(links, headers=HTMX)
    link = interview.resume_links[0]
    assert strangers.post(links, headers=HTMX).status_code == 404
    assert strangers.delete(f"{links}/{link.id}", headers=HTMX).status_code == 404
    assert len(interview.resume_links) == 1
    assert link.is_valid


def test_a_link_is_revoked_only_through_its_own_interview(
    adas: FlaskClient, study: Study, interview: Interview, links: str
):
    adas.post(links, headers=HTMX)
    other = Interview.begin(study.invitation)
    db.session.commit()
    link = interview.resume_links[0]
    address = of(study, other, f"/resume-links/{link.id}")
    assert adas.delete(address, headers=HTMX).status_code == 404
    assert link.is_valid


def test_a_link_is_valid_for_as_long_as_was_chosen(
    adas: FlaskClient, interview: Interview, links: str
):
    for days, valid in (("1", 1), ("30", 30), ("31", 7), ("-1", 7), ("soon", 7)):
        adas.post(links, data={"days": days}, headers=HTMX)
        left = interview.resume_links[0].expires_at - clock.now()
        assert round(left / timedelta(days=1), 2) == valid
        db.session.expire_all()


def test_a_link_is_replaced_by_another_one(adas: FlaskClient, interview: Interview, links: str):
    token = token_in(adas.post(links, headers=HTMX).text)
    first = interview.resume_links[0]
    answer = adas.post(links, data={"replaces": first.id}, headers=HTMX).text
    assert "Replaced" in answer
    assert first.state is ResumeLink.State.REPLACED
    assert adas.get(f"/r/{token}").status_code == 410
    assert adas.get(f"/r/{token_in(answer)}").status_code == 200
    assert adas.post(links, data={"replaces": 999}, headers=HTMX).status_code == 404


def test_an_e_mail_is_ready_in_the_language_of_the_study(
    adas: FlaskClient, study: Study, interview: Interview, links: str
):
    study.language, study.title = "de", "Suchen & finden"
    interview.rename("the shy one from Tuesday")
    db.session.commit()
    page = adas.post(links, headers=HTMX).text
    mail = page.split('id="mail-title"')[1]
    assert "Ihr Interview „Suchen &amp; finden“" in mail
    assert f"http://localhost:8000/r/{token_in(page)}" in mail
    assert "shy one" not in mail
    assert re.search(r"Er gilt bis \d+\. \w+ \d{4}, \d\d:\d\d UTC", mail)
    address = urlsplit(html.unescape(mail.split('href="')[1].split('"')[0]))
    sent = parse_qs(address.query)
    assert address.scheme == "mailto"
    assert "Suchen & finden" in sent["subject"][0]
    assert token_in(page) in sent["body"][0]


def test_the_e_mail_goes_to_whom_a_personal_link_was_made_for(
    adas: FlaskClient, study: Study, links: str
):
    ((link, _),) = PersonalLink.create(study, [Person("Jane Doe", "jane+x@example.org")])
    db.session.flush()
    theirs = Interview.begin(link)
    assert link.begin(theirs)
    db.session.commit()
    page = adas.post(of(study, theirs, "/resume-links"), headers=HTMX).text
    assert "Hello Jane Doe," in page
    assert "mailto:jane%2Bx@example.org?subject=" in page
