"""Who may see and do what. Asked here for every address of the workplace before its view runs, so
that a view which forgets to ask gives nothing away."""

from __future__ import annotations

from typing import cast

from flask import g, request
from flask_login import current_user
from sqlalchemy import ColumnElement, select

from qualz.dashboard import dashboard
from qualz.database import db
from qualz.errors import NotAllowed, NotFound
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import Study

SAFE = {"GET", "HEAD", "OPTIONS"}
# What somebody who only looks may change: what is their own.
THEIR_OWN = {
    "dashboard.sign_in",
    "dashboard.sign_out",
    "dashboard.prove",
    "dashboard.set_up_account",
    "dashboard.join_team",
    "dashboard.read_notifications",
    "dashboard.save_notification_settings",
    "dashboard.try_mail",
    "dashboard.revoke_api_token",
    "dashboard.change_password",
    "dashboard.end_sign_in",
    "dashboard.end_other_sign_ins",
    "dashboard.prepare_second_step",
    "dashboard.confirm_second_step",
    "dashboard.renew_recovery_codes",
    "dashboard.remove_second_step",
    "dashboard.remove_identity",
}
# Pages and dialogs that are there to change something: who only looks is told so at once.
FORMS = {
    "dashboard.new_study",
    "dashboard.set_up",
    "dashboard.share_step",
    "dashboard.new_question",
    "dashboard.new_section",
    "dashboard.new_option",
    "dashboard.correction",
    "dashboard.new_highlight",
    "dashboard.highlight",
    "dashboard.new_comment",
    "dashboard.tags",
    "dashboard.tags_of",
    "dashboard.resume_links",
    "dashboard.name",
    "dashboard.ask_to_delete_interview",
    "dashboard.ask_to_delete_chosen",
    "dashboard.ask_to_delete_study",
    "dashboard.export_chosen",
    "dashboard.data_request",
    "dashboard.keeping",
    "dashboard.new_redaction",
}
# Everything below is the workspace's, for those who manage it, but for what is one's own.
WORKSPACE = "/settings/"
OWN_SETTINGS = THEIR_OWN | {
    "dashboard.api_tokens",
    "dashboard.create_api_token",
    "dashboard.notification_settings",
    "dashboard.security",
    "dashboard.second_step_settings",
}


def researcher() -> Researcher:
    """Who is signed in. The blueprint lets nobody else this far."""
    return cast(Researcher, current_user._get_current_object())


def seen() -> ColumnElement[bool]:
    """A condition on a query that joins `Study`: only what the one who asks may see."""
    return Study.seen_by(researcher())


def find_study(study_id: str) -> Study:
    """The one that the guard has found for this very request need not be asked for again."""
    found: Study | None = g.get("study")
    return found if found and found.public_id == study_id else Study.of(researcher(), study_id)


def find_interview(study_id: str, interview_id: str) -> Interview:
    return Interview.of(find_study(study_id), interview_id)


@dashboard.before_request
def _guard() -> None:
    """Raises `NotFound` for what they may not see, as for what is not there, and only then
    `NotAllowed` for what they may not do."""
    if not current_user.is_authenticated:
        # Whoever has not signed in is led to do so, or asks for what is open to all.
        return
    _demand_seen(request.view_args or {})
    _demand_role(request.endpoint or "", request.method)


def _demand_seen(named: dict[str, str]) -> None:
    if "study_id" in named:
        g.study = Study.of(researcher(), named["study_id"])
    if "interview_id" in named:
        there = Interview.study_id == g.study.id if "study_id" in named else seen()
        asked = select(there).select_from(Interview).join(Study)
        # One that is nowhere is the view's to tell of: it may have been deleted meanwhile.
        if db.session.scalar(asked.where(Interview.public_id == named["interview_id"])) is False:
            raise NotFound("This study has no such interview.")


@dashboard.teardown_request
def _forget(_cause: BaseException | None) -> None:
    # Requests may share what Flask calls `g`, as those of a test do.
    g.pop("study", None)


def _demand_role(endpoint: str, method: str) -> None:
    may = researcher()
    is_workspace = bool(request.url_rule and request.url_rule.rule.startswith(WORKSPACE))
    if is_workspace and endpoint not in OWN_SETTINGS and not may.may_manage:
        raise NotAllowed(
            "This belongs to the whole workspace, so owners and admins look after it. Ask one of "
            "them, and go back to where you were."
        )
    changes = method not in SAFE and endpoint not in THEIR_OWN
    if (changes or endpoint in FORMS) and not may.may_change:
        raise NotAllowed(
            "You can look at this study and change nothing in it, so all is as it was. Ask an "
            "owner or admin of your team for the role of a researcher."
            if "study_id" in (request.view_args or {})
            else "You can look at studies and change nothing, so all is as it was. Ask an owner or "
            "admin of your team for the role of a researcher."
        )


@dashboard.app_context_processor
def _may() -> dict[str, bool]:
    """What the pages show to whoever looks at them."""
    one = current_user
    is_known = bool(one and one.is_authenticated)
    return {
        "may_change": is_known and one.may_change,
        "may_manage": is_known and one.may_manage,
    }
