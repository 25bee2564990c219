"""A forgotten password: a link by e-mail or from whoever runs the server, for an hour and once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from qualz import clock, jobs, sweep
from qualz.cli import main
from qualz.database import db
from qualz.letter import Letter
from qualz.password_reset import VALID_FOR
from qualz.post_office import Unreachable
from qualz.researcher import Researcher
from qualz.second_factor import SecondFactor
from qualz.settings import Settings
from tests.dashboard.test_accounts import SIGN_IN
from tests.dashboard.test_sign_ins import NEW, is_inside

FORGOTTEN = "/forgotten-password"


class Post:
    """Takes letters, or is away; the real one has tests of its own, in test_mails."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.is_away = False

    def send(self, **letter: Any) -> None:
        if self.is_away:
            raise Unreachable("The mail server could not be reached.")
        self.taken.append(letter)

    @property
    def links(self) -> list[str]:
        return re.findall(r"/password-resets/\S+", "\n".join(one["text"] for one in self.taken))


@pytest.fixture
def post(app: Flask) -> Post:
    app.extensions["post"] = Post()
    return app.extensions["post"]


def works() -> None:
    """A worker does what waits."""
    for letter in Letter.unclaimed():
        jobs.letter(letter.id)


def asks_for(client: FlaskClient, email: str) -> str:
    answer = client.post(FORGOTTEN, data={"email": email})
    assert answer.status_code == 200
    return answer.text.partition("<main")[2].replace(email, "EMAIL")


@pytest.fixture
def link(client: FlaskClient, ada: Researcher, post: Post) -> str:
    asks_for(client, "Ada@Example.org")
    works()
    return post.links[0]


def test_the_link_sets_a_new_password_once_and_ends_every_sign_in(
    app: Flask, client: FlaskClient, adas: FlaskClient, link: str, post: Post
):
    page = client.get(link)
    assert "ada@example.org" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert client.post(link, data={"new_password": NEW}).location == "/sign-in"
    assert not is_inside(adas)
    assert client.post("/sign-in", data=SIGN_IN).status_code == 422
    assert client.post("/sign-in", data={**SIGN_IN, "password": NEW}).status_code == 302
    again = client.post(link, data={"new_password": "yet another horse"})
    assert again.status_code == 410
    works()
    assert "was changed" in post.taken[-1]["subject"]


def test_a_link_is_good_for_an_hour(client: FlaskClient, link: str):
    with time_machine.travel(clock.now() + VALID_FOR - timedelta(seconds=5)):
        assert client.get(link).status_code == 200
    with time_machine.travel(clock.now() + VALID_FOR + timedelta(seconds=5)):
        assert client.get(link).status_code == 410


def test_a_password_that_is_tried_first_is_not_set(client: FlaskClient, link: str, ada: Researcher):
    answer = client.post(link, data={"new_password": "qwerty123456"})
    assert answer.status_code == 422
    assert ada.has_password(SIGN_IN["password"])


def test_a_changed_password_shuts_links_that_were_asked_for_earlier(
    client: FlaskClient, adas: FlaskClient, link: str
):
    adas.post(
        "/settings/security/password",
        data={"password": SIGN_IN["password"], "new_password": NEW},
    )
    assert client.get(link).status_code == 410


def test_the_same_is_said_and_done_where_nobody_has_the_address(
    client: FlaskClient, ada: Researcher, post: Post
):
    assert asks_for(client, "ada@example.org") == asks_for(client, "nobody@example.org")
    assert len(Letter.unclaimed()) == 2
    works()
    assert [one["to"] for one in post.taken] == ["ada@example.org"]
    assert Letter.unclaimed() == []


def test_neither_the_database_nor_the_queue_holds_a_link(client: FlaskClient, link: str):
    token = link.rpartition("/")[2]
    assert len(token) >= 32
    kept = [
        *db.session.execute(text("SELECT * FROM password_resets")).all(),
        *db.session.execute(text("SELECT * FROM letters")).all(),
    ]
    assert len(kept) == 2
    assert token not in str(kept)


def test_it_is_sent_once_the_mail_server_is_back_but_not_hours_later(
    client: FlaskClient, ada: Researcher, post: Post, settings: Settings
):
    post.is_away = True
    asks_for(client, "ada@example.org")
    works()
    post.is_away = False
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        sweep.once(settings)
        works()
    assert len(post.links) == 1
    post.is_away = True
    asks_for(client, "ada@example.org")
    works()
    post.is_away = False
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        works()
    assert len(post.links) == 1
    assert Letter.unclaimed() == []


def test_without_a_mail_server_the_page_names_the_command(client: FlaskClient, ada: Researcher):
    page = client.get(FORGOTTEN).text
    assert "qualz reset-password" in page
    assert "<form" not in page
    client.post(FORGOTTEN, data={"email": "ada@example.org"})
    assert db.session.scalar(select(Letter)) is None


def test_links_are_not_asked_for_without_end(
    app: Flask, client: FlaskClient, ada: Researcher, post: Post
):
    codes = [
        client.post(FORGOTTEN, data={"email": "ada@example.org"}).status_code for _ in range(6)
    ]
    assert codes == [200] * 5 + [429]


@pytest.fixture
def shell(settings: Settings, ada: Researcher) -> CliRunner:
    """Whoever runs the server, at its prompt."""
    return CliRunner(
        env={
            "QUALZ_DATA": str(settings.data),
            "DATABASE_URL": settings.database_url,
            "QUALZ_URL": "https://qualz.example.org",
        }
    )


def test_whoever_runs_the_server_hands_out_a_link(shell: CliRunner, client: FlaskClient):
    said = shell.invoke(main, ["reset-password", "Ada@example.org"], catch_exceptions=False)
    address, _, path = said.stdout.strip().partition("/password-resets/")
    assert address == "https://qualz.example.org"
    answer = client.post(f"/password-resets/{path}", data={"new_password": NEW})
    assert answer.location == "/sign-in"


def test_whoever_runs_the_server_lets_in_who_lost_their_phone(
    shell: CliRunner, client: FlaskClient, ada: Researcher, app: Flask
):
    factor = SecondFactor.prepare(ada, app.extensions["vault"])
    factor.confirmed_at = clock.now()
    db.session.commit()
    assert client.post("/sign-in", data=SIGN_IN).location == "/sign-in/code"
    said = shell.invoke(main, ["reset-second-factor", ada.email], catch_exceptions=False)
    assert "is off" in said.stdout
    assert client.post("/sign-in", data=SIGN_IN).location == "/studies"


@pytest.mark.parametrize("command", ["reset-password", "reset-second-factor"])
def test_a_command_says_where_nobody_has_the_address(shell: CliRunner, command: str):
    said = shell.invoke(main, [command, "nobody@example.org"])
    assert said.exit_code == 1
    assert "nobody@example.org" in said.stderr
