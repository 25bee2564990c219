"""Entrances: who is inside by which sign-in, and what becomes of whoever has shown who they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from qualz import broadcasts, clock, limits, switchboard
from qualz.database import db
from qualz.errors import NotAllowed
from qualz.letter import Letter
from qualz.media.storage import Offload
from qualz.researcher import Researcher
from qualz.second_factor import SecondFactor
from qualz.sign_in import Lengths, SignIn
from qualz.tokens import digest

# Where Flask-Login keeps who it is: the sign-in's token.
TOKEN = "_user_id"  # nosec B105 # a word, no password
HALFWAY = "halfway"
# Seconds between the password and the code.
HALFWAY_WITHIN = 10 * 60


def by_token(token: str) -> Researcher | None:
    """Whoever is inside by a living sign-in."""
    found = SignIn.opened_by(str(token), lengths())
    # Who left the team is nobody from their next request on.
    g.sign_in = found if found and found.researcher.is_active else None
    return g.sign_in.researcher if g.sign_in else None


def lengths() -> Lengths:
    """How long a sign-in lasts here."""
    settings = current_app.extensions["settings"]
    return Lengths(settings.sign_in_idle, settings.sign_in_longest)


def present() -> SignIn | None:
    """The sign-in that this request comes by."""
    if not current_user.is_authenticated:
        return None
    found: SignIn | None = g.get("sign_in")
    return found


def receive(researcher: Researcher, destination: str) -> ResponseReturnValue:
    """They have shown who they are; the second step is asked of those who have one. Commits.

    Raises `NotAllowed` for somebody who has left the team.
    """
    if not researcher.is_active:
        raise NotAllowed("Your account was closed. Ask an owner or admin of the team.")
    if SecondFactor.asked_of(researcher) is None:
        let_in(researcher)
        return redirect(destination)
    session.clear()
    session[HALFWAY] = {
        "who": researcher.id,
        "until": clock.now().timestamp() + HALFWAY_WITHIN,
        "mark": _mark(researcher),
        "next": destination,
    }
    return redirect(url_for("dashboard.second_step"))


def halfway() -> tuple[Researcher, str] | None:
    """Who has still to take the second step in this browser, and where they go then."""
    held: dict[str, Any] = session.get(HALFWAY) or {}
    if not held or clock.now().timestamp() > held["until"]:
        return None
    researcher = db.session.get(Researcher, held["who"])
    # With a new password one begins anew.
    if researcher is None or not researcher.is_active or _mark(researcher) != held["mark"]:
        return None
    return researcher, str(held["next"])


def let_in(researcher: Researcher) -> None:
    """Sign in in this browser. Commits."""
    # Whatever an earlier person left in this browser's session ends here.
    leave()
    begun, token = SignIn.begin(
        researcher, address=request.remote_addr or "", agent=request.user_agent.string
    )
    db.session.commit()
    session.permanent = True
    login_user(researcher)
    session[TOKEN] = token
    g.sign_in = begun


def leave() -> None:
    """End the sign-in that this browser has, if any. The caller commits."""
    if inside := present():
        inside.end()
        put_out([inside.public_id])
    session.clear()
    g.sign_in = None


def put_out(ended: Iterable[str]) -> None:
    """Those sign-ins' pages hear nothing more."""
    for public_id in ended:
        hang_up(whose_pages(public_id))


def hang_up(room: str) -> None:
    """The sockets in it are closed, in all processes."""
    switchboard.hang_up(current_app.extensions["socketio"].server, broadcasts.WORKPLACE, room)


def whose_pages(public_id: str) -> str:
    """The room of all sockets that came by one sign-in."""
    return f"sign-in-{public_id}"


def tell(kind: Letter.Kind, researcher: Researcher) -> None:
    """By e-mail, where there is a mail server. The caller commits."""
    if current_app.extensions["post"]:
        Letter.write(kind, researcher)


def is_password_of(researcher: Researcher, password: str) -> bool:
    """Asked once more of somebody who is inside. Commits. Raises `TooManyTries`."""
    limits.spend(limits.PASSWORD, str(researcher.id))
    db.session.commit()
    is_right = researcher.has_password(password, offload=offload())
    if is_right:
        limits.forgive(limits.PASSWORD, str(researcher.id))
    return is_right


def offload() -> Offload:
    """Where what takes its time on purpose is done, so that others need not wait."""
    elsewhere: Offload = current_app.extensions["offload"]
    return elsewhere


def _mark(researcher: Researcher) -> str:
    return digest(researcher.password_hash)[:16]
