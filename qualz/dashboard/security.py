"""Security: somebody's own password, second step and browsers."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz.dashboard import dashboard, entrances
from qualz.dashboard.access import researcher
from qualz.dashboard.account_forms import ChangePasswordForm
from qualz.database import db
from qualz.identity import Identity
from qualz.letter import Letter
from qualz.password_reset import PasswordReset
from qualz.second_factor import SecondFactor
from qualz.sign_in import SignIn


@dashboard.get("/settings/security")
def security() -> ResponseReturnValue:
    return _page(ChangePasswordForm())


@dashboard.post("/settings/security/password")
def change_password() -> ResponseReturnValue:
    form, who = ChangePasswordForm(request.form), researcher()
    if not form.validate(about=(who.name, who.email)):
        return _page(form), 422
    if not entrances.is_password_of(who, form.password.data or ""):
        form.say_no()
        return _page(form), 422
    who.set_password(form.new_password.data or "", offload=entrances.offload())
    PasswordReset.forget_all(who)
    ended = SignIn.end_all(who, but=entrances.present())
    entrances.tell(Letter.Kind.PASSWORD_CHANGED, who)
    db.session.commit()
    entrances.put_out(ended)
    flash("Your password is changed. All other browsers are signed out.")
    return redirect(url_for(".security"), code=303)


@dashboard.post("/settings/security/sign-ins/<sign_in_id>/ending")
def end_sign_in(sign_in_id: str) -> ResponseReturnValue:
    found = SignIn.of(researcher(), sign_in_id)
    found.end()
    db.session.commit()
    entrances.put_out([found.public_id])
    flash(f"{found.browser} is signed out.")
    return redirect(url_for(".security"), code=303)


@dashboard.post("/settings/security/sign-ins/endings")
def end_other_sign_ins() -> ResponseReturnValue:
    ended = SignIn.end_all(researcher(), but=entrances.present())
    db.session.commit()
    entrances.put_out(ended)
    flash("All other browsers are signed out.")
    return redirect(url_for(".security"), code=303)


@dashboard.post("/settings/security/identities/<identity_id>/removal")
def remove_identity(identity_id: str) -> ResponseReturnValue:
    db.session.delete(Identity.of(researcher(), identity_id))
    db.session.commit()
    flash("It is taken off. Whoever comes by it next is matched by e-mail address anew.")
    return redirect(url_for(".security"), code=303)


def _page(form: ChangePasswordForm) -> str:
    who = researcher()
    return render_template(
        "dashboard/security/page.html",
        form=form,
        factor=SecondFactor.asked_of(who),
        sign_ins=SignIn.living_of(who, entrances.lengths()),
        lengths=entrances.lengths(),
        this=entrances.present(),
        identities=Identity.all_of(who),
        provider=current_app.extensions["settings"].oidc_name,
    )
