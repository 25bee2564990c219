"""Merges: asking for the Full Session once more, and for a merge to end."""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from qualz import background, broadcasts
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview
from qualz.dashboard.partials import is_partial
from qualz.dashboard.recordings import recording as show_recording
from qualz.database import db
from qualz.errors import NotFound
from qualz.merge import Merge


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/merges")
def merge_again(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    # Pressed twice, or in two tabs: one merge is enough.
    if merge := Merge.begin(interview.recording):
        db.session.flush()
        background.later("merge", merge.id)
        db.session.commit()
        broadcasts.recording_changed(interview.recording)
    return _answer(study_id, interview_id)


@dashboard.delete("/studies/<study_id>/transcripts/<interview_id>/merges/<int:merge_id>")
def cancel_merge(study_id: str, interview_id: str, merge_id: int) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    merge = next((one for one in interview.recording.merges if one.id == merge_id), None)
    if merge is None:
        raise NotFound("This interview has no such merge.")
    # One that is over by now stays as it ended.
    if merge.cancel():
        db.session.commit()
        broadcasts.recording_changed(interview.recording)
    return _answer(study_id, interview_id)


def _answer(study_id: str, interview_id: str) -> ResponseReturnValue:
    if is_partial():
        return show_recording(study_id, interview_id)
    address = url_for(".transcript_of", study_id=study_id, interview_id=interview_id)
    return redirect(address, code=303)
