"""Signing in by the organisation's own accounts: OpenID Connect, by Authlib.

Authorization code flow with PKCE, state and nonce. It lets in whoever has an account here already,
and makes none. See https://openid.net/specs/openid-connect-core-1_0.html, 3.1.
"""

from __future__ import annotations

import time
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App
from flask import Flask, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from joserfc.errors import JoseError
from requests import RequestException

from qualz import limits
from qualz.dashboard import dashboard, entrances
from qualz.dashboard.accounts import local_path, sign_in_page
from qualz.dashboard.forms import SignInForm
from qualz.dashboard.invitations import absolute
from qualz.database import db
from qualz.errors import IdentityRefused
from qualz.identity import Identity
from qualz.letter import Letter
from qualz.settings import Settings

# Seconds for each step of a conversation, and for which what it says of itself is believed.
PATIENCE = 5
FRESH = 24 * 3600
# A provider's clock may be so many seconds off.
LEEWAY = 60
LONGEST_SUBJECT = 255
DESTINATION = "provider_destination"
# Signed by what the provider alone has: never by the secret that both have, nor not at all.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
TROUBLES = (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, RuntimeError)


class Provider(FlaskOAuth2App):  # type: ignore[misc]
    """As `Settings` name it; what else there is to know it says of itself."""

    def __init__(self, settings: Settings) -> None:
        self.issuer, self.shown_as = settings.oidc_issuer, settings.oidc_name
        super().__init__(
            FlaskIntegration("provider"),
            name="provider",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            server_metadata_url=f"{self.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "default_timeout": PATIENCE,
            },
        )

    def load_server_metadata(self) -> dict[str, Any]:
        known = self.server_metadata
        if time.time() - known.get("_loaded_at", 0) < FRESH:
            return dict(known)
        known.clear()
        found: dict[str, Any] = super().load_server_metadata()
        if str(found.get("issuer", "")).rstrip("/") != self.issuer.rstrip("/"):
            known.clear()
            raise ValueError("the provider says that it is another")
        offered = found.get("id_token_signing_alg_values_supported") or ["RS256"]
        accepted = [name for name in offered if name in ALGORITHMS]
        if not accepted:
            known.clear()
            raise ValueError("the provider signs in no way that can be held against it")
        found["id_token_signing_alg_values_supported"] = accepted
        return found

    def claims(self) -> dict[str, Any]:
        """What the provider says of who has come back from it, held against all that it must be."""
        metadata = self.load_server_metadata()
        options = {
            "iss": {"essential": True, "values": [metadata["issuer"]]},
            # Authlib itself would take a token of another client of the same provider.
            "aud": {"essential": True, "values": [self.client_id]},
            "sub": {"essential": True},
        }
        token = self.authorize_access_token(claims_options=options, leeway=LEEWAY)
        claims: dict[str, Any] = dict(token.get("userinfo") or {})
        if not claims.get("sub") or len(str(claims["sub"])) > LONGEST_SUBJECT:
            raise ValueError("there is no token that says who it is")
        if "email" not in claims and metadata.get("userinfo_endpoint"):
            told = dict(self.userinfo(token=token))
            if told.get("sub") != claims["sub"]:
                raise ValueError("it speaks of two people")
            claims = {**told, **claims}
        return claims


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.extensions["provider"] = Provider(settings) if settings.oidc_issuer else None


@dashboard.get("/sign-in/provider")
def sign_in_by_provider() -> ResponseReturnValue:
    provider, destination = _provider(), local_path(request.args.get("next"))
    if provider is None or current_user.is_authenticated:
        return redirect(destination)
    limits.spend(limits.PROVIDER)
    # No connection of the database waits for somebody else's server.
    db.session.commit()
    try:
        answer: ResponseReturnValue = provider.authorize_redirect(
            absolute(url_for(".return_from_provider"))
        )
    except TROUBLES as cause:
        return _failed(provider, cause, destination)
    session[DESTINATION] = destination
    return answer


@dashboard.get("/sign-in/provider/return")
def return_from_provider() -> ResponseReturnValue:
    provider = _provider()
    if provider is None:
        return redirect(url_for(".sign_in"))
    limits.spend(limits.PROVIDER)
    destination = session.pop(DESTINATION, None) or url_for(".studies")
    db.session.commit()
    try:
        claims = provider.claims()
    except TROUBLES as cause:
        return _failed(provider, cause, destination)
    try:
        who, is_new = Identity.signing_in(
            provider.load_server_metadata()["issuer"],
            str(claims["sub"]),
            email=str(claims.get("email") or ""),
            is_verified=claims.get("email_verified") in (True, "true"),
        )
    except IdentityRefused as cause:
        return sign_in_page(SignInForm(), destination, trouble=str(cause)), cause.status
    if is_new:
        entrances.tell(Letter.Kind.PROVIDER_CONNECTED, who)
    db.session.commit()
    return entrances.receive(who, destination)


def _provider() -> Provider | None:
    found: Provider | None = current_app.extensions["provider"]
    return found


def _failed(provider: Provider, cause: Exception, destination: str) -> ResponseReturnValue:
    current_app.logger.warning("Signing in by the provider failed: %s", type(cause).__name__)
    trouble = (
        f"Signing in with {provider.shown_as} did not work. Try once more, or use your password."
    )
    return sign_in_page(SignInForm(), destination, trouble=trouble), 502
