"""The overview: a study's first page. Who is there now, how far interviews come, what happened."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from qualz import overview
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study
from qualz.dashboard.partials import refreshed
from qualz.overview import What
from qualz.study import Study

SAID = {
    What.JOINED: "agreed to take part",
    What.COMPLETED: "finished",
    What.DROPPED: "was gone",
    What.READY: "has a Full Session to watch",
}


@dashboard.get("/studies/<study_id>/overview")
def overview_of(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return render_template(
        "dashboard/overviews/page.html",
        study=study,
        tab="overview",
        **_in_figures(study),
        **_now(study),
    )


@dashboard.get("/studies/<study_id>/overview/now")
def overview_now(study_id: str) -> ResponseReturnValue:
    """What changes while one looks; cheap, for it is asked for often."""
    study = find_study(study_id)
    return refreshed("dashboard/overviews/_now.html", study=study, **_now(study))


@dashboard.get("/studies/<study_id>/overview/figures")
def overview_figures(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return refreshed("dashboard/overviews/_figures.html", study=study, **_in_figures(study))


def _now(study: Study) -> dict[str, Any]:
    return {
        "live": overview.live(study),
        "happenings": overview.happenings(study),
        "said": SAID,
    }


def _in_figures(study: Study) -> dict[str, Any]:
    return {"figures": overview.figures(study), "steps": overview.steps(study)}
