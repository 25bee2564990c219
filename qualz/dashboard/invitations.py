"""Invitations: a study's share link, as text and as a code for a camera."""

from __future__ import annotations

from typing import Any

import segno
from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from qualz import wording
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study
from qualz.dashboard.people_lists import page_of
from qualz.dashboard.sharing_forms import ShareForm
from qualz.database import db
from qualz.interview import Interview
from qualz.passenger import PROLIFIC
from qualz.study import Study
from qualz.wording import told

TAKE_PART = told("Take part in the interview")


@dashboard.get("/studies/<study_id>/share")
def share(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return share_page(study)


@dashboard.post("/studies/<study_id>/share")
def save_share(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    form = ShareForm(request.form)
    if request.form.get("preset") == "prolific":
        form.parameters.data = "\n".join([*form.names, *PROLIFIC])
    if not form.validate():
        return share_page(study, form), 422
    form.save(study)
    db.session.commit()
    flash("Saved. It holds for everyone who comes from now on.")
    return redirect(url_for(".share", study_id=study_id), code=303)


def share_page(study: Study, form: ShareForm | None = None, **shown: Any) -> str:
    return render_template(
        "dashboard/studies/share.html",
        study=study,
        tab="share",
        shut=Interview.shut_because(study),
        form=form or ShareForm.of(study),
        **ways_in(study),
        **shown,
    )


def ways_in(study: Study) -> dict[str, Any]:
    """What is handed out: the link, personal ones, and what other sites put into their pages."""
    link = invitation_link(study)
    return {
        "link": link,
        "qr_code": qr_code(link),
        "people": page_of(study),
        "frame": frame(study, link),
        "button": button(study, link),
    }


def frame(study: Study, link: str) -> str:
    """What a site that the study allows puts into its page."""
    devices = "microphone; camera" if study.camera.is_allowed else "microphone"
    code = Markup(
        '<iframe src="{}" title="{}" allow="{}; autoplay; screen-wake-lock" '
        'style="width: 100%; height: 46rem; border: 0"></iframe>'
    )
    return str(code.format(link, study.title, devices))


def button(study: Study, link: str) -> str:
    """The same for any site: nothing of ours is shown inside it."""
    style = "display: inline-block; padding: .75em 1.25em; border-radius: 8px; "
    style += "background: #0f6b5c; color: #fff; text-decoration: none"
    words = wording.in_language(TAKE_PART, study.language)
    code = Markup('<a href="{}" target="_blank" rel="noopener" style="{}">{}</a>')
    return str(code.format(link, style, words))


def invitation_link(study: Study) -> str:
    return absolute(url_for("room.welcome", token=study.invitation.token))


def absolute(path: str) -> str:
    """A path as people elsewhere need it, on the address that they reach this server by."""
    address: str = current_app.extensions["settings"].address
    return address + path


def qr_code(link: str) -> Markup:
    """Dark on light in light and dark pages alike: many cameras read nothing else."""
    code = segno.make(link, error="m", micro=False)
    return Markup(  # nosec B704 # an SVG of ours
        code.svg_inline(
            border=4, dark="#1c1d1f", light="#ffffff", omitsize=True, svgclass=None, lineclass=None
        )
    )
