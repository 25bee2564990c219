"""Recordings: the clips and the Full Session of one interview, and how far its merge is."""

from __future__ import annotations

import math
from typing import Any

from flask.typing import ResponseReturnValue

from qualz import tally
from qualz.dashboard import dashboard, media
from qualz.dashboard.access import find_interview
from qualz.dashboard.partials import refreshed
from qualz.interview import Interview
from qualz.recording import Recording

# Seconds between two looks: closely while a merge runs or is about to, else as the list does.
CLOSELY, AT_EASE = 1, 5


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/recording")
def recording(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    return refreshed(
        "dashboard/transcripts/_recording.html",
        study=interview.study,
        interview=interview,
        **shown(interview.recording),
    )


def shown(recording: Recording) -> dict[str, Any]:
    """What `_recording.html` needs, wherever it is included."""
    return {
        "recording": recording,
        "poll_seconds": poll_seconds(recording),
        "has_picture": any(part.has_camera for part in recording.clips),
        "tally": tally.of(recording),
        "notes": notes(recording),
        "full_version": media.version(recording),
    }


def poll_seconds(recording: Recording) -> int | None:
    """How long until the page looks again; None when there is nothing left to wait for."""
    if recording.is_being_made or _is_due_soon(recording):
        return CLOSELY
    awaits_bytes = any(part.is_open for part in recording.parts)
    may_go_on = recording.interview.state in (
        Interview.State.JOINED,
        Interview.State.LIVE,
        Interview.State.INTERRUPTED,
    )
    if recording.state in (Recording.State.READY, Recording.State.FAILED):
        may_go_on = recording.interview.state is Interview.State.LIVE
    return AT_EASE if awaits_bytes or may_go_on else None


def _is_due_soon(recording: Recording) -> bool:
    """The interview is over and there are bytes that no Full Session holds yet."""
    return (
        recording.state in (Recording.State.NONE, Recording.State.STALE)
        and recording.interview.state is Interview.State.COMPLETED
        and bool(recording.clips)
    )


def notes(recording: Recording) -> list[str]:
    """What was found wrong with what is stored."""
    told = [f"{clip_label(part.number)}: {part.damage}" for part in recording.clips if part.damage]
    report = recording.report or {"parts": []}
    told += [
        f"{entry['label']} is not in the Full Session: {entry['left_out']}"
        for entry in report["parts"]
        if entry.get("left_out")
    ]
    return told


def in_words(seconds: float) -> str:
    """A span of time as people say it: “0.4 s”, “38 s”, “4 min”, “26 h”, “3 days”."""
    if seconds < 10:
        return tenths(seconds)
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def tenths(seconds: float) -> str:
    """To the tenth above, so that nothing but nothing reads “0.0 s”."""
    return f"{math.ceil(round(seconds, 3) * 10) / 10:.1f} s"


def clip_label(number: int) -> str:
    return f"Clip {number}"
