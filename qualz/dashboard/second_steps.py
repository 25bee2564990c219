"""The second step: asked for when signing in, turned on and off under Security."""

from __future__ import annotations

import re

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import limits
from qualz.dashboard import dashboard, entrances
from qualz.dashboard.access import researcher
from qualz.dashboard.account_forms import CodeForm, ProofForm
from qualz.dashboard.invitations import qr_code
from qualz.dashboard.services import vault
from qualz.database import db
from qualz.letter import Letter
from qualz.researcher import Researcher
from qualz.second_factor import SecondFactor, is_recovery_code

WRONG = "That code does not fit, or was used before. Wait for the next one and try it."
WRONG_CLOCK = (
    "That is not the code of this moment. Check that your phone sets its clock by itself, then "
    "try the next one."
)


@dashboard.route("/sign-in/code", methods=["GET", "POST"])
def second_step() -> ResponseReturnValue:
    found = entrances.halfway()
    if found is None:
        flash("Too much time went by. Sign in once more.")
        return redirect(url_for(".sign_in"))
    who, destination = found
    form = CodeForm(request.form)
    if request.method == "POST" and form.validate():
        code = form.code.data or ""
        if _takes(who, code):
            entrances.let_in(who)
            _tell_of_recovery(who, code)
            return redirect(destination)
        form.say_no(WRONG)
    page = render_template("dashboard/accounts/second_step.html", form=form)
    return page, 422 if form.errors else 200


def _takes(who: Researcher, code: str) -> bool:
    limits.spend(limits.CODE, str(who.id))
    factor = SecondFactor.asked_of(who)
    if factor is None:
        # Turned off since the password was given.
        return True
    if is_recovery_code(code):
        is_right = factor.recovers_by(code)
        if is_right:
            entrances.tell(Letter.Kind.RECOVERED, who)
    else:
        is_right = factor.takes(code, vault())
    db.session.commit()
    if is_right:
        limits.forgive(limits.CODE, str(who.id))
    return is_right


def _tell_of_recovery(who: Researcher, code: str) -> None:
    factor = SecondFactor.asked_of(who)
    if factor and is_recovery_code(code):
        flash(f"That recovery code is used up. You have {factor.codes_left} left.")


@dashboard.post("/settings/security/second-step")
def prepare_second_step() -> ResponseReturnValue:
    SecondFactor.prepare(researcher(), vault())
    db.session.commit()
    return redirect(url_for(".second_step_settings"), code=303)


@dashboard.get("/settings/security/second-step")
def second_step_settings() -> ResponseReturnValue:
    factor = SecondFactor.of(researcher())
    if factor is None:
        return redirect(url_for(".security"))
    return _settings(factor)


@dashboard.post("/settings/security/second-step/confirmation")
def confirm_second_step() -> ResponseReturnValue:
    factor = SecondFactor.of(researcher())
    if factor is None or factor.confirmed_at:
        return redirect(url_for(".security"), code=303)
    form = CodeForm(request.form)
    if not form.validate():
        return _settings(factor, form), 422
    limits.spend(limits.CODE, str(researcher().id))
    codes = factor.confirm(form.code.data or "", vault())
    if codes is None:
        db.session.rollback()
        form.say_no(WRONG_CLOCK)
        return _settings(factor, form), 422
    entrances.tell(Letter.Kind.SECOND_STEP_ON, researcher())
    db.session.commit()
    limits.forgive(limits.CODE, str(researcher().id))
    return _codes(codes), 201


@dashboard.post("/settings/security/second-step/recovery-codes")
def renew_recovery_codes() -> ResponseReturnValue:
    factor = SecondFactor.asked_of(researcher())
    if factor is None:
        return redirect(url_for(".security"), code=303)
    if refused := _asked_once_more(factor):
        return refused
    codes = factor.renew_codes()
    db.session.commit()
    return _codes(codes), 201


@dashboard.post("/settings/security/second-step/removal")
def remove_second_step() -> ResponseReturnValue:
    factor = SecondFactor.of(researcher())
    if factor is None:
        return redirect(url_for(".security"), code=303)
    if factor.confirmed_at:
        if refused := _asked_once_more(factor):
            return refused
        entrances.tell(Letter.Kind.SECOND_STEP_OFF, researcher())
        flash("The second step is off. Signing in takes your password alone.")
    factor.remove(vault())
    db.session.commit()
    return redirect(url_for(".security"), code=303)


def _asked_once_more(factor: SecondFactor) -> ResponseReturnValue | None:
    """The page again where the password or the code is missing or wrong."""
    form = proof_form()
    return None if is_proven(form) else (_settings(factor, form), 422)


def proof_form() -> ProofForm:
    form = ProofForm(request.form)
    if SecondFactor.asked_of(researcher()) is None:
        del form.code
    return form


def is_proven(form: ProofForm) -> bool:
    """Whether it holds what whoever is inside signs in with; else it says what is wrong."""
    if not form.validate():
        return False
    if not entrances.is_password_of(researcher(), form.password.data or ""):
        form.say_no()
    # A code is good once, so it is looked at last.
    elif "code" in form and not _takes(researcher(), form.code.data or ""):
        form.say_no_to_code(WRONG)
    return not form.errors


def _settings(factor: SecondFactor, form: CodeForm | ProofForm | None = None) -> str:
    if factor.confirmed_at:
        return render_template(
            "dashboard/security/second_step_on.html",
            form=form or proof_form(),
            factor=factor,
        )
    uri = factor.uri(vault(), researcher().email)
    return render_template(
        "dashboard/security/second_step_set_up.html",
        form=form or CodeForm(),
        qr_code=qr_code(uri),
        uri=uri,
        secret=" ".join(re.findall(".{1,4}", factor.secret(vault()))),
    )


def _codes(codes: list[str]) -> str:
    return render_template("dashboard/security/recovery_codes.html", codes=codes)
