"""Accounts: the owner's set-up, signing in and out, and the guard in front of everything else."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user

from qualz import limits
from qualz.dashboard import dashboard, entrances
from qualz.dashboard.forms import AccountForm, SignInForm
from qualz.dashboard.partials import htmx_answer, is_partial
from qualz.database import db
from qualz.researcher import Researcher, SetUpLink

login_manager = LoginManager()
OPEN_TO_ALL = {
    "dashboard.join_team",
    "dashboard.set_up_account",
    "dashboard.sign_in",
    "dashboard.second_step",
    "dashboard.sign_in_by_provider",
    "dashboard.return_from_provider",
    "dashboard.forgotten_password",
    "dashboard.reset_password",
}
login_manager.user_loader(entrances.by_token)


@dashboard.before_request
def _admit() -> ResponseReturnValue | None:
    """All of the workplace is for those who signed in; a new route need not remember to ask."""
    if request.endpoint in OPEN_TO_ALL:
        return None
    if inside := entrances.present():
        # Pages ask by themselves for what has changed: that is nobody's doing.
        if not (is_partial() and request.method == "GET"):
            inside.see()
        return None
    if is_partial():
        # A partial cannot show a sign-in page: the whole page is loaded anew, and that can.
        return htmx_answer(status=401, refresh=True)
    asked_for = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("dashboard.sign_in", next=asked_for))


@dashboard.route("/setup/<token>", methods=["GET", "POST"])
def set_up_account(token: str) -> ResponseReturnValue:
    limits.demand_left(limits.LINK)
    link = SetUpLink.opened_by(token)
    if link is None:
        limits.note(limits.LINK)
        return render_template("dashboard/accounts/set_up_over.html"), 410
    form = AccountForm(request.form)
    if request.method == "POST" and form.validate():
        owner = link.create_owner(**form.given)
        db.session.commit()
        entrances.let_in(owner)
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
        if found := _whose(form.email.data or "", form.password.data or ""):
            return entrances.receive(found, destination)
        form.say_no()
    return sign_in_page(form, destination), 422 if form.errors else 200


def sign_in_page(form: SignInForm, destination: str, *, trouble: str = "") -> str:
    """`trouble`: what went wrong elsewhere, for instance at the provider."""
    return render_template(
        "dashboard/accounts/sign_in.html",
        form=form,
        next=destination,
        nobody=not Researcher.anybody(),
        provider=current_app.extensions["settings"].oidc_name,
        trouble=trouble,
    )


def _whose(email: str, password: str) -> Researcher | None:
    """Whoever that is. Commits. Raises `TooManyTries`, whether anybody has the address or not."""
    account, here = email.strip().lower(), limits.address()
    limits.demand_left(limits.SIGN_IN_FROM_ADDRESS)
    limits.spend(limits.SIGN_IN, f"{account} {here}")
    limits.spend(limits.SIGN_IN_TO_ACCOUNT, account)
    found = Researcher.signing_in(account, password, offload=entrances.offload())
    db.session.commit()
    if found is None:
        limits.note(limits.SIGN_IN_FROM_ADDRESS)
        return None
    limits.forgive(limits.SIGN_IN, f"{account} {here}")
    limits.forgive(limits.SIGN_IN_TO_ACCOUNT, account)
    return found


@dashboard.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    entrances.leave()
    db.session.commit()
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
