"""What is tried too often has to wait, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from qualz import clock, limits
from qualz.api_token import ApiToken
from qualz.application import create_app
from qualz.database import db
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.room.statements import statement_of
from qualz.settings import Settings
from qualz.study import Study
from tests.dashboard.conftest import Browser
from tests.dashboard.test_accounts import SIGN_IN

OFFICE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
WRONG = {**SIGN_IN, "password": "not my password"}


@pytest.fixture
def time() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock.now(), tick=False) as time:
        yield time


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.test_client_class = Browser
    return app.test_client()


def asks(client: FlaskClient, path: str, *, where: str = OFFICE, **sent: object) -> TestResponse:
    return client.open(path, environ_base={"REMOTE_ADDR": where}, **sent)


def signs_in(client: FlaskClient, data: dict[str, str], where: str = OFFICE) -> TestResponse:
    return asks(client, "/sign-in", method="POST", data=data, where=where)


@pytest.fixture
def ada(ada: Researcher) -> Researcher:
    """Hashing takes its time by design, and these tests are not about it."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    ada.password_hash = hasher.hash(SIGN_IN["password"])
    db.session.commit()
    return ada


def tried(app: Flask, limit: limits.Limit, times: int, whose: str | None = None) -> None:
    """So many others have been tried from the office."""
    with app.test_request_context(environ_base={"REMOTE_ADDR": OFFICE}):
        for _ in range(times):
            limits.note(limit, whose)


def test_ten_wrong_passwords_from_one_place_have_to_wait_a_quarter_of_an_hour(
    client: FlaskClient, ada: Researcher, time: time_machine.Traveller
):
    for _ in range(10):
        assert signs_in(client, WRONG).status_code == 422
    refused = signs_in(client, SIGN_IN)
    assert refused.status_code == 429
    assert "nothing about the account has changed" in " ".join(refused.text.split())
    # Ada herself, elsewhere, is not locked out.
    assert signs_in(client, SIGN_IN, where=ELSEWHERE).status_code == 302
    client.post("/sign-out")
    wait = int(refused.headers["Retry-After"])
    assert 0 < wait <= 15 * 60
    time.shift(timedelta(seconds=wait + 1))
    assert signs_in(client, SIGN_IN).status_code == 302


def test_an_address_that_nobody_has_is_answered_alike(
    app: Flask, client: FlaskClient, ada: Researcher
):
    for typed in (WRONG, {**WRONG, "email": "nobody@example.org"}):
        assert signs_in(client, typed).status_code == 422
        tried(app, limits.SIGN_IN, 9, f"{typed['email']} {OFFICE}")
        assert signs_in(client, typed).status_code == 429


def test_one_account_is_not_guessed_at_from_many_places(client: FlaskClient, ada: Researcher):
    codes = [signs_in(client, WRONG, f"203.0.113.{n}").status_code for n in range(51)]
    assert codes == [422] * 50 + [429]


def test_an_office_of_fifty_signs_in_behind_one_address_after_a_slip_each(
    app: Flask, client: FlaskClient, ada: Researcher
):
    tried(app, limits.SIGN_IN_FROM_ADDRESS, 50)
    assert signs_in(client, SIGN_IN).status_code == 302


@pytest.mark.parametrize(
    "door", ["/i/{}", "/r/{}", "/p/{}", "/setup/{}", "/password-resets/{}"], ids=lambda path: path
)
def test_guessing_links_is_stopped_for_a_minute(
    client: FlaskClient, ada: Researcher, time: time_machine.Traveller, door: str
):
    for number in range(60):
        assert asks(client, door.format(f"guess-{number}")).status_code in (404, 410)
    refused = asks(client, door.format("one-more"))
    assert refused.status_code == 429
    assert "Wait a minute" in refused.text
    assert asks(client, door.format("one-more"), where=ELSEWHERE).status_code in (404, 410)
    time.shift(timedelta(seconds=int(refused.headers["Retry-After"]) + 1))
    assert asks(client, door.format("one-more")).status_code in (404, 410)


