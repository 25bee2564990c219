"""Deletions: how far those under way are, and the receipts of all that were."""

from __future__ import annotations

import csv
import io
import json

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from qualz import clock
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study
from qualz.dashboard.partials import refreshed
from qualz.dashboard.recordings import CLOSELY
from qualz.deletion import Deletion
from qualz.export import defused
from qualz.receipt import Receipt, decisions
from qualz.study import Study

MOST_SHOWN = 200
COLUMNS = (
    *("id", "at", "what", "cause", "by", "batch", "study", "interview"),
    *("parts", "bytes", "turns", "sha256"),
)


@dashboard.get("/studies/<study_id>/deletions")
def deletions(study_id: str) -> ResponseReturnValue:
    """The partial, as it asks for itself."""
    study = find_study(study_id)
    return refreshed("dashboard/deletions/_progress.html", study=study)


@dashboard.get("/settings/deletions")
def receipts() -> ResponseReturnValue:
    return render_template(
        "dashboard/deletions/index.html",
        decisions=decisions(MOST_SHOWN),
        most=MOST_SHOWN,
    )


@dashboard.get("/settings/deletions.json")
def receipts_as_json() -> ResponseReturnValue:
    found = [one.as_json() for one in Receipt.all()]
    told = {"written_at": clock.now().isoformat(), "receipts": found}
    return _file(json.dumps(told, indent=1) + "\n", "application/json", "json")


@dashboard.get("/settings/deletions.csv")
def receipts_as_csv() -> ResponseReturnValue:
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for one in Receipt.all():
        told = one.as_json()
        told["sha256"] = " ".join(file["sha256"] or "unknown" for file in one.files)
        table.writerow(defused(str(told[name] or "")) for name in COLUMNS)
    return _file("\ufeff" + out.getvalue(), "text/csv", "csv")


def _file(text: str, mime_type: str, ending: str) -> Response:
    answer = Response(text, mimetype=mime_type)
    name = f"Qualz, receipts of deletions, {clock.now():%Y-%m-%d}.{ending}"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _under_way(study: Study) -> dict[str, object]:
    found = Deletion.shown_of(study)
    is_busy = any(one.is_under_way for one in found)
    return {"deletions": found, "look_again": CLOSELY if is_busy else None}


@dashboard.app_context_processor
def _words() -> dict[str, object]:
    return {"deletions_of": _under_way, "is_going": _is_going}


def _is_going(study: Study) -> bool:
    """Whether all of it is being deleted."""
    return any(one.is_under_way for one in Deletion.going([study.id]).values())
