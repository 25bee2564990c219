"""Accounts: the owner's set-up, signing in and out, and the guard in front of everything else."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user

from qualz.dashboard import dashboard
from qualz.dashboard.forms import AccountForm, SignInForm
from qualz.dashboard.partials import htmx_answer, is_partial
from qualz.database import db
from qualz.researcher import Researcher, SetUpLink

login_manager = LoginManager()
OPEN_TO_ALL = {"dashboard.set_up_account", "dashboard.sign_in"}


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load(researcher_id: str) -> Researcher | None:
    return db.session.get(Researcher, int(researcher_id))


@dashboard.before_request
def _admit() -> ResponseReturnValue | None:
    """All of the workplace is for those who signed in; a new route need not remember to ask."""
    if request.endpoint in OPEN_TO_ALL or current_user.is_authenticated:
        return None
    if is_partial():
        # A partial cannot show a sign-in page: the whole page is loaded anew, and that can.
        return htmx_answer(status=401, refresh=True)
    asked_for = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("dashboard.sign_in", next=asked_for))


@dashboard.route("/setup/<token>", methods=["GET", "POST"])
def set_up_account(token: str) -> ResponseReturnValue:
    link = SetUpLink.opened_by(token)
    if link is None:
        return render_template("dashboard/accounts/set_up_over.html"), 410
    form = AccountForm(request.form)
    if request.method == "POST" and form.validate():
        owner = link.create_owner(**form.given)
        db.session.commit()
        _sign_in(owner)
        return redirect(url_for("dashboard.studies"))
    status = 422 if form.errors else 200
    return render_template("dashboard/accounts/set_up.html", form=form), status


@dashboard.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    destination = local_path(request.values.get("next"))
    if current_user.is_authenticated:
        return redirect(destination)
    form = SignInForm(request.form)
    if request.method == "POST" and form.validate():
        found = Researcher.signing_in(
            form.email.data or "",
            form.password.data or "",
            offload=current_app.extensions["offload"],
        )
        db.session.commit()
        if found:
            _sign_in(found)
            return redirect(destination)
        form.say_no()
    nobody = not Researcher.anybody()
    page = render_template(
        "dashboard/accounts/sign_in.html", form=form, next=destination, nobody=nobody
    )
    return page, 422 if form.errors else 200


@dashboard.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    logout_user()
    session.clear()
    flash("You have signed out.")
    return redirect(url_for("dashboard.sign_in"))


def local_path(asked_for: str | None) -> str:
    """Where to go after signing in: a path of this server and nothing else.

    Browsers read a backslash as a slash and drop control characters, so `/\\host` and
    `/\\t/host` would leave for another server.
    """
    home = url_for("dashboard.studies")
    if not asked_for or not asked_for.startswith("/") or not asked_for.isprintable():
        return home
    if asked_for.startswith("//") or "\\" in asked_for or urlsplit(asked_for).netloc:
        return home
    return asked_for


def _sign_in(researcher: Researcher) -> None:
    # Whatever an earlier person left in this browser's session ends here.
    session.clear()
    session.permanent = True
    login_user(researcher)
