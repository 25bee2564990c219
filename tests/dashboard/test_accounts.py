from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import IntegerConverter

from qualz.database import db
from qualz.researcher import Researcher, SetUpLink
from tests.dashboard.conftest import HTMX

OWNER = {"name": "Ada", "email": "Ada@Example.org", "password": "correct horse battery"}
SIGN_IN = {"email": "ada@example.org", "password": "correct horse battery"}


@pytest.fixture
def set_up_link(app: Flask) -> str:
    token = SetUpLink.renew()
    db.session.commit()
    return f"/setup/{token}"


def test_the_set_up_link_creates_the_owner_and_signs_in(client: FlaskClient, set_up_link: str):
    answer = client.post(set_up_link, data=OWNER, follow_redirects=True)
    assert answer.status_code == 200
    assert "New study" in answer.text
    owner = db.session.scalars(db.select(Researcher)).one()
    assert owner.email == "ada@example.org"
    assert owner.password_hash.startswith("$argon2id$")


def test_the_set_up_link_works_once(client: FlaskClient, set_up_link: str):
    client.post(set_up_link, data=OWNER)
    client.post("/sign-out")
    again = client.post(set_up_link, data={**OWNER, "email": "mallory@example.org"})
    assert again.status_code == 410
    assert "no longer valid" in again.text
    assert len(db.session.scalars(db.select(Researcher)).all()) == 1


def test_a_set_up_link_that_never_was_says_the_same(client: FlaskClient):
    answer = client.get("/setup/guessed")
    assert answer.status_code == 410
    assert "no longer valid" in answer.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "Give your name"),
        ({"email": "nobody"}, "Write the whole e-mail address"),
        ({"password": "short"}, "at least 12 characters"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_at_the_top(
    client: FlaskClient, set_up_link: str, wrong: dict[str, str], said: str
):
    answer = client.post(set_up_link, data={**OWNER, **wrong})
    field = next(iter(wrong))
    assert answer.status_code == 422
    assert answer.text.count(said) >= 2
    assert f'id="{field}-error"' in answer.text
    assert f'href="#{field}"' in answer.text
    assert not Researcher.anybody()


def test_the_right_password_signs_in(client: FlaskClient, ada: Researcher):
    assert client.post("/sign-in", data=SIGN_IN).location == "/studies"
    assert client.get("/studies").status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"password": "correct horse"}, {"email": "nobody@example.org"}], ids=["word", "who"]
)
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    client: FlaskClient, ada: Researcher, wrong: dict[str, str]
):
    answer = client.post("/sign-in", data={**SIGN_IN, **wrong})
    assert answer.status_code == 422
    assert "do not go together" in answer.text
    assert client.get("/studies").status_code == 302


def test_signing_out_ends_it(adas: FlaskClient):
    assert adas.post("/sign-out").location == "/sign-in"
    assert adas.get("/studies").status_code == 302


def test_a_page_that_needed_signing_in_is_returned_to(client: FlaskClient, ada: Researcher):
    asked = client.get("/studies/new")
    assert asked.location == "/sign-in?next=/studies/new"
    answer = client.post(asked.location, data=SIGN_IN)
    assert answer.location == "/studies/new"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
    ],
)
def test_signing_in_leads_to_no_other_server(client: FlaskClient, ada: Researcher, elsewhere: str):
    answer = client.post("/sign-in", data={**SIGN_IN, "next": elsewhere})
    assert answer.location == "/studies"


def test_a_form_without_its_token_is_refused(app: Flask, ada: Researcher, client: FlaskClient):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post("/sign-in", data=SIGN_IN)
    assert answer.status_code == 400
    assert client.get("/studies").status_code == 302


def test_no_address_of_the_workplace_is_open_to_all(app: Flask, client: FlaskClient):
    """Whatever route is added: nobody who has not signed in is let through."""
    open_to_all = {
        "dashboard.join_team",
        "dashboard.sign_in",
        "dashboard.set_up_account",
        "dashboard.second_step",
        "dashboard.sign_in_by_provider",
        "dashboard.return_from_provider",
        "dashboard.forgotten_password",
        "dashboard.reset_password",
    }
    looked_at = 0
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("dashboard.") or rule.endpoint in open_to_all:
            continue
        numbers = {
            name for name, kind in rule._converters.items() if isinstance(kind, IntegerConverter)
        }
        values = {name: "1" if name in numbers else "basics" for name in rule.arguments}
        address = app.url_map.bind("localhost").build(rule.endpoint, values)
        for method in rule.methods & {"GET", "POST", "PUT", "DELETE"}:
            answer = client.open(address, method=method)
            assert answer.status_code == 302, (method, address)
            assert answer.location.startswith("/sign-in"), (method, address)
            looked_at += 1
    assert looked_at > 25


def test_a_partial_asked_for_after_signing_out_reloads_its_page(client: FlaskClient):
    answer = client.get("/studies", headers=HTMX)
    assert answer.status_code == 401
    assert answer.headers["HX-Refresh"] == "true"
