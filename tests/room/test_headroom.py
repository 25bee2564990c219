"""While the disk is nearly full nobody new is let in, and whoever is inside goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz.database import db
from qualz.headroom import LEAST, MOST, Headroom
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.settings import Settings
from qualz.study import Study
from tests.conftest import add_researcher
from tests.dashboard.conftest import signed_in
from tests.room.conftest import Participant

CANNOT_BE = 1 << 60
SHUT = "No new interviews at the moment"


@pytest.fixture
def fills_up(app: Flask) -> Callable[[], None]:
    """So far that not as much is left as is wanted for somebody new."""

    def fills_up(reserve: int = CANNOT_BE) -> None:
        settings: Settings = app.extensions["settings"]
        app.extensions["settings"] = replace(settings, disk_reserve=reserve)

    return fills_up


def test_nobody_new_is_let_in_and_the_page_says_what_to_do(
    client: FlaskClient, study: Study, fills_up: Callable[[], None]
):
    participant = Participant(client)
    link = f"/i/{study.invitation.token}"
    shown = client.get(link).text.split('name="shown" value="')[1].split('"')[0]
    fills_up()
    for answer in (client.get(link), client.post(link, data={"consent": "yes", "shown": shown})):
        assert answer.status_code == 503
        assert SHUT in answer.text
        assert "your link stays valid" in answer.text
    assert study.interviews == []
    fills_up(reserve=1)
    assert participant.consents(study)


def test_a_personal_link_waits_too_and_is_spent_by_nothing(
    client: FlaskClient, study: Study, fills_up: Callable[[], None]
):
    ((_, token),) = PersonalLink.create(study, [Person("Bea", "bea@example.org")])
    db.session.commit()
    fills_up()
    assert client.get(f"/p/{token}").status_code == 503
    assert client.post(f"/p/{token}", data={"consent": "yes"}).status_code == 503
    assert study.interviews == []


def test_whoever_is_inside_goes_on(
    client: FlaskClient, study: Study, sound: bytes, fills_up: Callable[[], None]
):
    participant = Participant(client)
    participant.consents(study)
    participant.arrives()
    fills_up()
    participant.uploads(sound)
    assert participant.arrives().status_code == 200
    assert client.get(participant.room).status_code == 200
    # By the link that everybody has, too: it shows the way back.
    assert participant.room in client.get(f"/i/{study.invitation.token}").text


def test_the_team_is_told_on_every_page(
    app: Flask, ada: Researcher, study: Study, fills_up: Callable[[], None]
):
    vera = add_researcher("Vera", "vera@example.org", role=Role.VIEWER)
    owners, viewers = signed_in(app, ada), signed_in(app, vera)
    assert "low-disk" not in owners.get("/").text
    fills_up()
    assert "No new interviews: the disk is nearly full" in viewers.get("/").text
    assert "/settings/server" not in viewers.get("/").text
    page = owners.get("/settings/server").text
    assert "See what takes the room" in page
    assert "Interviews under way go on" in page


def test_a_reserve_fits_its_disk():
    def reserve(size: int) -> int:
        class Disk:
            def free_bytes(self) -> int:
                return size

            def disk_bytes(self) -> int:
                return size

        return Headroom.of(Disk(), None).reserve  # type: ignore[arg-type]

    assert [reserve(size) for size in (1 << 30, 10 << 30, 1 << 40)] == [LEAST, 1 << 30, MOST]
    short = Headroom(free=3, size=10, reserve=2)
    assert short.is_short
    assert short.takes_new
    assert not Headroom(free=1, size=10, reserve=2).takes_new
