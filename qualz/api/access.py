"""Who may ask: whoever shows a token, and nobody by a cookie."""

from __future__ import annotations

from flask import Response, current_app, g, request
from sqlalchemy import select

from qualz import limits
from qualz.api import api
from qualz.api.views import view_of
from qualz.api_token import ApiToken
from qualz.database import db
from qualz.errors import NotFound, TokenRefused
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import Study


@api.before_request
def _admit() -> None:
    """All of it is for those with a token, but for what says that it is not."""
    g.api_researcher = None
    described = view_of(current_app, request.endpoint or "")
    if described and described.is_open:
        return
    limits.demand_left(limits.API)
    try:
        token = _shown()
    except TokenRefused:
        limits.note(limits.API)
        raise
    token.use()
    g.api_token = token
    g.api_researcher = token.researcher


def _shown() -> ApiToken:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise TokenRefused("Send a token as “Authorization: Bearer qualz_…”.")
    return ApiToken.opened_by(text.strip())


@api.after_request
def _keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def researcher() -> Researcher:
    """Whose token it is. The blueprint lets nobody else this far."""
    asking: Researcher = g.api_researcher
    return asking


def find_study(study_id: str) -> Study:
    return Study.of(researcher(), study_id)


def find_interview(interview_id: str) -> Interview:
    mine = (
        Interview.public_id == interview_id,
        Study.seen_by(researcher()),
        Interview.is_preview.is_(False),
    )
    found = db.session.scalar(select(Interview).join(Interview.study).where(*mine))
    if found is None:
        raise NotFound("There is no such interview among yours.")
    return found
