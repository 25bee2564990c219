"""Who sees a study: a section of its settings."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from qualz import team
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study, researcher
from qualz.dashboard.sockets import hang_up
from qualz.dashboard.team_forms import AccessForm
from qualz.database import db
from qualz.errors import NotAllowed, NotUnderstood
from qualz.researcher import Researcher
from qualz.study import Study
from qualz.study_access import StudyAccess, let_into


@dashboard.post("/studies/<study_id>/access")
def save_access(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    if not study.is_governed_by(researcher()):
        raise NotAllowed(
            f"Who sees this study is decided by {study.researcher.name}, who made it, and by "
            "owners and admins. Nothing was changed."
        )
    before = study.audience
    form = AccessForm(request.form, of=choosable(study))
    if not form.validate():
        raise NotUnderstood("Somebody who was chosen is not in the team any more. Choose anew.")
    chosen = form.people.data or []
    # Who left the team is in no list, and is let in as before should they come back.
    gone = [one for one in let_into(study) if not one.is_active]
    people = [one for one in choosable(study) if one.id in chosen] + gone
    StudyAccess.choose(study, people, is_for_team=form.seen_by.data == "team")
    db.session.commit()
    now = {one.id for one in study.audience}
    hang_up([one for one in before if one.id not in now])
    flash("Saved. It holds from now on, for all pages, downloads and news of this study.")
    return redirect(url_for(".settings", study_id=study_id, _anchor="access"), code=303)


def choosable(study: Study) -> list[Researcher]:
    """For whom it makes a difference: those who manage the team and its maker see it anyway."""
    return [one for one in team.members() if not one.may_manage and one.id != study.researcher_id]


def shown(study: Study) -> dict[str, Any]:
    people = choosable(study)
    named = [one.id for one in let_into(study)]
    seen_by = "team" if study.is_for_team else "chosen"
    return {
        "access": AccessForm(of=people, seen_by=seen_by, people=named),
        "let_in": [one for one in people if one.id in named],
        "choosable": people,
        "governs_access": study.is_governed_by(researcher()),
    }
