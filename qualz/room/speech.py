"""The moderator's voice: what it said in a turn, as sound, and where in a part that is heard."""

from __future__ import annotations

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from qualz import page_language, speech
from qualz.ai.speaking import Voice
from qualz.database import db
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.part import LONGEST_MS, Part
from qualz.room import admission, room
from qualz.turn import Speaker, Turn


@room.get("/room/<public_id>/turns/<int:position>/speech")
def speech_of(public_id: str, position: int) -> ResponseReturnValue:
    """204 where no voice of the server's can say it now: then the browser's own may."""
    interview = admission.interview_from(request.cookies, public_id)
    turn = _said(interview, position)
    return _sound(interview, turn.text, speech.folder_of(turn, interview))


@room.get("/room/<public_id>/speech-sample")
def speech_sample(public_id: str) -> ResponseReturnValue:
    """What the device check plays, by whoever will read the questions aloud."""
    interview = admission.interview_from(request.cookies, public_id)
    page_language.speak(interview.study.language)
    return _sound(interview, sample(), speech.SHARED)


def sample() -> str:
    """In the page's language."""
    said: str = _("This is how the questions sound. Can you hear it?")
    return said


def _sound(interview: Interview, text: str, folder: str) -> ResponseReturnValue:
    language, voices = _voices(interview)
    plain = request.accept_mimetypes.best_match(["audio/ogg", "audio/wav"]) == "audio/wav"
    # A voice takes its time, and no connection is to wait for it.
    db.session.commit()
    store: speech.Speech = current_app.extensions["speech"]
    sound = store.of(text, language, voices, folder, plain=plain)
    if sound is None:
        return Response(status=204)
    answer = Response(sound.read_bytes(), mimetype="audio/wav" if plain else "audio/ogg")
    answer.headers["Cache-Control"] = "private, max-age=600"
    answer.vary.add("Accept")
    return answer


@room.put("/room/<public_id>/turns/<int:position>/place")
def place_of(public_id: str, position: int) -> ResponseReturnValue:
    interview = admission.interview_from(request.cookies, public_id)
    turn = _said(interview, position)
    told = request.get_json()
    key, ms = (told.get("part"), told.get("ms")) if isinstance(told, dict) else (None, None)
    part = db.session.scalar(
        select(Part).where(Part.recording_id == interview.recording.id, Part.key == str(key))
    )
    if part is None or not isinstance(ms, int | float) or not 0 <= ms <= LONGEST_MS:
        raise NotFound("There is no such place in the recording.")
    turn.sounds(part, round(ms))
    db.session.commit()
    return Response(status=204)


def make_ahead(turn: Turn) -> None:
    """The page asks for it as soon as it has the question."""
    language, voices = _voices(turn.interview)
    folder = speech.folder_of(turn, turn.interview)
    current_app.extensions["speech"].ahead(turn.text, language, voices, folder)


def who_speaks(interview: Interview) -> str:
    """For the page: “server”, else “browser”, or “none” where questions are only to be read."""
    if current_app.extensions["voices"].is_silent:
        return "none"
    _, voices = _voices(interview)
    return "server" if voices else "browser"


def _voices(interview: Interview) -> tuple[str, list[Voice]]:
    """The interview's language and who speaks it; nobody where sound cannot be brought in form."""
    language = interview.conversation.terms.language
    if not current_app.extensions["speech"].is_possible:
        return language, []
    return language, current_app.extensions["voices"].of_server(language, interview.consent)


def _said(interview: Interview, position: int) -> Turn:
    for turn in interview.turns:
        if turn.position == position and turn.speaker is Speaker.MODERATOR:
            return turn
    raise NotFound("The moderator said nothing there.")
