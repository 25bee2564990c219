"""The Share page's personal links: made, watched, revoked, renewed, exported."""

from __future__ import annotations

import base64
import csv
import io
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qualz import removal
from qualz.database import db
from qualz.interview import Interview
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.study import Study
from tests.dashboard.conftest import HTMX


@pytest.fixture
def links(study: Study) -> str:
    return f"/studies/{study.public_id}/personal-links"


def all_links() -> list[PersonalLink]:
    return list(db.session.scalars(db.select(PersonalLink).order_by(PersonalLink.id)))


def token_in(answer: TestResponse) -> str:
    found = re.search(r'value="http://localhost:8000/p/([^"]+)"', answer.text)
    assert found
    return found[1]


def begun(study: Study, name: str) -> tuple[PersonalLink, Interview]:
    ((link, _),) = PersonalLink.create(study, [Person(name)])
    db.session.flush()
    interview = Interview.begin(link)
    assert link.begin(interview)
    db.session.commit()
    return link, interview


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_link_for_one_person_is_shown_once_and_kept_as_a_digest(adas: FlaskClient, links: str):
    form = {"name": "Jane Doe", "email": "jane@example.org"}
    made = adas.post(links, data=form, headers=HTMX)
    assert made.headers["Cache-Control"] == "no-store"
    token = token_in(made)
    (link,) = all_links()
    assert PersonalLink.opened_by(token) is link
    assert token not in "".join(map(str, vars(link).values()))
    page = adas.get(links.replace("personal-links", "share")).text
    assert token not in page
    assert "Jane Doe" in page
    assert "Not opened" in page


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "", "email": ""}, "There is neither a name nor an e-mail address."),
        ({"name": "Al", "email": "al at home"}, "“al at home” is no e-mail address."),
        ({"name": "J", "email": "JANE@example.org"}, "has a link in this study already"),
    ],
)
def test_what_is_wrong_with_one_is_said_and_none_is_made(
    adas: FlaskClient, study: Study, links: str, form: dict[str, str], said: str
):
    PersonalLink.create(study, [Person("Jane", "jane@example.org")])
    db.session.commit()
    answer = adas.post(links, data=form)
    assert answer.status_code == 422
    assert said in answer.text
    assert len(all_links()) == 1


def test_of_a_list_every_good_line_gets_a_link_and_the_others_stay_in_the_field(
    adas: FlaskClient, links: str
):
    text = "Jane;jane@example.org\nnobody@nowhere\n=1+1;calc@example.org\n"
    answer = adas.post(links, data={"text": text}, headers=HTMX)
    assert "2 links were made" in answer.text
    assert "<strong>Line 2</strong>: “nobody@nowhere” is no e-mail address" in answer.text
    assert ">nobody@nowhere</textarea>" in answer.text
    encoded = answer.text.split("base64,")[1].split('"')[0]
    head, jane, calc = rows_of(base64.b64decode(encoded))
    assert head == ["name", "e-mail", "link"]
    assert PersonalLink.opened_by(jane[2].rpartition("/")[2]).email == "jane@example.org"
    assert calc[0] == "'=1+1"


def test_a_file_is_read_too_and_not_beside_a_list(adas: FlaskClient, links: str):
    def file() -> tuple[io.BytesIO, str]:
        return io.BytesIO("Name,E-Mail\nJosé,jose@example.org\n".encode("cp1252")), "people.csv"

    both = adas.post(links, data={"text": "Bo", "file": file()})
    assert both.status_code == 422
    assert all_links() == []
    adas.post(links, data={"text": "", "file": file()})
    assert [link.name for link in all_links()] == ["José"]
    assert adas.post(links, data={"text": " "}).status_code == 422


def test_revoked_renewed_and_removed(adas: FlaskClient, study: Study, links: str):
    token = token_in(adas.post(links, data={"name": "Jane", "email": ""}, headers=HTMX))
    (link,) = all_links()
    assert "was revoked" in adas.post(f"{links}/{link.public_id}/revocation", headers=HTMX).text
    assert adas.get(f"/p/{token}").status_code == 410
    newer = token_in(adas.post(f"{links}/{link.public_id}/renewals", headers=HTMX))
    assert adas.get(f"/p/{newer}").status_code == 200
    assert "was removed" in adas.delete(f"{links}/{link.public_id}", headers=HTMX).text
    assert all_links() == []
    theirs, _ = begun(study, "Bo")
    assert adas.delete(f"{links}/{theirs.public_id}", headers=HTMX).status_code == 404


def test_the_list_is_searched_and_paged_and_says_how_far_each_has_come(
    adas: FlaskClient, study: Study, links: str
):
    people = [Person(f"Person {number}", f"p{number}@example.org") for number in range(60)]
    PersonalLink.create(study, people)
    db.session.commit()
    _, interview = begun(study, "Ölaf 100%")
    interview.complete()
    db.session.commit()
    first = adas.get(links, headers=HTMX).text
    assert "61 people" in first
    assert "Page 1 of 2" in first
    assert "Completed" in first
    assert "Person 59" not in first
    assert "Person 59" in adas.get(f"{links}?page=2", headers=HTMX).text
    assert "1 person found" in adas.get(f"{links}?q=ölAF 100%25", headers=HTMX).text
    assert "1 person found" in adas.get(f"{links}?q=p59%40EX", headers=HTMX).text
    assert "1 person found" in adas.get(f"{links}?q=%25", headers=HTMX).text
    digest = first.split("seen=")[1].split("&")[0]
    assert adas.get(f"{links}?seen={digest}", headers=HTMX).status_code == 204


def test_the_list_is_exported_with_states_and_without_formulas(
    adas: FlaskClient, study: Study, links: str
):
    PersonalLink.create(study, [Person("@SUM(A1)", "sum@example.org")])
    db.session.commit()
    begun(study, "Bo")
    answer = adas.get(f"{links}.csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    head, bo, formula = rows_of(answer.data)
    assert (bo[0], bo[2], bo[3]) == ("Bo", "Joined", "Bo")
    assert formula[:3] == ["'@SUM(A1)", "sum@example.org", "Not opened"]
    assert len(head) == len(bo)


def test_a_stranger_sees_and_does_nothing(
    adas: FlaskClient, strangers: FlaskClient, study: Study, links: str
):
    link, _ = begun(study, "Jane")
    assert strangers.get(links, headers=HTMX).status_code == 404
    assert strangers.get(f"{links}.csv").status_code == 404
    assert strangers.post(links, data={"name": "x"}).status_code == 404
    for rest in ("renewals", "revocation"):
        assert strangers.post(f"{links}/{link.public_id}/{rest}").status_code == 404
    assert link.revoked_at is None


def test_a_link_goes_with_its_interview_and_with_its_study(
    adas: FlaskClient, study: Study, links: str
):
    storage = adas.application.extensions["storage"]
    _, interview = begun(study, "Jane")
    PersonalLink.create(study, [Person("Bo")])
    db.session.commit()
    removal.remove_interview(interview, storage)
    assert [link.name for link in all_links()] == ["Bo"]
    removal.remove_study(study, storage)
    assert all_links() == []
