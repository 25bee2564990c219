"""Being signed in: where, for how long, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from qualz import clock, sweep
from qualz.application import create_app
from qualz.dashboard import proofs
from qualz.dashboard.entrances import TOKEN
from qualz.database import db
from qualz.researcher import Researcher
from qualz.settings import SIGN_IN_IDLE, SIGN_IN_LONGEST, Settings
from qualz.sign_in import KEPT, NOTED_EVERY, Lengths, SignIn
from qualz.study import Study
from qualz.tokens import digest
from tests.dashboard.conftest import HTMX, signed_in
from tests.dashboard.test_accounts import SIGN_IN
from tests.dashboard.test_sockets import WORKPLACE, listens

PAGE = "/settings/security"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0"
NEW = "another horse staple"
ANY = Lengths(timedelta(weeks=2), timedelta(days=90))
CHANGE = {"password": SIGN_IN["password"], "new_password": NEW}


def is_inside(browser: FlaskClient) -> bool:
    return browser.get("/studies").status_code == 200


def test_each_sign_in_has_a_secret_of_its_own_that_the_database_does_not_hold(
    client: FlaskClient, ada: Researcher
):
    tokens = []
    for _ in range(2):
        client.post("/sign-in", data=SIGN_IN, headers={"User-Agent": FIREFOX})
        with client.session_transaction() as session:
            tokens.append(session[TOKEN])
        client.post("/sign-out")
    assert len(set(tokens)) == 2
    kept = db.session.scalars(select(SignIn).order_by(SignIn.id)).all()
    assert [one.token_digest for one in kept] == [digest(token) for token in tokens]
    assert {one.browser for one in kept} == {"Firefox on Linux"}


def test_a_cookie_that_was_copied_opens_nothing_after_signing_out(app: Flask, adas: FlaskClient):
    thiefs = app.test_client()
    copied = adas.get_cookie("qualz")
    assert copied
    thiefs.set_cookie("qualz", copied.value)
    assert is_inside(thiefs)
    adas.post("/sign-out")
    assert not is_inside(thiefs)


def test_it_ends_after_two_hours_without_a_click_and_after_a_working_day_with(
    app: Flask, settings: Settings, ada: Researcher
):
    usual = {"sign_in_idle": SIGN_IN_IDLE, "sign_in_longest": SIGN_IN_LONGEST}
    app.extensions["settings"] = replace(settings, **usual)
    with time_machine.travel(clock.now(), tick=False) as time:
        idle, used = signed_in(app, ada), signed_in(app, ada)
        for _ in range(SIGN_IN_LONGEST // SIGN_IN_IDLE):
            assert is_inside(used)
            time.shift(SIGN_IN_IDLE - timedelta(seconds=1))
            # What an open page asks for by itself is nobody's doing.
            idle.get("/notifications/bell", headers={"HX-Request": "true"})
        assert not is_inside(idle)
        assert is_inside(used)
        time.shift(timedelta(minutes=1))
        assert not is_inside(used)
        assert "2 h ends by itself" in signed_in(app, ada).get(PAGE).text


def test_what_protects_the_account_is_changed_only_by_whoever_shows_who_they_are(
    app: Flask, adas: FlaskClient, ada: Researcher
):
    token = {"name": "For R", "validity": "30"}
    address = "/settings/api-tokens"
    with time_machine.travel(clock.now(), tick=False) as time:
        # Ada has left, and left her browser open.
        time.shift(timedelta(minutes=16))
        asked = adas.post(address, data=token)
        assert (asked.status_code, asked.location) == (303, f"/sign-in/again?next={address}")
        assert adas.post(address, data=token, headers=HTMX).headers["HX-Redirect"] == asked.location
        assert adas.get(address).status_code == 200
        assert "Is it you?" in adas.get(asked.location).text
        wrong = adas.post(asked.location, data={"password": "a guess that is wrong"})
        assert wrong.status_code == 422
        assert adas.post(address, data=token).status_code == 303
        right = adas.post(asked.location, data={"password": SIGN_IN["password"]})
        assert right.location == address
        assert "Nothing was changed yet" in adas.get(address).text
        assert adas.post(address, data=token).status_code != 303
        time.shift(timedelta(minutes=16))
        assert adas.post(address, data=token).status_code == 303


def test_every_page_that_asks_for_a_proof_is_there(app: Flask):
    known = {rule.endpoint for rule in app.url_map.iter_rules()}
    for asked, page in proofs.SENSITIVE.items():
        assert {f"dashboard.{asked}", f"dashboard.{page}"} <= known


def test_when_it_was_last_used_is_written_down_once_a_minute(app: Flask, ada: Researcher):
    with time_machine.travel(clock.now(), tick=False) as time:
        browser = signed_in(app, ada)
        first = db.session.scalars(select(SignIn.last_seen_at)).one()
        time.shift(NOTED_EVERY - timedelta(seconds=1))
        browser.get("/studies")
        assert db.session.scalars(select(SignIn.last_seen_at)).one() == first
        time.shift(timedelta(seconds=2))
        browser.get("/studies")
        assert db.session.scalars(select(SignIn.last_seen_at)).one() == clock.now()


def test_others_are_listed_and_ended(app: Flask, adas: FlaskClient, ada: Researcher):
    phone = signed_in(app, ada)
    page = adas.get(PAGE).text
    assert page.count("This one") == 1
    other = SignIn.living_of(ada, ANY)[0]
    assert f"{other.public_id}/ending" in page
    assert adas.post(f"{PAGE}/sign-ins/{other.public_id}/ending").status_code == 303
    assert not is_inside(phone)
    assert is_inside(adas)


def test_all_others_end_at_once(app: Flask, adas: FlaskClient, ada: Researcher):
    others = [signed_in(app, ada) for _ in range(2)]
    adas.post(f"{PAGE}/sign-ins/endings")
    assert [is_inside(one) for one in others] == [False, False]
    assert is_inside(adas)


def test_nobody_ends_somebody_elses(adas: FlaskClient, strangers: FlaskClient, ada: Researcher):
    mine = SignIn.living_of(ada, ANY)[0]
    assert strangers.post(f"{PAGE}/sign-ins/{mine.public_id}/ending").status_code == 404
    assert is_inside(adas)


def test_an_open_page_hears_nothing_more_once_its_sign_in_is_ended(
    app: Flask, adas: FlaskClient, ada: Researcher, study: Study
):
    phone = signed_in(app, ada)
    ear, own = listens(app, phone, study), listens(app, adas, study)
    adas.post(f"{PAGE}/sign-ins/endings")
    assert not ear.is_connected(WORKPLACE)
    assert own.is_connected(WORKPLACE)
    assert not listens(app, phone, study).is_connected(WORKPLACE)


def test_a_new_password_ends_all_others(
    app: Flask, adas: FlaskClient, ada: Researcher, client: FlaskClient
):
    phone = signed_in(app, ada)
    assert adas.post(f"{PAGE}/password", data=CHANGE).status_code == 303
    assert is_inside(adas)
    assert not is_inside(phone)
    assert client.post("/sign-in", data=SIGN_IN).status_code == 422
    assert client.post("/sign-in", data={**SIGN_IN, "password": NEW}).status_code == 302


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"password": "not my password"}, "not your current password"),
        ({"new_password": "short"}, "at least 12 characters"),
        ({"new_password": "qwerty123456"}, "tried first"),
        ({"new_password": "ada@example.org"}, "your name or address"),
    ],
)
def test_a_password_stays_as_it_is_where_something_is_wrong(
    adas: FlaskClient, ada: Researcher, typed: dict[str, str], said: str
):
    answer = adas.post(f"{PAGE}/password", data={**CHANGE, **typed})
    assert answer.status_code == 422
    assert said in answer.text
    assert ada.has_password(SIGN_IN["password"])


def test_old_ones_are_forgotten_with_their_addresses(
    app: Flask, adas: FlaskClient, settings: Settings
):
    adas.post("/sign-out")
    with time_machine.travel(clock.now() + KEPT - timedelta(minutes=1)):
        sweep.once(settings)
        assert db.session.scalar(select(func.count(SignIn.id))) == 1
    with time_machine.travel(clock.now() + KEPT + timedelta(minutes=1)):
        sweep.once(settings)
        assert db.session.scalar(select(func.count(SignIn.id))) == 0


def test_behind_tls_the_cookie_belongs_to_this_host_and_to_no_script(
    app: Flask, settings: Settings
):
    secure = create_app(replace(settings, public_url="https://qualz.example.org"))
    with secure.test_request_context():
        answer = secure.test_client().get("/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-qualz=")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert attribute in cookie
    assert "Domain" not in cookie
