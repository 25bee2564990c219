"""What the sockets are told: that something changed, never what. The page asks over HTTP."""

from __future__ import annotations

import logging
from typing import Any

from flask import current_app
from redis.exceptions import RedisError

from qualz.interview import Interview
from qualz.recording import Recording
from qualz.study import Study

log = logging.getLogger(__name__)

ROOM = "/room"
WORKPLACE = "/workplace"


def recording_changed(recording: Recording) -> None:
    interview_changed(recording.interview)


def interview_changed(interview: Interview) -> None:
    _tell("changed", {"interview": interview.public_id}, WORKPLACE, interview.study.public_id)


def interview_removed(study: str, interview: str) -> None:
    """By their public ids: the interview itself is gone."""
    _tell("changed", {"interview": interview}, WORKPLACE, study)


def study_changed(study: Study) -> None:
    """Something of it that belongs to no interview, or that any of them may show."""
    _tell("changed", {"interview": None}, WORKPLACE, study.public_id)


def news_for(researcher_id: int) -> None:
    """There is a notification more, or one less to read."""
    _tell("news", {}, WORKPLACE, whose_news(researcher_id))


def whose_news(researcher_id: int) -> str:
    """What all pages of one researcher hear."""
    return f"researcher-{researcher_id}"


def moved_elsewhere(interview: Interview) -> None:
    """The tab that was in the room is told that another one took its place."""
    _tell("moved", {"place": interview.place}, ROOM, interview.public_id)


def _tell(what: str, data: dict[str, Any], namespace: str, to: str) -> None:
    try:
        current_app.extensions["speaker"].emit(what, data, namespace=namespace, to=to)
    except (RedisError, OSError) as cause:
        log.warning("Could not tell %s: %s", what, cause)
