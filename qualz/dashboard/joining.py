"""Joining: whoever was invited makes an account, and is signed in with it."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import limits
from qualz.dashboard import dashboard, entrances
from qualz.dashboard.forms import AccountForm
from qualz.database import db
from qualz.errors import LinkUnusable
from qualz.team_invitation import AddressTaken, TeamInvitation


@dashboard.route("/join/<token>", methods=["GET", "POST"])
def join_team(token: str) -> ResponseReturnValue:
    limits.demand_left(limits.LINK)
    try:
        invitation = TeamInvitation.opened_by(token)
        return _asked(invitation) if request.method == "GET" else _joined(invitation)
    except LinkUnusable as cause:
        limits.note(limits.LINK)
        return render_template("dashboard/team/over.html", reason=str(cause)), cause.status


def _joined(invitation: TeamInvitation) -> ResponseReturnValue:
    form = AccountForm(request.form)
    if form.validate():
        try:
            person = invitation.join(**form.given)
        except AddressTaken as cause:
            db.session.rollback()
            form.email.errors = [str(cause)]
        else:
            db.session.commit()
            # Whoever has just made their account need not type its password again.
            entrances.let_in(person)
            return redirect(url_for("dashboard.studies"))
    return _asked(invitation, form), 422


def _asked(invitation: TeamInvitation, form: AccountForm | None = None) -> str:
    return render_template(
        "dashboard/team/join.html",
        form=form or AccountForm(name=invitation.name),
        invitation=invitation,
    )
