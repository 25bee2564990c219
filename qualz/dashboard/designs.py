"""The design system on one page: what the pages are made of, by the very parts they are made of."""

from __future__ import annotations

import re
from pathlib import Path

from flask import current_app, render_template
from flask.typing import ResponseReturnValue
from wtforms import Form, RadioField, StringField

from qualz.dashboard import dashboard
from qualz.dashboard.forms import choice

TOKENS = Path("css/tokens.css")
TOKEN = re.compile(r"^\s*--([a-z0-9-]+):\s*(.+);$", re.MULTILINE)


class ExampleForm(Form):
    title = StringField("Title")
    address = StringField("Address")
    camera = RadioField("Camera", choices=[choice("off", "Off"), choice("on", "On")], default="off")


@dashboard.get("/design")
def design() -> ResponseReturnValue:
    form = ExampleForm(data={"address": "localhost"})
    form.address.errors = ["Write the whole address, like http://localhost:8001/v1."]
    tokens = _tokens()
    return render_template(
        "dashboard/designs/page.html",
        form=form,
        colours={name: value for name, value in tokens.items() if value.startswith("light-dark")},
        sizes={name: value for name, value in tokens.items() if name.startswith(("text", "space"))},
    )


def _tokens() -> dict[str, str]:
    """As the style sheet has them, so that none is missing here."""
    sheet = Path(current_app.static_folder or "") / TOKENS
    return dict(TOKEN.findall(sheet.read_text()))
