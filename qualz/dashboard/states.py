"""States of a study: opened, paused, closed, put away and brought back, each by one request."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study
from qualz.dashboard.partials import htmx_answer, is_partial
from qualz.dashboard.set_ups import first_unfinished
from qualz.database import db
from qualz.errors import WrongState
from qualz.study import Study

State = Study.State
THEY_GO_ON = "Whoever has begun an interview can go on with it."
# What a state means, in one sentence or two.
MEANS = {
    State.DRAFT: "The link is not open yet.",
    State.LIVE: "The link starts interviews.",
    State.PAUSED: f"The link says that the study takes a break. {THEY_GO_ON}",
    State.CLOSED: f"The link says that the study takes no more participants. {THEY_GO_ON}",
    State.ARCHIVED: f"Put away, with its link closed. Nothing is deleted. {THEY_GO_ON}",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a button makes of a study."""

    to: Study.State
    word: str
    icon: str
    done: str


CHANGES = {
    State.LIVE: {
        State.DRAFT: Change(State.LIVE, "Open", "play", "is open"),
        State.PAUSED: Change(State.LIVE, "Resume", "play", "is open again"),
        State.CLOSED: Change(State.LIVE, "Reopen", "play", "is open again"),
    },
    State.PAUSED: {State.LIVE: Change(State.PAUSED, "Pause", "pause", "is paused")},
}
CLOSE = Change(State.CLOSED, "Close", "circle-stop", "is closed")
ARCHIVE = Change(State.ARCHIVED, "Archive", "archive", "is archived")
BRING_BACK = "Bring back from the archive"


def change_of(study: Study, to: Study.State) -> Change:
    if study.state is State.ARCHIVED:
        return Change(to, BRING_BACK, "archive-restore", "is back on your list")
    if to is State.CLOSED:
        return CLOSE
    return ARCHIVE if to is State.ARCHIVED else CHANGES[to][study.state]


def changes_of(study: Study) -> list[Change]:
    """What can be done with it, the likeliest first. A draft is opened by its set-up alone."""
    return [
        change_of(study, to) for to in study.may_become if not (study.is_draft and to is State.LIVE)
    ]


@dashboard.route("/studies/<study_id>/state", methods=["PUT", "POST"])
def set_state(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    to = _wanted()
    if study.is_draft and to is State.LIVE and (wrong := first_unfinished(study)):
        db.session.commit()
        return _lead_to(url_for(".set_up", study_id=study_id, step=wrong))
    if to is not study.state:
        # What it is told by is of the state that it comes from.
        done = change_of(study, to).done if to in study.may_become else ""
        study.become(to)
        db.session.commit()
        flash(f"“{study.name}” {done}. {MEANS[study.state]}")
    if request.form.get("from") == "list":
        return _lead_to(url_for(".studies"))
    if request.form.get("from") == "set-up":
        return _lead_to(url_for(".share_step", study_id=study_id))
    return _lead_to(url_for(".study", study_id=study_id))


def _wanted() -> Study.State:
    try:
        return State(request.form.get("state", ""))
    except ValueError as cause:
        raise WrongState("A study has no such state. Reload the page.") from cause


def _lead_to(address: str) -> ResponseReturnValue:
    return htmx_answer(redirect=address) if is_partial() else redirect(address, code=303)


@dashboard.app_context_processor
def _words() -> dict[str, object]:
    return {"changes_of": changes_of, "means": MEANS}
