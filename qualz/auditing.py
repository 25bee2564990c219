"""How requests get into the audit log: after each one that succeeded, in one place for all.

What is shown or taken away is written down before its first byte leaves, or it does not leave.
What was changed is written down right after it was committed.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from flask import Flask, Response, current_app, g, request
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from qualz import audit_subject, clock
from qualz.audit_entry import Action, AuditEntry, By
from qualz.audit_rules import LOGGED, Act
from qualz.database import db, lightly
from qualz.interview import Interview
from qualz.researcher import Researcher

log = logging.getLogger(__name__)

Who: TypeAlias = dict[str, Any]
# Within it, whoever looks at a thing again is still looking at it.
VIEWING = timedelta(minutes=15)
# Who tries passwords is written down once in it, or the log could be filled by anybody.
TRYING = timedelta(minutes=1)
MOST_KNOWN = 5000
READS = ("GET", "HEAD")
BY_PROVIDER = "dashboard.return_from_provider"
SIGN_INS = ("dashboard.sign_in", "dashboard.second_step")
OPEN = (
    *SIGN_INS,
    BY_PROVIDER,
    "dashboard.set_up_account",
    "dashboard.join_team",
    "dashboard.reset_password",
    "dashboard.forgotten_password",
)
# What a door says to the wrong key; 400 is for what was no attempt.
REFUSALS = (401, 403, 422, 429)


def init_app(app: Flask) -> None:
    app.extensions["audited"] = Known()
    app.before_request(_begin)
    app.after_request(_end)


def about(interview: Interview) -> None:
    """The view that is called has to do with this one, though its address does not say so."""
    g.audited = {"object_id": interview.public_id, "is_preview": interview.is_preview}


def among(interviews: Sequence[int]) -> None:
    """The view that is called has to do with all of these, by their ids. Before it deletes them."""
    held = select(Interview.public_id).where(Interview.id.in_(interviews))
    g.audited = {"interviews": list(db.session.scalars(held.order_by(Interview.id)))}


def by(researcher: Researcher) -> None:
    """Whoever asks has shown who they are, though they are not signed in."""
    g.audit_who = {"by": By.RESEARCHER, "who_id": researcher.id, "who": researcher.name}


def _begin() -> None:
    # Requests may share what Flask calls `g`, as those of a test do.
    g.audited = {}
    g.audit_who = None
    if request.blueprint == "dashboard" and request.endpoint in LOGGED:
        g.audit_who = _signed_in()


def _end(response: Response) -> Response:
    act = LOGGED.get(request.endpoint or "")
    if act is None or not _counts(response):
        return response
    if response.status_code >= 400:
        if request.endpoint not in SIGN_INS or response.status_code not in REFUSALS:
            return response
        act = Act(Action.REFUSED, "sign-in", is_repeated=True)
    elif act.action is Action.SIGNED_IN and not current_user.is_authenticated:
        # The second step is still to come.
        return response
    try:
        _write(act, response)
    except SQLAlchemyError:
        # Without the error's own words: they may hold what somebody typed.
        log.error("%s could not be written into the audit log.", request.endpoint)
        db.session.rollback()
        return _withheld() if request.method in READS else response
    return response


def _counts(response: Response) -> bool:
    """Whether anybody was let through, and was shown something or changed it."""
    if request.blueprint == "dashboard" and request.endpoint not in OPEN and not g.get("audit_who"):
        return False
    if request.endpoint == BY_PROVIDER:
        return response.status_code == 302
    rule = request.url_rule
    changes = (rule.methods or set()) - {*READS, "OPTIONS"} if rule else set()
    # Where a form and what it sends have one address, showing the form is nothing.
    if request.method in ("HEAD", "OPTIONS") or (request.method == "GET" and changes):
        return False
    return request.method != "GET" or response.status_code in (200, 204, 206, 304)


def _write(act: Act, response: Response) -> None:
    is_download = "download" in request.args
    action = Action.DOWNLOADED if act.action is Action.PLAYED and is_download else act.action
    who = _who()
    by_pieces = request.method == "GET" and "Range" in request.headers
    if (act.is_repeated and not is_download) or by_pieces:
        window = TRYING if action is Action.REFUSED else VIEWING
    else:
        window = None
    known: Known = current_app.extensions["audited"]
    same = (action, act.kind, request.path, request.args.get("study"), *who.values())
    # Whose account it was that somebody tried is known to the database alone.
    if window == VIEWING and known.has(same, since=clock.now() - window):
        return
    # What a view has not committed it did not mean to keep.
    db.session.rollback()
    told = audit_subject.told(act, response)
    if told is None:
        return
    mine = {name: who[name] for name in ("by", "who_id", "address")}
    since = clock.now() - window if window else clock.now()
    object_id = told["object_id"]
    if window and (at := AuditEntry.newest(action, act.kind, object_id, since=since, **mine)):
        known.note(same, at)
        return
    if act.is_repeated and request.method == "GET":
        lightly()
    for detail in audit_subject.details():
        AuditEntry.append(action, act.kind, detail=detail, **told, **who)
    db.session.commit()
    known.note(same, clock.now())


class Known:
    """What this process has written down lately, so that polls need not ask the database."""

    def __init__(self) -> None:
        self._at: OrderedDict[tuple[Any, ...], datetime] = OrderedDict()

    def has(self, act: tuple[Any, ...], *, since: datetime) -> bool:
        at = self._at.get(act)
        return at is not None and at > since

    def note(self, act: tuple[Any, ...], at: datetime) -> None:
        self._at[act] = at
        self._at.move_to_end(act)
        while len(self._at) > MOST_KNOWN:
            self._at.popitem(last=False)


# ---- who


def _signed_in() -> Who | None:
    if not current_user.is_authenticated:
        return None
    return {"by": By.RESEARCHER, "who_id": current_user.id, "who": current_user.name}


def _who() -> Who:
    """Of participants nothing is told but that it was them."""
    if request.blueprint == "room":
        return {"by": By.PARTICIPANT, "who_id": None, "who": "", "address": ""}
    who = g.get("audit_who")
    if request.blueprint == "api":
        researcher, token = g.api_researcher, g.api_token
        name = f"{researcher.name} ({token.name})"
        who = {"by": By.API, "who_id": researcher.id, "who": name}
    who = who or _signed_in() or {"by": By.NOBODY, "who_id": None, "who": ""}
    return {**who, "address": request.remote_addr or ""}


def _withheld() -> Response:
    """Instead of what could not be written down."""
    text = _("This could not be written into the audit log, so it is not shown. Try again soon.")
    response = current_app.make_response((text, 503))
    response.mimetype = "text/plain"
    response.headers["Cache-Control"] = "no-store"
    return response
