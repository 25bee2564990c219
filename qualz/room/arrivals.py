"""Entering the room, and the small beat that says one is still there."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from qualz import broadcasts, pages, switchboard
from qualz.database import db, remembering
from qualz.drop import Came
from qualz.interview import Interview
from qualz.recap import where_we_were
from qualz.room import admission, asked, room
from qualz.room.captions import who_hears
from qualz.room.frames import speak_for
from qualz.room.heartbeats import hear
from qualz.room.speech import sample, who_speaks
from qualz.settings import Settings


@room.get("/room/<public_id>")
def enter(public_id: str) -> ResponseReturnValue:
    try:
        interview = admission.interview_from(request.cookies, public_id)
    except admission.NotAdmitted:
        return render_template("room/link_unusable.html"), 403
    speak_for(interview.study)
    pages.allow_devices(camera=interview.camera.is_allowed)
    return render_template(
        "room/room.html",
        interview=interview,
        study=interview.study,
        room=_settings_of(interview),
        is_captioned=who_hears(interview) is not None,
    )


@room.post("/room/<public_id>/arrivals")
@remembering()
def arrive(public_id: str) -> ResponseReturnValue:
    interview = admission.interview_from(request.cookies, public_id)
    sent = asked.body()
    moved = interview.arrive(
        asked.name_in(sent, "place"),
        page=_page(sent),
        came=_came(sent.get("came")),
        listening_since=switchboard.listening_since(),
        take_over=bool(sent.get("takeOver")),
    )
    db.session.commit()
    if moved:
        broadcasts.moved_elsewhere(interview)
    broadcasts.interview_changed(interview)
    return jsonify(moved=moved)


@room.post("/room/<public_id>/readmissions")
def readmit(public_id: str) -> Response:
    """A browser that was killed before it had written down its cookie."""
    sent = asked.body()
    key = str(sent.get("key", ""))[:1000]
    is_framed = bool(sent.get("framed"))
    return admission.readmit(Response(status=204), public_id, key, is_framed=is_framed)


@room.post("/room/<public_id>/departures")
def depart(public_id: str) -> Response:
    """The page is being left; the last thing that it says."""
    interview = admission.interview_from(request.cookies, public_id)
    said = asked.body()
    interview.depart(asked.name_in(said, "place"), _page(said))
    db.session.commit()
    broadcasts.interview_changed(interview)
    return Response(status=204)


@room.put("/room/<public_id>/pause")
def pause(public_id: str) -> Response:
    """The participant takes a break; the next arrival ends it."""
    interview = admission.interview_from(request.cookies, public_id)
    interview.rest(asked.name_in(asked.body(), "place"))
    db.session.commit()
    broadcasts.interview_changed(interview)
    return Response(status=204)


@room.post("/room/<public_id>/beats")
def beat(public_id: str) -> ResponseReturnValue:
    """The heartbeat of a page whose proxy lets no WebSocket through."""
    sent = asked.body()
    return jsonify(here=hear(public_id, asked.name_in(sent, "place"), sent))


def _page(said: dict[str, Any]) -> str | None:
    return asked.name_in(said, "page") if "page" in said else None


def _came(word: object) -> Came:
    try:
        return Came(str(word))
    except ValueError:
        return Came.FIRST


def _settings_of(interview: Interview) -> dict[str, Any]:
    """What the page's script needs to know; see static/js/room.js."""
    settings: Settings = current_app.extensions["settings"]
    study = interview.study
    url = f"/room/{interview.public_id}"
    return {
        "id": interview.public_id,
        "url": url,
        "partUrl": f"{url}/parts",
        "returnKey": admission.return_key(request.cookies, interview.public_id),
        "camera": interview.camera.value,
        "started": interview.last_said is not None,
        "whereWeWere": where_we_were(interview.conversation, interview.guide.questions),
        "over": interview.is_over,
        "title": study.title,
        "language": study.language,
        "graceSeconds": settings.grace.total_seconds(),
        "maxChunk": settings.largest_chunk,
        "voice": who_speaks(interview),
        "sample": sample(),
    }
