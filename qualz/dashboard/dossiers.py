"""Data requests: all that is held about a participant, for whoever asks what that is."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import auditing, background, dossier
from qualz.bundle import Bundle
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, researcher
from qualz.dashboard.partials import is_partial
from qualz.database import db
from qualz.errors import NotAllowed, NotFound
from qualz.interview import Interview
from qualz.personal_link import PersonalLink


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/data-request")
def data_request(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = _found(study_id, interview_id)
    link = PersonalLink.of(interview)
    return render_template(
        f"dashboard/dossiers/{'_dialog' if is_partial() else 'page'}.html",
        study=interview.study,
        interview=interview,
        email=link.email if link else "",
        others=len(dossier.of_person(interview, for_=researcher())) - 1,
    )


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/data-request")
def ask_for_data(study_id: str, interview_id: str) -> ResponseReturnValue:
    """The page of exports says how far it is, and hands it out."""
    interview = _found(study_id, interview_id)
    wanted = (
        dossier.of_person(interview, for_=researcher()) if "others" in request.form else [interview]
    )
    ids = [one.id for one in wanted]
    auditing.among(ids)
    bundle = Bundle.ask(interview.study, Bundle.Kind.PERSON, dossier.WANTED, ids)
    background.later("bundle", bundle.id)
    db.session.commit()
    return redirect(url_for(".bundles", study_id=study_id), code=303)


def _found(study_id: str, interview_id: str) -> Interview:
    """Raises `NotAllowed` for all but managers: it holds what is redacted, of any study."""
    interview = find_interview(study_id, interview_id)
    if not researcher().may_manage:
        raise NotAllowed("Only owners and admins may answer a data request. Ask one of them.")
    if interview.is_withdrawn:
        raise NotFound("The participant had everything deleted. Nothing is held to hand out.")
    return interview
