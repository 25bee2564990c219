"""Help is there for researchers, and somebody to ask for everybody, where one was named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from qualz.application import create_app
from qualz.settings import Settings, SettingsError


def test_help_is_found_from_every_page_and_its_own_links_lead_somewhere(
    adas: FlaskClient, client: FlaskClient
):
    assert 'href="/help"' in adas.get("/").text
    page = adas.get("/help").text
    for place in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{place}"' in page
    assert "10 s" in page
    assert "15 min" in page
    assert "Somebody to ask" not in page
    assert client.get("/help").status_code == 302


def test_the_design_page_shows_every_colour_that_there_is(adas: FlaskClient, client: FlaskClient):
    page = adas.get("/design").text
    sheet = Path("static/css/tokens.css").read_text()
    colours = re.findall(r"--([a-z-]+): light-dark", sheet)
    assert len(colours) > 20
    assert [f"var(--{name})" in page for name in colours] == [True] * len(colours)
    assert client.get("/design").status_code == 302


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("team@example.org", "mailto:team@example.org"),
        ("https://example.org/@team", "https://example.org/@team"),
    ],
)
def test_who_is_stuck_is_told_whom_to_ask(settings: Settings, contact: str, link: str):
    app = create_app(replace(settings, contact=contact))
    with app.app_context():
        from qualz.database import db

        db.create_all()
        page = app.test_client().get("/i/nothing").text
        db.session.remove()
        db.engine.dispose()
    assert f'href="{link}"' in page


@pytest.mark.parametrize("contact", ["javascript:alert(1)", "ada", "a@b?cc=c", "https://a b"])
def test_a_contact_that_is_none_is_named(tmp_path: Path, contact: str):
    with pytest.raises(SettingsError, match="QUALZ_CONTACT"):
        Settings.from_env({"QUALZ_DATA": str(tmp_path), "QUALZ_CONTACT": contact})
