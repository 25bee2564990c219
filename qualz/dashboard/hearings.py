"""Hearings: having an interview's spoken answers put into words again."""

from __future__ import annotations

from flask import current_app, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from qualz import background, broadcasts
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview
from qualz.database import db
from qualz.hearing import Hearing


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/hearings")
def hear_again(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    language = interview.conversation.terms.language
    if current_app.extensions["listeners"].current(language, interview.consent) is None:
        flash("Nobody can hear this interview's language. Choose who hears under Hearing.")
    else:
        begun = Hearing.again(interview)
        for hearing in begun:
            background.later(hearing.job, hearing.id)
        flash(_told(len(begun)))
    db.session.commit()
    broadcasts.interview_changed(interview)
    address = url_for(".transcript_of", study_id=study_id, interview_id=interview_id)
    return redirect(address, code=303)


def _told(count: int) -> str:
    if count == 0:
        return "Nothing to hear: nobody spoke yet, or all of it is being heard already."
    answers = "1 spoken answer" if count == 1 else f"{count} spoken answers"
    return f"Hearing {answers} again. The words appear here; earlier ones are kept."
