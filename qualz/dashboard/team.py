"""The team's page: who is of it, in which role, and who was invited."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from qualz import team as people
from qualz.dashboard import dashboard
from qualz.dashboard.access import researcher, seen
from qualz.dashboard.invitations import absolute
from qualz.dashboard.partials import is_partial
from qualz.dashboard.sockets import hang_up
from qualz.dashboard.team_forms import InviteForm, Standing, StandingForm, standings
from qualz.database import db
from qualz.errors import NotUnderstood
from qualz.post_office import PostOffice, Unsent
from qualz.researcher import Researcher
from qualz.sign_in import SignIn
from qualz.study import Study
from qualz.team_invitation import TeamInvitation

MAY = {
    "owner": "Everything, and makes others owners and admins.",
    "admin": "Sees all studies, looks after researchers, viewers and the workspace's settings.",
    "researcher": "Makes studies, and changes those that they see.",
    "viewer": "Reads, plays and downloads what they see, and changes nothing.",
}


@dashboard.get("/settings/team")
def team() -> ResponseReturnValue:
    return _page(_form())


@dashboard.post("/settings/team/invitations")
def invite() -> ResponseReturnValue:
    form = _form(request.form)
    if not form.validate():
        return _page(form), 422
    chosen = form.studies.data or []
    invitation, token = TeamInvitation.create(
        by=researcher(),
        role=form.chosen.role,
        is_guest=form.chosen.is_guest,
        name=form.name.data or "",
        studies=[study for study in _studies() if study.public_id in chosen],
    )
    link = absolute(url_for(".join_team", token=token))
    text = _letter(invitation, link)
    db.session.commit()
    told = _sent(form.email.data or "", text, invitation.public_id) if form.email.data else {}
    # Shown in the answer itself, for it can be read only this once.
    page = _page(_form(), invitation=invitation, link=link, text=text, **told)
    return page, 201, {"Cache-Control": "no-store"}


@dashboard.post("/settings/team/invitations/<invitation_id>/revocation")
def revoke_invitation(invitation_id: str) -> ResponseReturnValue:
    invitation = TeamInvitation.of(invitation_id)
    people.demand_giveable(invitation.role, researcher())
    invitation.revoke()
    db.session.commit()
    flash("The invitation was revoked. Its link leads nowhere any more.")
    return _back()


@dashboard.post("/settings/team/people/<int:person_id>")
def change_person(person_id: int) -> ResponseReturnValue:
    one = people.person(person_id)
    form = StandingForm(request.form, by=researcher())
    if not form.validate():
        raise NotUnderstood("Choose one of the roles in the list. Nothing was changed.")
    chosen = form.chosen
    people.change(one, role=chosen.role, is_guest=chosen.is_guest, by=researcher())
    db.session.commit()
    hang_up([one])
    flash(f"{one.name} is {_in_words(one)} now.")
    return _back() if researcher().may_manage else redirect(url_for(".studies"), code=303)


@dashboard.get("/settings/team/people/<int:person_id>/removal")
def ask_to_remove_person(person_id: int) -> ResponseReturnValue:
    template = "_removal_dialog" if is_partial() else "removal"
    one = people.person(person_id)
    return render_template(f"dashboard/team/{template}.html", person=one)


@dashboard.post("/settings/team/people/<int:person_id>/removal")
def remove_person(person_id: int) -> ResponseReturnValue:
    one = people.person(person_id)
    people.remove(one, by=researcher())
    db.session.commit()
    hang_up([one])
    flash(f"{one.name} has been removed. What they made stays.")
    return _back()


@dashboard.post("/settings/team/people/<int:person_id>/return")
def let_person_back(person_id: int) -> ResponseReturnValue:
    one = people.person(person_id)
    people.let_back(one, by=researcher())
    db.session.commit()
    flash(f"{one.name} can sign in again, as {_in_words(one)}.")
    return _back()


def _in_words(one: Researcher) -> str:
    return people.a(one.role) + (" and a guest" if one.is_guest else "")


def _back() -> ResponseReturnValue:
    return redirect(url_for(".team"), code=303)


def _form(*typed: Any) -> InviteForm:
    usual = next(one.value for one in standings(researcher()) if one.role == "researcher")
    return InviteForm(*typed, by=researcher(), of=_studies(), standing=usual)


def _studies() -> list[Study]:
    """What somebody can be let into, by name."""
    found = select(Study).where(seen(), Study.state != Study.State.ARCHIVED)
    return sorted(db.session.scalars(found), key=lambda study: study.name.casefold())


def _letter(invitation: TeamInvitation, link: str) -> str:
    until = f"{invitation.expires_at:%-d %B %Y}"
    hello = f"Hello {invitation.name},\n\n" if invitation.name else ""
    return (
        f"{hello}{researcher().name} invites you to the research team on Qualz. Open this link to "
        f"choose a password:\n\n{link}\n\nIt works once, until {until}.\n"
    )


def _sent(to: str, text: str, name: str) -> dict[str, Any]:
    """What became of the e-mail; the link is there in any case."""
    post: PostOffice | None = current_app.extensions["post"]
    if post is None:
        return {"unsent": "No mail server is set up."}
    try:
        post.send(to=to, subject="Your invitation to Qualz", text=text, name=name)
    except Unsent as cause:
        return {"unsent": str(cause)}
    return {"sent_to": to}


def _page(form: InviteForm, **shown: Any) -> str:
    return render_template(
        "dashboard/team/index.html",
        form=form,
        members=people.members(),
        former=people.former(),
        last_seen=SignIn.last_seen(),
        invitations=TeamInvitation.newest(),
        standings=standings(researcher()),
        standing_of=Standing.of,
        governs=researcher().role.governs,
        may=MAY,
        has_mail=current_app.extensions["post"] is not None,
        **shown,
    )
