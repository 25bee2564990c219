"""The door of a personal link: its interview is begun there once, and gone back to ever after."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import broadcasts
from qualz.database import db, once_more_if_taken
from qualz.interview import Interview
from qualz.personal_link import PersonalLink
from qualz.room import admission, headroom, room
from qualz.room.frames import speak_for
from qualz.room.welcome import consent_to, show_door, show_way_back, to_room, what_is_wrong


@room.get("/p/<token>")
def personal(token: str) -> ResponseReturnValue:
    link = _link_of(token)
    # Programs that preview links, or look into mail, are not who was sent it.
    if request.headers.get("Sec-Fetch-Mode") == "navigate" and link.open():
        db.session.commit()
        broadcasts.study_changed(link.study)
    if link.interview is None:
        headroom.demand()
        Interview.demand_open(link.study)
        return show_door(link.study, personal=link)
    _demand_way_back(link.interview)
    return _finished(link.interview) if link.interview.is_over else show_way_back(link.interview)


@room.post("/p/<token>")
def use_personal_link(token: str) -> ResponseReturnValue:
    """Begins the interview, or goes on with the one that has been begun by it."""
    link = _link_of(token)
    if link.interview is None:
        headroom.demand()
        Interview.demand_open(link.study)
        # The link is the access: it is for one person, and needs no code besides.
        if wrong := what_is_wrong(link.study, asks_code=False):
            return show_door(link.study, personal=link, **wrong), 422
        link = once_more_if_taken(lambda: _begin(token))
    interview = link.interview
    if interview is None or interview.is_over:
        return redirect(url_for("room.personal", token=token), code=303)
    _demand_way_back(interview)
    interview.reopen()
    db.session.commit()
    broadcasts.interview_changed(interview)
    return admission.admit(to_room(interview), interview, by=link)


def _begin(token: str) -> PersonalLink:
    link = PersonalLink.opened_by(token)
    interview = Interview.begin(link, consent_to(link.study), carried=request.args)
    if link.begin(interview):
        db.session.commit()
    else:
        # Begun in another browser at this moment: that one is the interview.
        db.session.rollback()
    db.session.expire_all()
    return PersonalLink.opened_by(token)


def _link_of(token: str) -> PersonalLink:
    link = PersonalLink.opened_by(token)
    speak_for(link.study)
    if link.interview:
        link.interview.demand_kept()
    return link


def _demand_way_back(interview: Interview) -> None:
    """A resume link leads back for a week. So does this one, and after it while the study is open:
    it never expires by itself."""
    if interview.state is Interview.State.ABANDONED:
        Interview.demand_open(interview.study)


def _finished(interview: Interview) -> str:
    is_inside = admission.key_in(request.cookies, interview.public_id) is not None
    return render_template(
        "room/finished.html", study=interview.study, interview=interview, is_inside=is_inside
    )
