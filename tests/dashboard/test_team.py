"""The team's pages: inviting, joining, roles, and who sees a study."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz.api_token import ApiToken
from qualz.database import db
from qualz.errors import TokenRefused
from qualz.post_office import Unsent
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.study import Study
from qualz.team_invitation import TeamInvitation
from tests.conftest import add_researcher
from tests.dashboard.conftest import signed_in

TEAM = "/settings/team"
VERA = {"name": "Vera", "email": "vera@example.org", "password": "correct horse battery"}


class Post:
    """A mail server that keeps what it is given, or refuses it."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.sent: list[dict[str, str]] = []

    def send(self, **letter: str) -> None:
        if self.refuses:
            raise Unsent(self.refuses)
        self.sent.append(letter)


@pytest.fixture
def rosa(ada: Researcher) -> Researcher:
    return add_researcher("Rosa", "rosa@example.org")


def invites(browser: FlaskClient, **asked: str) -> str:
    """The path of the link that is shown."""
    answer = browser.post(f"{TEAM}/invitations", data={"standing": "viewer", **asked})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    (path,) = re.findall(r'value="http://[^/]+(/join/[^"]+)"', answer.text)
    return path


def person(name: str) -> Researcher:
    return db.session.scalars(select(Researcher).where(Researcher.name == name)).one()


def test_somebody_is_invited_and_joins(adas: FlaskClient, client: FlaskClient, study: Study):
    path = invites(adas, name="Vera", standing="viewer-guest", studies=study.public_id)
    listed = adas.get(TEAM).text
    assert path not in listed
    assert "Viewer, as a guest" in listed
    assert 'value="Vera"' in client.get(path).text
    assert client.post(path, data={**VERA, "password": "short"}).status_code == 422
    taken = client.post(path, data={**VERA, "email": "ada@example.org"})
    assert taken.status_code == 422
    assert "Sign in with it instead" in taken.text
    assert client.post(path, data=VERA).location == "/studies"
    page = client.get("/studies").text
    assert study.title in page
    assert "New study" not in page
    assert adas.get(TEAM).text.count("last here") == 2
    assert client.get(path).status_code == 410
    assert client.post(path, data={**VERA, "email": "again@example.org"}).status_code == 410


def test_a_revoked_invitation_lets_nobody_in(adas: FlaskClient, client: FlaskClient):
    path = invites(adas)
    one = db.session.scalars(select(TeamInvitation)).one()
    adas.post(f"{TEAM}/invitations/{one.public_id}/revocation")
    assert client.post(path, data=VERA).status_code == 410
    assert "Revoked" in adas.get(TEAM).text


def test_an_invitation_is_sent_where_there_is_a_mail_server(app: Flask, adas: FlaskClient):
    assert "The invitation is sent there" not in adas.get(TEAM).text
    post = app.extensions["post"] = Post()
    path = invites(adas, email="vera@example.org")
    (letter,) = post.sent
    assert letter["to"] == "vera@example.org"
    assert path in letter["text"]
    app.extensions["post"] = Post(refuses="The mail server is closed.")
    answer = adas.post(f"{TEAM}/invitations", data={"standing": "viewer", "email": "v@example.org"})
    assert "The mail server is closed." in answer.text
    assert "/join/" in answer.text


def test_an_admin_makes_no_admins(app: Flask, ada: Researcher, rosa: Researcher):
    adam = signed_in(app, add_researcher("Adam", "adam@example.org", role=Role.ADMIN))
    assert 'value="admin"' not in adam.get(TEAM).text
    assert adam.post(f"{TEAM}/invitations", data={"standing": "admin"}).status_code == 422
    assert adam.post(f"{TEAM}/people/{rosa.id}", data={"standing": "owner"}).status_code == 400
    assert adam.post(f"{TEAM}/people/{ada.id}", data={"standing": "viewer"}).status_code == 403
    assert adam.post(f"{TEAM}/people/{ada.id}/removal").status_code == 403
    assert adam.post(f"{TEAM}/people/{rosa.id}", data={"standing": "viewer"}).status_code == 303
    assert [person(name).role for name in ("Ada", "Rosa")] == [Role.OWNER, Role.VIEWER]


def test_the_only_owner_is_told_why_they_stay(adas: FlaskClient, ada: Researcher):
    for answer in (
        adas.post(f"{TEAM}/people/{ada.id}", data={"standing": "viewer"}),
        adas.post(f"{TEAM}/people/{ada.id}/removal"),
    ):
        assert answer.status_code == 409
        assert "Make somebody else an owner first" in answer.text
    assert person("Ada").is_active


def test_who_is_removed_is_out_at_their_next_request(
    app: Flask, adas: FlaskClient, rosa: Researcher
):
    rosas = signed_in(app, rosa)
    _, text = ApiToken.create(rosa, "a program", validity=None)
    db.session.commit()
    assert rosas.get("/studies").status_code == 200
    adas.post(f"{TEAM}/people/{rosa.id}/removal")
    assert "/sign-in" in rosas.get("/studies").location
    adas.post(f"{TEAM}/people/{rosa.id}/return")
    assert person("Rosa").is_active
    # What a program held does not come back with them.
    with pytest.raises(TokenRefused):
        ApiToken.opened_by(text)


def test_its_maker_chooses_who_sees_a_study(app: Flask, ada: Researcher, rosa: Researcher):
    olaf, gus = (add_researcher(name, f"{name}@example.org") for name in ("Olaf", "Gus"))
    study = Study.start(rosa, title="Secret bees")
    db.session.commit()
    address = f"/studies/{study.public_id}"
    rosas, olafs = signed_in(app, rosa), signed_in(app, olaf)
    assert "decides that" in olafs.get(f"{address}/settings").text
    only_gus = {"seen_by": "chosen", "people": [gus.id]}
    assert olafs.post(f"{address}/access", data=only_gus).status_code == 403
    assert rosas.post(f"{address}/access", data=only_gus).status_code == 303
    assert olafs.get(f"{address}/settings").status_code == 404
    assert "Secret bees" not in olafs.get("/studies").text
    for browser in (rosas, signed_in(app, gus), signed_in(app, ada)):
        assert "Chosen people" in browser.get("/studies").text
    assert rosas.post(f"{address}/access", data={"people": ["99"]}).status_code == 400


def test_the_only_owner_is_offered_no_way_to_leave_the_team_without_one(
    adas: FlaskClient, ada: Researcher
):
    remove = f"/settings/team/people/{ada.id}/removal"
    page = adas.get(TEAM).text
    assert "The only owner" in page
    assert remove not in page
    add_researcher("Olga", "olga@example.org", role=Role.OWNER)
    assert remove in adas.get(TEAM).text
    assert "You are signed out at once" in adas.get(remove).text
