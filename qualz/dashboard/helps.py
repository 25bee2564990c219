"""Help: how recordings come about, what participants see, and the keys."""

from __future__ import annotations

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from qualz.dashboard import dashboard


@dashboard.get("/help")
def help_page() -> ResponseReturnValue:
    settings = current_app.extensions["settings"]
    return render_template("dashboard/helps/page.html", grace=settings.grace, hold=settings.hold)
