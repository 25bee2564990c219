"""Invitations: a study's share link, as text and as a code for a camera."""

from __future__ import annotations

import segno
from flask import current_app, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study
from qualz.study import Study


@dashboard.get("/studies/<study_id>/share")
def share(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    link = invitation_link(study)
    return render_template(
        "dashboard/studies/share.html", study=study, tab="share", link=link, qr_code=qr_code(link)
    )


def invitation_link(study: Study) -> str:
    return absolute(url_for("room.welcome", token=study.invitation.token))


def absolute(path: str) -> str:
    """A path as people elsewhere need it, on the address that they reach this server by."""
    address: str = current_app.extensions["settings"].address
    return address + path


def qr_code(link: str) -> Markup:
    """Dark on light in light and dark pages alike: many cameras read nothing else."""
    code = segno.make(link, error="m", micro=False)
    return Markup(
        code.svg_inline(
            border=4, dark="#1c1d1f", light="#ffffff", omitsize=True, svgclass=None, lineclass=None
        )
    )
