"""Frames: participants' pages inside another site's page, where the study allows that site.

A browser there sends no cookie that is for this site alone, and some keep none at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from qualz import embedding, page_language, pages
from qualz.invitation import Invitation
from qualz.personal_link import PersonalLink
from qualz.resume_link import ResumeLink
from qualz.room import room
from qualz.study import Study

KEPT = "qualz_kept"
# The keys of a cookie that is kept for this site inside that other one, and nowhere else:
# https://developer.mozilla.org/en-US/docs/Web/Privacy/Guides/Privacy_sandbox/Partitioned_cookies
APART: dict[str, Any] = {"samesite": "None", "secure": True, "partitioned": True}
SAFE = {"GET", "HEAD", "OPTIONS"}
# Whose study a door with a form leads to.
DOORS: dict[str, Callable[[str], Study]] = {
    "room.agree": lambda token: Invitation.opened_by(token).study,
    "room.use_personal_link": lambda token: PersonalLink.opened_by(token).study,
    "room.use_resume_link": lambda token: ResumeLink.opened_by(token).interview.study,
}


def is_framed() -> bool:
    """Whether this answer is shown inside another page, as browsers say of pages."""
    return request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame")


def speak_for(study: Study) -> None:
    """The page is the study's: in its language, and shown where it allows that."""
    page_language.speak(study.language)
    pages.allow_frames(embedding.ancestors(study.embedders))
    if is_framed():
        # So that the page's script can tell whether the page around it lends them.
        pages.allow_devices(camera=study.camera.is_allowed)


@room.before_request
def _demand_a_browser_that_keeps() -> ResponseReturnValue | None:
    """Before anything is begun that it could not come back to. A frame in which our own page counts
    as another site's runs none of our scripts."""
    keeps = KEPT in request.cookies and _is_ours()
    if request.method in SAFE or not is_framed() or keeps:
        return None
    opened_by = DOORS.get(request.endpoint or "")
    if opened_by:
        speak_for(opened_by((request.view_args or {})["token"]))
    return render_template("room/own_tab.html"), 403


@room.before_request
def _demand_our_own_page() -> None:
    """Other sites send nothing in a participant's name. Browsers say so themselves, also where the
    cookie that a form's token belongs to is not sent."""
    is_asked = current_app.config["WTF_CSRF_ENABLED"]
    if is_asked and request.method not in SAFE and not _is_ours():
        current_app.extensions["csrf"].protect()


def _is_ours() -> bool:
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


@room.after_request
def _try_a_cookie(response: Response) -> Response:
    if is_framed() and request.method == "GET":
        response.set_cookie(KEPT, "1", max_age=24 * 3600, **APART)
    return response