def test_who_is_inside_goes_on_while_somebody_beside_them_guesses(
    client: FlaskClient, study: Study, app: Flask
):
    begun = asks(client, f"/i/{study.invitation.token}", method="POST", data=agreed(study))
    guesser = app.test_client()
    while asks(guesser, "/i/guess").status_code != 429:
        pass
    arrival = {"place": "here"}
    arrived = asks(client, f"{begun.location}/arrivals", method="POST", json=arrival)
    beaten = asks(client, f"{begun.location}/beats", method="POST", json=arrival)
    assert (arrived.status_code, beaten.status_code) == (200, 200)


def agreed(study: Study) -> dict[str, str]:
    return {"consent": "yes", "shown": statement_of(study).digest}


def test_three_hundred_interviews_an_hour_begin_behind_one_address(
    app: Flask, client: FlaskClient, study: Study
):
    tried(app, limits.BEGUN, 299)
    path = f"/i/{study.invitation.token}"
    begun = [
        asks(app.test_client(), path, method="POST", data=agreed(study)).status_code
        for _ in range(2)
    ]
    assert begun == [303, 429]
    assert len(db.session.scalars(db.select(Interview.id)).all()) == 1


def test_an_access_code_is_not_guessed(app: Flask, client: FlaskClient, study: Study):
    study.access_code = "rhubarb"
    db.session.commit()
    path = f"/i/{study.invitation.token}"

    def tries(code: str) -> int:
        given = {**agreed(study), "code": code}
        return asks(client, path, method="POST", data=given).status_code

    assert tries("custard") == 422
    tried(app, limits.ACCESS_CODE, 99, f"{OFFICE} {study.id}")
    assert tries("rhubarb") == 429
    # Who has it is let in elsewhere, and the page itself still opens.
    assert asks(client, path).status_code == 200


def test_the_api_tells_programs_when_to_come_back(
    client: FlaskClient, ada: Researcher, time: time_machine.Traveller
):
    _, text = ApiToken.create(ada, "Panel", validity=None)
    db.session.commit()
    right = {"Authorization": f"Bearer {text}"}
    for _ in range(70):
        assert asks(client, "/api/v1/studies", headers=right).status_code == 200
    wrong = {"Authorization": "Bearer qualz_guess"}
    codes = [asks(client, "/api/v1/studies", headers=wrong).status_code for _ in range(61)]
    assert codes == [401] * 60 + [429]
    refused = asks(client, "/api/v1/studies", headers=right)
    assert refused.mimetype == "application/problem+json"
    assert int(refused.headers["Retry-After"]) <= 60


def test_participants_are_told_in_their_language(client: FlaskClient):
    while (answer := asks(client, "/i/guess", headers={"Accept-Language": "de"})).status_code < 429:
        pass
    assert 'lang="de"' in answer.text
    assert "Warten Sie eine Minute" in answer.text


@pytest.mark.parametrize(
    ("proxies", "told", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        # What a client makes up stands before what the proxy adds.
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_the_address_is_the_one_that_ones_own_proxy_tells(
    app: Flask, settings: Settings, proxies: int, told: str, address: str
):
    behind = create_app(replace(settings, proxies=proxies))
    behind.add_url_rule("/where", "where", limits.address)
    answer = behind.test_client().get("/where", headers={"X-Forwarded-For": told})
    assert answer.text == address


def test_processes_count_together_in_redis_by_no_names(
    app: Flask, settings: Settings, redis_url: str, ada: Researcher
):
    one, other = (create_app(replace(settings, redis_url=redis_url)) for _ in range(2))
    for app_ in (one, other):
        app_.config["WTF_CSRF_ENABLED"] = False
    codes = []
    for number in range(12):
        asked = (one, other)[number % 2]
        with asked.app_context():
            codes.append(signs_in(asked.test_client(), WRONG).status_code)
    assert codes == [422] * 10 + [429] * 2
    names = Redis.from_url(redis_url).keys("LIMITS*")
    assert names
    assert not [name for name in names if b"ada" in name or OFFICE.encode() in name]


def test_people_get_in_while_redis_is_away(
    app: Flask, settings: Settings, ada: Researcher, tmp_path, caplog: pytest.LogCaptureFixture
):
    away = create_app(replace(settings, redis_url=f"unix://{tmp_path / 'nobody'}"))
    away.config["WTF_CSRF_ENABLED"] = False
    with away.app_context():
        assert signs_in(away.test_client(), SIGN_IN).status_code == 302
    assert "Nothing is limited while Redis is away" in caplog.text
