"""Who may be in which room. HTTP and sockets ask the same function.

A browser that consented, or came by a resume link, holds one signed cookie an interview. It is
valid for as long as a resume link is; a revoked link, personal ones too, shuts out whoever came by
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.sql.base import ExecutableOption

from qualz import clock
from qualz.database import db
from qualz.errors import QualzError
from qualz.interview import Interview
from qualz.personal_link import PersonalLink
from qualz.resume_link import ResumeLink
from qualz.room import frames
from qualz.settings import Settings
from qualz.study import Study

PREFIX = "qualz_room_"


class NotAdmitted(QualzError):
    """The browser holds no valid cookie for this interview."""

    status = 403


def admit(
    response: Response,
    interview: Interview,
    *,
    by: ResumeLink | PersonalLink | None = None,
    since: float | None = None,
    is_framed: bool = False,
) -> Response:
    """Let the browser that gets this answer into the interview's room.

    `since`: when it was let in first, in seconds since 1970; now, unless said. `is_framed`: the
    answer goes to a page inside another site's, though the browser does not say so.
    """
    settings: Settings = current_app.extensions["settings"]
    key = {
        "interview": interview.public_id,
        "link": by.id if isinstance(by, ResumeLink) else None,
        "personal": isinstance(by, PersonalLink),
        "since": since or clock.now().timestamp(),
    }
    response.set_cookie(
        PREFIX + interview.public_id,
        _serializer().dumps(key),
        max_age=settings.resume_link_validity,
        httponly=True,
        **(
            frames.APART
            if is_framed or frames.is_framed()
            else {"samesite": "Lax", "secure": settings.is_behind_tls}
        ),
    )
    return response


def return_key(cookies: Mapping[str, str], public_id: str) -> str:
    """What the page keeps beside its recording: browsers write cookies to disk half a minute late,
    so one that is killed may come back without. It lets in whom the cookie lets in."""
    return _returning().dumps(key_in(cookies, public_id))


def readmit(response: Response, public_id: str, key: str, *, is_framed: bool = False) -> Response:
    """Give the cookie anew to a browser that lost it. Raises `NotAdmitted`."""
    held = _read(_returning(), key)
    interview = _let_in_by(held, public_id)
    if held is None or interview is None:
        raise NotAdmitted("This key lets nobody in any more. Ask for a new link.")
    by: ResumeLink | PersonalLink | None = None
    if held["link"]:
        by = db.session.get(ResumeLink, held["link"])
    elif held.get("personal"):
        by = PersonalLink.of(interview)
    return admit(response, interview, by=by, since=held.get("since"), is_framed=is_framed)


def interview_from(
    cookies: Mapping[str, str], public_id: str, *along: ExecutableOption
) -> Interview:
    """The interview that these cookies admit to, with what is to be loaded along with it. Raises
    `NotAdmitted`, and `InterviewWithdrawn` where the participant has taken it back."""
    interview = _admitted(cookies.get(PREFIX + public_id, ""), public_id, *along)
    if interview is None:
        raise NotAdmitted(
            "This browser has no key to this interview. Open the link that you were sent again."
        )
    interview.demand_kept()
    return interview


def interviews_in(cookies: Mapping[str, str], study: Study) -> Iterator[Interview]:
    """The study's interviews that this browser has begun, the newest first."""
    held = [
        interview
        for name, value in cookies.items()
        if name.startswith(PREFIX)
        and (interview := _admitted(value, name.removeprefix(PREFIX))) is not None
        and interview.study_id == study.id
        and not (interview.is_preview or interview.is_withdrawn)
    ]
    return iter(sorted(held, key=lambda interview: interview.number, reverse=True))


def belongs_elsewhere(cookies: Mapping[str, str], public_id: str) -> bool:
    """Whether this browser holds a valid key to another interview, and none to this one.

    A key to this one that has run out or was revoked is not another participant's.
    """
    held = cookies.get(PREFIX + public_id)
    if held is not None:
        key = _key(held)
        return key is not None and key["interview"] != public_id
    return any(
        _admitted(value, name.removeprefix(PREFIX)) is not None
        for name, value in cookies.items()
        if name.startswith(PREFIX)
    )


def key_in(cookies: Mapping[str, str], public_id: str) -> dict[str, Any] | None:
    """What the browser's cookie says: `interview` and the `link` it came by, or None. Whether that
    link was revoked is still to be asked."""
    key = _key(cookies.get(PREFIX + public_id, ""))
    return key if key and key["interview"] == public_id else None


def came_by_consent(cookies: Mapping[str, str], public_id: str) -> bool:
    """Whether this browser began the interview by the link that everybody has."""
    key = key_in(cookies, public_id)
    return key is not None and key["link"] is None and not key.get("personal")


def _admitted(value: str, public_id: str, *along: ExecutableOption) -> Interview | None:
    return _let_in_by(_key(value), public_id, *along)


def _let_in_by(
    key: dict[str, Any] | None, public_id: str, *along: ExecutableOption
) -> Interview | None:
    if key is None or key["interview"] != public_id:
        return None
    if key["link"] is not None:
        link = db.session.get(ResumeLink, key["link"])
        if link is None or link.revoked_at:
            return None
    named = select(Interview).where(Interview.public_id == public_id)
    interview = db.session.scalar(named.options(*along))
    if interview is not None and key.get("personal"):
        personal = PersonalLink.of(interview)
        if personal is None or personal.revoked_at:
            return None
    return interview


def _key(value: str) -> dict[str, Any] | None:
    return _read(_serializer(), value)


def _read(serializer: URLSafeTimedSerializer, value: str) -> dict[str, Any] | None:
    settings: Settings = current_app.extensions["settings"]
    validity = int(settings.resume_link_validity.total_seconds())
    try:
        key: dict[str, Any] | None = serializer.loads(value, max_age=validity)
    except (BadData, UnicodeError):
        return None
    # A key that was given anew is no younger for it.
    now = clock.now().timestamp()
    return key if key and now - key.get("since", now) <= validity else None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        current_app.extensions["settings"].signing_keys, salt="qualz.room"
    )


def _returning() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        current_app.extensions["settings"].signing_keys, salt="qualz.room.return"
    )
