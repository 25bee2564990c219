"""Signing in by the organisation's own accounts, against a provider that speaks real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select

from qualz.database import db
from qualz.identity import Identity
from qualz.researcher import Researcher
from qualz.second_factor import SecondFactor
from qualz.settings import Settings
from tests.conftest import add_researcher
from tests.dashboard.test_sign_ins import is_inside

CLIENT, SECRET = "qualz", "only-between-us"
START = "/sign-in/provider"


@dataclass
class Provider:
    """Knows one person, and says of them what a test wants it to say."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    says: dict[str, Any] = field(default_factory=dict)
    calls_itself: str | None = None
    algorithm: str = "RS256"
    signs_with: Any = None
    asked: dict[str, str] = field(default_factory=dict)
    verifiers: list[str] = field(default_factory=list)

    def start(self) -> None:
        provider = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(provider.told(urlsplit(self.path).path))

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                given = {name: values[0] for name, values in parse_qs(sent).items()}
                authorization = self.headers.get("Authorization", "")
                self._say(provider.hands_out(given, authorization))

            def _say(self, answer: dict[str, Any] | None) -> None:
                body = json.dumps(answer or {"error": "invalid_grant"}).encode()
                self.send_response(200 if answer else 400)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def told(self, path: str) -> dict[str, Any] | None:
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        return {
            "issuer": self.calls_itself or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }

    def asks(self, address: str) -> str:
        """The person signs in there; answers the address that leads them back."""
        assert address.startswith(f"{self.issuer}/authorize?")
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        back = urlsplit(self.asked["redirect_uri"]).path
        return f"{back}?code=once&state={self.asked['state']}"

    def hands_out(self, given: dict[str, str], authorization: str) -> dict[str, Any] | None:
        challenge = hashlib.sha256(given["code_verifier"].encode()).digest()
        kept = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if kept != self.asked["code_challenge"] or authorization != f"Basic {basic}":
            return None
        claims = {
            "iss": self.issuer,
            "sub": "ada-1815",
            "aud": CLIENT,
            "nonce": self.asked["nonce"],
            "iat": int(time()),
            "exp": int(time()) + 300,
            "email": "Ada@Example.org",
            "email_verified": True,
            **self.says,
        }
        header = {"alg": self.algorithm, "kid": self.key.kid}
        key = self.signs_with or self.key
        signed = jwt.encode(header, claims, key, algorithms=[self.algorithm])
        return {"access_token": "one", "token_type": "Bearer", "id_token": signed}


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
def settings(settings: Settings, provider: Provider) -> Settings:
    return replace(
        settings,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_name="Example University",
    )


def comes_back(client: FlaskClient, provider: Provider, start: str = START) -> str | None:
    """Presses the button, signs in there, comes back; answers where that leads, if anywhere."""
    back = provider.asks(client.get(start).location)
    return client.get(back).location


def test_who_has_an_account_signs_in_and_is_known_from_then_on_by_who_they_are(
    client: FlaskClient, provider: Provider, ada: Researcher
):
    assert "Sign in with Example University" in client.get("/sign-in").text
    assert comes_back(client, provider, f"{START}?next=/studies/new") == "/studies/new"
    assert is_inside(client)
    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["response_type"] == "code"
    # Their address may change there; who they are does not.
    client.post("/sign-out")
    provider.says = {"email": "ada.lovelace@example.org", "email_verified": False}
    comes_back(client, provider)
    assert is_inside(client)
    assert db.session.scalars(select(Identity.subject)).all() == ["ada-1815"]


@pytest.mark.parametrize(
    "says",
    [
        {"nonce": "of another"},
        {"nonce": None},
        {"aud": "another-client"},
        # Of another client, whose azp is ours all the same.
        {"aud": "another-client", "azp": CLIENT},
        {"iss": "https://elsewhere.example.org"},
        # In the year 2001.
        {"exp": 1_000_003_600, "iat": 1_000_000_000},
        {"sub": ""},
        {"sub": "x" * 256},
        {"email_verified": False},
        {"email_verified": None},
        {"email": "nobody@example.org"},
    ],
    ids=str,
)
def test_what_is_wrong_with_a_token_lets_nobody_in(
    client: FlaskClient, provider: Provider, ada: Researcher, says: dict[str, Any]
):
    provider.says = says
    assert comes_back(client, provider) is None
    assert not is_inside(client)
    assert db.session.scalar(select(Identity)) is None


def test_another_ones_key_and_the_shared_secret_sign_nothing(
    client: FlaskClient, provider: Provider, ada: Researcher
):
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "first"})
    assert comes_back(client, provider) is None
    provider.algorithm, provider.signs_with = "HS256", OctKey.import_key(SECRET * 3)
    assert comes_back(client, provider) is None
    assert not is_inside(client)


def test_a_key_that_was_changed_is_asked_for_anew(
    client: FlaskClient, provider: Provider, ada: Researcher
):
    comes_back(client, provider)
    client.post("/sign-out")
    provider.key = RSAKey.generate_key(2048, {"kid": "second"})
    comes_back(client, provider)
    assert is_inside(client)


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(
    app: Flask, client: FlaskClient, provider: Provider, ada: Researcher
):
    mallorys = app.test_client()
    back = provider.asks(mallorys.get(START).location)
    assert client.get(back).status_code == 502
    assert not is_inside(client)


def test_a_provider_that_says_it_is_another_is_not_believed(
    client: FlaskClient, provider: Provider, ada: Researcher
):
    provider.calls_itself = "https://elsewhere.example.org"
    assert client.get(START).status_code == 502


def test_a_provider_that_is_away_is_said_to_be(
    client: FlaskClient, provider: Provider, ada: Researcher
):
    provider._server.server_close()
    page = client.get(START)
    assert page.status_code == 502
    assert "did not work" in page.text
    assert 'action="/sign-in"' in page.text


def test_an_address_that_was_given_to_somebody_else_there_does_not_open_the_account(
    client: FlaskClient, provider: Provider, ada: Researcher
):
    comes_back(client, provider)
    client.post("/sign-out")
    provider.says = {"sub": "another-ada"}
    refused = client.get(provider.asks(client.get(START).location))
    assert refused.status_code == 403
    assert "belongs to somebody else" in refused.text


def test_the_second_step_is_asked_for_all_the_same(
    app: Flask, client: FlaskClient, provider: Provider, ada: Researcher
):
    factor = SecondFactor.prepare(ada, app.extensions["vault"])
    factor.confirmed_at = ada.created_at
    db.session.commit()
    assert comes_back(client, provider) == "/sign-in/code"
    assert not is_inside(client)


def test_it_is_taken_off_by_whose_it_is(
    client: FlaskClient, provider: Provider, ada: Researcher, strangers: FlaskClient
):
    comes_back(client, provider)
    identity = db.session.scalars(select(Identity)).one()
    path = f"/settings/security/identities/{identity.public_id}/removal"
    assert strangers.post(path).status_code == 404
    assert client.post(path).status_code == 303
    assert db.session.scalar(select(Identity)) is None


def test_nobody_gets_an_account_by_it(client: FlaskClient, provider: Provider):
    add_researcher("Grace", "grace@example.org")
    comes_back(client, provider)
    assert db.session.scalars(select(Researcher.email)).all() == ["grace@example.org"]
