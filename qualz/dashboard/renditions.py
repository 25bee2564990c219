"""Renditions: downloads of a Full Session, and those that are made when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from qualz import background, broadcasts
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview
from qualz.dashboard.partials import is_partial, refreshed
from qualz.dashboard.recordings import AT_EASE, CLOSELY, poll_seconds
from qualz.database import db, once_more_if_taken
from qualz.errors import NoSuchForm, NotFound
from qualz.recording import Recording
from qualz.rendition import Kind, Rendition


@dataclass(frozen=True, slots=True)
class Words:
    """How a kind of rendition is asked for, what it is called, and what it is good for."""

    ask: str
    name: str
    note: str


WORDS = {
    Kind.MP4: Words(
        "Download as MP4",
        "MP4",
        "H.264 and AAC, for slides and other tools. Made once, in the background.",
    ),
    Kind.SOUND: Words(
        "Sound only",
        "sound",
        "AAC in an M4A, to listen to or to transcribe. Made once, in the background.",
    ),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind, and the rendition of it that there is for the Full Session that plays."""

    kind: Kind
    rendition: Rendition | None

    @property
    def words(self) -> Words:
        return WORDS[self.kind]

    @property
    def state(self) -> str:
        return self.rendition.state if self.rendition else "none"

    @property
    def news(self) -> str:
        """Said aloud where it changed."""
        match self.state:
            case "waiting" | "running":
                return f"The {self.words.name} is being made."
            case "done":
                return f"The {self.words.name} can be downloaded."
            case "failed":
                return f"The {self.words.name} could not be made."
        return ""


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/renditions")
def renditions(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    return refreshed(
        "dashboard/transcripts/_renditions.html",
        study=interview.study,
        interview=interview,
        **shown(interview.recording),
    )


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/renditions")
def ask_for_rendition(study_id: str, interview_id: str) -> ResponseReturnValue:
    recording = find_interview(study_id, interview_id).recording
    try:
        kind = Kind(request.form.get("kind", ""))
    except ValueError:
        raise NoSuchForm("Choose what to download.") from None
    # Asked for in two tabs at once: one is enough.
    once_more_if_taken(lambda: _ask(recording, kind))
    broadcasts.recording_changed(recording)
    return _answer(study_id, interview_id)


@dashboard.delete("/studies/<study_id>/transcripts/<interview_id>/renditions/<rendition_id>")
def remove_rendition(study_id: str, interview_id: str, rendition_id: str) -> ResponseReturnValue:
    recording = find_interview(study_id, interview_id).recording
    try:
        Rendition.of(recording, rendition_id).remove(current_app.extensions["storage"])
        broadcasts.recording_changed(recording)
    except NotFound:
        # Gone already: that is what was wanted.
        pass
    return _answer(study_id, interview_id)


def _ask(recording: Recording, kind: Kind) -> None:
    rendition = Rendition.ask(recording, kind)
    if rendition.is_under_way:
        background.later("rendition", rendition.id)
    db.session.commit()


def _answer(study_id: str, interview_id: str) -> ResponseReturnValue:
    if is_partial():
        return renditions(study_id, interview_id)
    address = url_for(".transcript_of", study_id=study_id, interview_id=interview_id)
    return redirect(address, code=303)


def shown(recording: Recording) -> dict[str, Any]:
    """What `_renditions.html` needs besides the interview, wherever it is included."""
    offers = _offers(recording)
    storage = current_app.extensions["storage"]
    is_waited_for = any(offer.state in ("waiting", "running") for offer in offers)
    # That a Full Session came is heard from the recording beside it; this is for want of that.
    may_come = AT_EASE if poll_seconds(recording) else None
    return {
        "offers": offers,
        "full_size": storage.size(recording.full_session) if recording.full_session else 0,
        "full_container": (recording.full_session_type or "").partition("/")[2],
        "look_again": CLOSELY if is_waited_for else may_come,
    }


def _offers(recording: Recording) -> list[Offer]:
    """What belongs to an earlier Full Session is as good as not there."""
    made = {one.kind: one for one in recording.renditions if one.is_under_way or one.is_current}
    return [Offer(kind, made.get(kind)) for kind in Rendition.offered(recording)]
