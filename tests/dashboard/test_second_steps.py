"""The second step: a code from an app, once each, and codes to recover by."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from qualz import clock
from qualz.database import db
from qualz.researcher import Researcher
from qualz.second_factor import CODES, STEP, SecondFactor
from tests.dashboard.test_accounts import SIGN_IN
from tests.dashboard.test_sign_ins import is_inside

PAGE = "/settings/security/second-step"
PASSWORD = {"password": SIGN_IN["password"]}
CODE = re.compile(r"\b[A-Z2-9]{4}(?:-[A-Z2-9]{4}){3}\b")


class Phone:
    """Shows the codes of the secret that was scanned."""

    def __init__(self, app: Flask, ada: Researcher) -> None:
        factor = SecondFactor.of(ada)
        assert factor
        self._totp = pyotp.TOTP(factor.secret(app.extensions["vault"]))

    def shows(self, *, steps_ago: int = 0) -> str:
        return self._totp.at(int(clock.now().timestamp()) - steps_ago * STEP)


@pytest.fixture
def time():
    with time_machine.travel(clock.now(), tick=False) as time:
        yield time


@pytest.fixture
def phone(time: time_machine.Traveller, app: Flask, adas: FlaskClient, ada: Researcher) -> Phone:
    """Ada has scanned the code and not confirmed it yet."""
    assert adas.post(PAGE).location == PAGE
    return Phone(app, ada)


@pytest.fixture
def codes(phone: Phone, adas: FlaskClient, time: time_machine.Traveller) -> list[str]:
    """Ada has turned it on, and kept her recovery codes."""
    answer = adas.post(f"{PAGE}/confirmation", data={"code": phone.shows()})
    assert answer.status_code == 201
    time.shift(timedelta(seconds=STEP))
    return CODE.findall(answer.text)


def gives(browser: FlaskClient, code: str) -> bool:
    """Signs in with the password, then with that code."""
    assert browser.post("/sign-in", data=SIGN_IN).location == "/sign-in/code"
    browser.post("/sign-in/code", data={"code": code})
    return is_inside(browser)


def test_it_is_on_once_one_code_was_right(phone: Phone, adas: FlaskClient, client: FlaskClient):
    page = adas.get(PAGE).text
    assert "<svg" in page
    assert "otpauth://totp/Qualz:ada%40example.org" in page
    assert adas.post(f"{PAGE}/confirmation", data={"code": "000000"}).status_code == 422
    assert client.post("/sign-in", data=SIGN_IN).location == "/studies"
    assert adas.post(f"{PAGE}/confirmation", data={"code": phone.shows()}).status_code == 201
    client.post("/sign-out")
    assert client.post("/sign-in", data=SIGN_IN).location == "/sign-in/code"


def test_the_password_alone_opens_nothing(codes: list[str], client: FlaskClient):
    client.post("/sign-in", data=SIGN_IN)
    assert not is_inside(client)
    assert client.post("/sign-in/code", data={"code": "000000"}).status_code == 422
    assert not is_inside(client)


def test_password_and_code_lead_where_one_wanted_to_go(
    codes: list[str], phone: Phone, client: FlaskClient
):
    client.post("/sign-in", data={**SIGN_IN, "next": "/studies/new"})
    shown = phone.shows()
    answer = client.post("/sign-in/code", data={"code": f"{shown[:3]} {shown[3:]}"})
    assert answer.location == "/studies/new"


def test_a_code_is_taken_once(codes: list[str], phone: Phone, client: FlaskClient):
    code = phone.shows()
    assert gives(client, code)
    client.post("/sign-out")
    assert not gives(client, code)


def test_a_clock_may_be_one_step_off_and_no_more(
    codes: list[str], phone: Phone, client: FlaskClient, time: time_machine.Traveller
):
    time.shift(timedelta(minutes=5))
    assert not gives(client, phone.shows(steps_ago=2))
    assert not gives(client, phone.shows(steps_ago=-2))
    assert gives(client, phone.shows(steps_ago=1))
    client.post("/sign-out")
    assert gives(client, phone.shows(steps_ago=-1))


def test_a_recovery_code_signs_in_once_however_it_is_typed(codes: list[str], client: FlaskClient):
    assert len(set(codes)) == CODES
    client.post("/sign-in", data=SIGN_IN)
    typed = codes[3].replace("-", " ").lower()
    inside = client.post("/sign-in/code", data={"code": typed}, follow_redirects=True)
    assert "You have 9 left" in inside.text
    client.post("/sign-out")
    assert not gives(client, codes[3])
    assert gives(client, codes[4])


def test_fresh_recovery_codes_replace_the_old_and_take_password_and_code(
    codes: list[str], phone: Phone, adas: FlaskClient, client: FlaskClient
):
    now = {"code": phone.shows()}
    for wrong in ({"password": "not my password"} | now, PASSWORD, PASSWORD | {"code": "000000"}):
        assert adas.post(f"{PAGE}/recovery-codes", data=wrong).status_code == 422
    fresh = CODE.findall(adas.post(f"{PAGE}/recovery-codes", data=PASSWORD | now).text)
    assert len(fresh) == CODES
    assert not gives(client, codes[0])
    assert gives(client, fresh[0])


def test_turning_it_off_takes_password_and_code(
    codes: list[str], adas: FlaskClient, client: FlaskClient, app: Flask
):
    assert adas.post(f"{PAGE}/removal", data=PASSWORD).status_code == 422
    assert client.post("/sign-in", data=SIGN_IN).location == "/sign-in/code"
    assert adas.post(f"{PAGE}/removal", data=PASSWORD | {"code": codes[0]}).status_code == 303
    assert client.post("/sign-in", data=SIGN_IN).location == "/studies"
    kept = app.extensions["settings"].data / "secrets"
    assert [file.name for file in kept.iterdir() if file.name != ".lock"] == []


def test_what_protects_the_workspace_is_changed_only_with_a_code_as_well(
    codes: list[str], phone: Phone, adas: FlaskClient, time: time_machine.Traveller
):
    time.shift(timedelta(minutes=16))
    asked = adas.post("/settings/api-tokens", data={"name": "For R", "validity": "30"}).location
    assert "Code" in adas.get(asked).text
    assert adas.post(asked, data=PASSWORD).status_code == 422
    proof = PASSWORD | {"code": phone.shows()}
    assert adas.post(asked, data=proof).location == "/settings/api-tokens"
    # Nobody who looked over a shoulder comes in by the same code.
    assert adas.post(asked, data=proof).status_code == 422


def test_what_was_only_prepared_is_cancelled_without_ado(phone: Phone, adas: FlaskClient):
    adas.post(f"{PAGE}/removal")
    assert db.session.scalar(select(SecondFactor)) is None


def test_a_copy_of_the_database_makes_nobody_a_code(codes: list[str], app: Flask, ada: Researcher):
    factor = SecondFactor.of(ada)
    assert factor
    secret = factor.secret(app.extensions["vault"])
    rows = [
        *db.session.execute(text("SELECT * FROM second_factors")).all(),
        *db.session.execute(text("SELECT * FROM recovery_codes")).all(),
    ]
    assert len(rows) == 1 + CODES
    assert secret not in str(rows)
    assert not [code for code in codes if code in str(rows)]


def test_too_much_time_between_password_and_code_begins_anew(
    codes: list[str], phone: Phone, client: FlaskClient, time: time_machine.Traveller
):
    client.post("/sign-in", data=SIGN_IN)
    time.shift(timedelta(minutes=10, seconds=1))
    answer = client.post("/sign-in/code", data={"code": phone.shows()})
    assert answer.location == "/sign-in"
    assert not is_inside(client)


def test_ten_wrong_codes_end_the_guessing_and_a_quarter_of_an_hour_later_it_goes_on(
    codes: list[str], phone: Phone, client: FlaskClient, time: time_machine.Traveller
):
    client.post("/sign-in", data=SIGN_IN)
    for _ in range(10):
        assert client.post("/sign-in/code", data={"code": "000000"}).status_code == 422
    refused = client.post("/sign-in/code", data={"code": phone.shows()})
    assert refused.status_code == 429
    assert "Wait a few minutes" in refused.text
    time.shift(timedelta(seconds=int(refused.headers["Retry-After"]) + 1))
    assert gives(client, phone.shows())
