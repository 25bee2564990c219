"""Recordings that a proxy sends: this server decides who may have them, and names no other file."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qualz.database import db
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.part import Part
from qualz.sending import send
from qualz.settings import Settings, SettingsError


@pytest.fixture
def behind(app: Flask):
    """Qualz stands behind a proxy that sends its files."""

    def behind(how: str) -> None:
        app.extensions["settings"] = replace(app.extensions["settings"], sendfile=how)

    return behind


@pytest.fixture
def part(interview: Interview, record) -> Part:
    part: Part = record(interview)
    db.session.commit()
    return part


def test_nginx_is_told_where_it_lies(part: Part, adas: FlaskClient, behind):
    behind("x-accel:/recordings")
    answer = adas.get(f"/media/parts/{part.public_id}", headers={"Range": "bytes=100-199"})
    assert answer.headers["X-Accel-Redirect"] == f"/recordings/{part.file}"
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"", "audio/webm")
    assert "Content-Length" not in answer.headers or answer.headers["Content-Length"] == "0"
    assert "X-Sendfile" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.cache_control.private


def test_others_are_told_its_path(part: Part, adas: FlaskClient, settings: Settings, behind):
    behind("x-sendfile")
    answer = adas.get(f"/media/parts/{part.public_id}")
    assert answer.headers["X-Sendfile"] == str(settings.media / part.file)
    assert answer.data == b""


@pytest.mark.parametrize("how", ["x-accel:/recordings", "x-sendfile"])
def test_who_may_not_see_it_is_told_nothing(how, part: Part, strangers, client, behind):
    behind(how)
    for browser, status in ((strangers, 404), (client, 302)):
        answer = browser.get(f"/media/parts/{part.public_id}")
        assert answer.status_code == status
        assert not {"X-Accel-Redirect", "X-Sendfile"} & set(answer.headers.keys())


@pytest.mark.parametrize("how", [None, "x-accel:/recordings", "x-sendfile"])
@pytest.mark.parametrize(
    "name",
    [
        "../secret-key",
        "/etc/passwd",
        "a/../../secret-key",
        "",
        ".",
        "..",
        "a\0b",
        "link/secret-key",
        "interviews",
    ],
)
def test_no_name_leads_out_of_the_recordings(how, name, app: Flask, settings, behind):
    (settings.data / "secret-key").write_text("a secret")
    (settings.media / "link").symlink_to(settings.data)
    behind(how)
    with app.test_request_context(), pytest.raises(NotFound):
        send(name, "audio/webm")


def test_there_are_no_listings(app: Flask, part: Part, adas: FlaskClient):
    for address in ("/media/", "/media/parts/", f"/media/{part.file}", "/media/parts/.."):
        assert adas.get(address).status_code == 404


def test_a_wrong_way_to_send_is_named(tmp_path):
    with pytest.raises(SettingsError, match="QUALZ_SENDFILE"):
        Settings.from_env({"QUALZ_DATA": str(tmp_path), "QUALZ_SENDFILE": "x-accel:recordings"})
