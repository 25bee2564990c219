"""Password resets: asked for by e-mail, and used by the link that comes."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import auditing, limits, pages
from qualz.dashboard import dashboard, entrances
from qualz.dashboard.account_forms import ForgottenForm, NewPasswordForm
from qualz.database import db
from qualz.letter import Letter
from qualz.password_reset import PasswordReset


@dashboard.route("/forgotten-password", methods=["GET", "POST"])
def forgotten_password() -> ResponseReturnValue:
    by_mail = current_app.extensions["post"] is not None
    form = ForgottenForm(request.form)
    if by_mail and request.method == "POST" and form.validate():
        email = (form.email.data or "").lower()
        limits.spend(limits.RESET_FROM_ADDRESS)
        limits.spend(limits.RESET, email)
        # The same is done and said whether anybody has that address or not.
        Letter.write_reset(email)
        db.session.commit()
        return render_template("dashboard/accounts/reset_sent.html", email=email)
    page = render_template("dashboard/accounts/forgotten.html", form=form, by_mail=by_mail)
    return page, 422 if form.errors else 200


@dashboard.route("/password-resets/<token>", methods=["GET", "POST"])
def reset_password(token: str) -> ResponseReturnValue:
    pages.hide_address()
    limits.demand_left(limits.LINK)
    reset = PasswordReset.opened_by(token)
    if reset is None:
        limits.note(limits.LINK)
        return _over()
    form, who = NewPasswordForm(request.form), reset.researcher
    if request.method == "POST" and form.validate(about=(who.name, who.email)):
        entrances.tell(Letter.Kind.PASSWORD_CHANGED, who)
        ended = reset.use(form.new_password.data or "", offload=entrances.offload())
        if ended is None:
            return _over()
        auditing.by(who)
        entrances.put_out(ended)
        limits.forgive(limits.SIGN_IN_TO_ACCOUNT, who.email)
        limits.forgive(limits.SIGN_IN, f"{who.email} {limits.address()}")
        flash("Your new password is set, and all browsers are signed out. Sign in with it now.")
        return redirect(url_for(".sign_in"), code=303)
    page = render_template("dashboard/accounts/reset.html", form=form, email=who.email)
    return page, 422 if form.errors else 200


def _over() -> ResponseReturnValue:
    return render_template("dashboard/accounts/reset_over.html"), 410
