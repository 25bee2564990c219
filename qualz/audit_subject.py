"""What an entry of the audit log is about: the object, its study and its interview, by their public
ids, as the address of the request and its view name them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, g, request
from flask_login import current_user
from sqlalchemy import Select, func, null, select

from qualz.audit_entry import Action
from qualz.audit_rules import Act
from qualz.bundle import Bundle
from qualz.database import db
from qualz.excerpt import Excerpt
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.rendition import Rendition
from qualz.researcher import Researcher
from qualz.study import Study
from qualz.turn import Turn

# Interviews that one entry names.
MOST_NAMED = 200
# What of an address may be told as it is. Others name things, or are secrets.
PLAIN = ("form", "number", "state", "step")


def told(act: Act, response: Response) -> dict[str, Any] | None:
    """The object, and the study and the interview that it belongs to."""
    if request.blueprint == "room":
        return _of_participant()
    if act.kind in ("account", "sign-in"):
        return {"object_id": _account(), "study": None, "interview": None}
    named: Mapping[str, Any] = request.view_args or {}
    study, interview = named.get("study_id"), named.get("interview_id")
    if request.endpoint == "api.interviews":
        study = request.args.get("study", "")[:24] or None
    if act.kind == "study" and act.action is Action.CREATED:
        study = _new_study(response)
    elif study is None:
        study, interview = _whose(named)
    object_id = str(named.get(act.named, "")) if act.named else study or ""
    return {"object_id": object_id, "study": study, "interview": interview}


def _new_study(response: Response) -> str | None:
    """The one that the answer leads to."""
    leads = "HX-Replace-Url", "HX-Push-Url", "HX-Redirect", "Location"
    found = re.search(
        r"/studies/([\w-]{1,24})/", " ".join(map(response.headers.get, leads, "    "))
    )
    return found[1] if found else None


def _of_participant() -> dict[str, Any] | None:
    """None where nobody took part: in a preview, and at a door that was shut."""
    public_id = g.get("audited", {}).get("object_id") or (request.view_args or {}).get("public_id")
    if public_id is None or g.get("audited", {}).get("is_preview"):
        return None
    mine = (Interview.public_id == public_id, Interview.is_preview.is_(False))
    study = db.session.scalar(select(Study.public_id).join(Interview).where(*mine))
    if study is None:
        return None
    return {"object_id": public_id, "study": study, "interview": public_id}


def _account() -> str:
    """Whose it is, by its number; nothing where nobody has such an account."""
    if g.get("audit_who"):
        return str(g.audit_who["who_id"])
    if current_user.is_authenticated:
        return str(current_user.id)
    typed = request.form.get("email", "").strip().lower()
    found = db.session.scalar(select(Researcher.id).where(func.lower(Researcher.email) == typed))
    return str(found or "")


def _whose(named: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The study and the interview of what an address names by itself."""
    for name, public_id in named.items():
        if name in HOLDERS:
            found = db.session.execute(HOLDERS[name].where(COLUMNS[name] == public_id)).first()
            return (found[0], found[1]) if found else (None, None)
    return None, None


_both = select(Study.public_id, Interview.public_id).join(Interview, Interview.study_id == Study.id)
_recorded = _both.join(Recording, Recording.interview_id == Interview.id)
_marked = _both.join(Turn, Turn.interview_id == Interview.id).join(Highlight)
HOLDERS: dict[str, Select[*tuple[Any, ...]]] = {
    "interview_id": _both,
    "part_id": _recorded.join(Part, Part.recording_id == Recording.id),
    "rendition_id": _recorded.join(Rendition, Rendition.recording_id == Recording.id),
    "excerpt_id": _marked.join(Excerpt),
    "bundle_id": select(Study.public_id, null()).join(Bundle, Bundle.study_id == Study.id),
}
COLUMNS: dict[str, Any] = {
    "interview_id": Interview.public_id,
    "part_id": Part.public_id,
    "rendition_id": Rendition.public_id,
    "excerpt_id": Excerpt.public_id,
    "bundle_id": Bundle.public_id,
}


def details() -> Iterable[dict[str, Any]]:
    """One for each entry that is to be written."""
    plain = {name: to for name, to in (request.view_args or {}).items() if name in PLAIN}
    if request.endpoint == "dashboard.set_state":
        plain["state"] = request.values.get("state", "")[:32]
    if request.method == "GET" and "download" in request.args:
        plain["whole"] = "Range" not in request.headers
    interviews: list[str] | None = g.get("audited", {}).get("interviews")
    if interviews is None:
        yield plain
        return
    for start in range(0, len(interviews), MOST_NAMED):
        some = interviews[start : start + MOST_NAMED]
        yield {**plain, "count": len(some), "interviews": some}
