"""Tokens for the API: made, shown once, listed with their last use, and revoked."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz.api_token import ApiToken
from qualz.dashboard import dashboard
from qualz.dashboard.access import researcher
from qualz.dashboard.integration_forms import TokenForm
from qualz.database import db


@dashboard.get("/settings/api-tokens")
def api_tokens() -> ResponseReturnValue:
    return _page(TokenForm())


@dashboard.post("/settings/api-tokens")
def create_api_token() -> ResponseReturnValue:
    form = TokenForm(request.form)
    if not form.validate():
        return _page(form), 422
    _, text = ApiToken.create(researcher(), form.name.data or "", validity=form.validity)
    db.session.commit()
    # Shown in the answer itself, for it can be read only this once.
    return _page(TokenForm(), text=text), 201


@dashboard.post("/settings/api-tokens/<token_id>/revocation")
def revoke_api_token(token_id: str) -> ResponseReturnValue:
    token = ApiToken.of(researcher(), token_id)
    token.revoke()
    db.session.commit()
    flash(f"“{token.name}” was revoked. What used it is refused from now on.")
    return redirect(url_for(".api_tokens"), code=303)


def _page(form: TokenForm, text: str | None = None) -> str:
    return render_template(
        "dashboard/api_tokens/index.html",
        form=form,
        text=text,
        tokens=ApiToken.all_of(researcher()),
        base=f"{current_app.extensions['settings'].address}/api/v1",
    )
