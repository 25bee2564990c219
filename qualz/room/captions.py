"""What was understood of a spoken answer, shown to whoever gave it."""

from __future__ import annotations

from flask import current_app, request
from flask.typing import ResponseReturnValue

from qualz.ai.hearing import Listener
from qualz.conversation import Manner
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.room import admission, room
from qualz.turn import Turn

LONGEST = 200


@room.get("/room/<public_id>/turns/<int:position>/caption")
def caption(public_id: str, position: int) -> ResponseReturnValue:
    """`isAwaited` while there may be words yet; without that, no words are none for good."""
    interview = admission.interview_from(request.cookies, public_id)
    answer = _spoken(interview, position)
    if answer is None:
        raise NotFound("Nothing was spoken there.")
    heard = answer.heard
    is_awaited = not answer.text and any(one.is_under_way for one in answer.hearings)
    return {
        "words": ending_of(answer.text),
        "isDraft": heard is None or heard.is_draft,
        "isAwaited": is_awaited,
    }


def captioned(said: Turn) -> Turn | None:
    """The spoken answer before that utterance, where somebody listens to it or has."""
    answer = _spoken(said.interview, said.position - 1)
    return answer if answer and answer.hearings else None


def who_hears(interview: Interview) -> Listener | None:
    listeners = current_app.extensions["listeners"]
    listener: Listener | None = listeners.current(
        interview.conversation.terms.language, interview.consent
    )
    return listener


def ending_of(text: str, longest: int = LONGEST) -> str:
    """Its last words, of at most so many characters: it is the end that is still in mind."""
    words = " ".join(text.split())
    if len(words) <= longest:
        return words
    end = words[-longest:]
    _cut, space, whole = end.partition(" ")
    # Not every language sets spaces between its words.
    if not space:
        whole = end[1:]
    return f"…{whole}"


def _spoken(interview: Interview, position: int) -> Turn | None:
    for turn in interview.turns:
        if turn.position == position and turn.manner is Manner.SPOKEN:
            return turn
    return None
