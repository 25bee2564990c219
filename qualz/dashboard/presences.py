"""Presence: whether a participant is there, how far their recording is, and when they were not."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from qualz import tally
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview
from qualz.dashboard.partials import refreshed
from qualz.dashboard.recordings import tenths
from qualz.drop import Cause, Drop
from qualz.part import EndReason
from qualz.tally import Gap

AWAY = {
    Cause.CONNECTION: "Connection lost",
    Cause.SERVER: "The server was restarted",
    Cause.LEFT: "Left the page",
    Cause.RELOAD: "Reloaded the page",
    Cause.CLOSED: "Closed the page and came back",
    Cause.CRASHED: "The browser ended without a word",
    Cause.MOVED: "Came back in another browser",
    Cause.PAUSED: "Paused",
}
ENDED = {
    EndReason.FINISHED: "they had finished and came back",
    EndReason.DROP: "the connection was lost",
    EndReason.RELOAD: "the page was reloaded",
    EndReason.CLOSED: "the page was closed",
    EndReason.CRASHED: "the browser ended without a word",
    EndReason.DEVICE_CHANGE: "another microphone or device took over",
    EndReason.CAMERA_SWITCH: "the camera was switched",
    EndReason.SLOW_LINE: "the picture was made coarser for a slow line",
    EndReason.PAUSE: "the participant paused",
    EndReason.RECORDER_ERROR: "the recorder was started anew",
    EndReason.GIVEN_UP: "the participant was gone",
    EndReason.LIMIT: "the limit of what one interview may record was reached",
}


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/presence")
def presence_of(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    return refreshed(
        "dashboard/transcripts/_presence.html", study=interview.study, interview=interview
    )


def why_away(drop: Drop) -> str:
    return AWAY[drop.cause] if drop.cause else "No longer heard"


def why_missing(gap: Gap) -> str:
    """Such as “38 s not recorded: the connection was lost”."""
    reason = gap.damage or ENDED.get(gap.after.end_reason or EndReason.GIVEN_UP, "")
    what = "recorded but not saved" if gap.was_recorded else "not recorded"
    return f"{what}: {reason}"


@dashboard.app_context_processor
def _words() -> dict[str, object]:
    return {
        "so_far": tally.so_far,
        "tenths": tenths,
        "why_away": why_away,
        "why_missing": why_missing,
    }
