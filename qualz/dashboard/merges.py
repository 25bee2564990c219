"""Merges: asking for the Full Session once more."""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from qualz import background, broadcasts
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview
from qualz.dashboard.partials import is_partial
from qualz.dashboard.recordings import recording as show_recording
from qualz.database import db
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
    if is_partial():
        return show_recording(study_id, interview_id)
    return redirect(url_for(".transcript_of", study_id=study_id, interview_id=interview_id))
