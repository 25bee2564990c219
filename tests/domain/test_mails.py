"""E-mail, by a real mail server: what is said, to whom, when, and what is done when it is away."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import time_machine
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz import clock, jobs, sweep
from qualz.database import db
from qualz.happening import Happening, Kind
from qualz.interview import Interview
from qualz.mail import Mail
from qualz.post_office import PostOffice
from qualz.retried import PAUSES
from qualz.settings import Settings
from tests.dashboard.conftest import HTMX, signed_in


class MailServer(Controller):
    """Speaks STARTTLS, wants a name and a password, and keeps what it takes."""

    def __init__(self, certificate: Path) -> None:
        self.taken: list[EmailMessage] = []
        self.refuses = ""
        self.goodbye = "221 Bye"
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        secure.load_cert_chain(certificate)
        super().__init__(
            self,
            hostname="localhost",
            port=free_port(),
            tls_context=secure,
            require_starttls=True,
            auth_required=True,
            authenticator=self._knows,
        )

    @staticmethod
    def _knows(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any):
        is_known = (data.login, data.password) == (b"ada", b"p@ss word")
        return AuthResult(success=is_known, handled=False)

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:
        return self.goodbye

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        if self.refuses:
            return self.refuses
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.taken.append(message)
        return "250 OK"

    @property
    def url(self) -> str:
        return f"smtp://ada:p%40ss%20word@localhost:{self.port}"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    authority = trustme.CA()
    trusted, certificate = tmp_path / "trusted.pem", tmp_path / "mail.pem"
    authority.cert_pem.write_to_path(trusted)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    server = MailServer(certificate)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def settings(settings: Settings, server: MailServer) -> Settings:
    return replace(settings, smtp_url=server.url, mail_from="Qualz <qualz@example.org>")


def sweeps_and_sends(settings: Settings) -> None:
    sweep.once(settings)
    for mail in Mail.unclaimed():
        jobs.mail(mail.id)


def only() -> Mail:
    return db.session.scalars(select(Mail)).one()


@pytest.fixture
def failed(interview: Interview) -> Interview:
    """Its Full Session could not be made: that is told by e-mail unless one chose otherwise."""
    Happening.note(interview, Kind.MERGE_FAILED, "once")
    db.session.commit()
    return interview


def test_a_researcher_is_told_in_plain_words_over_tls(
    settings: Settings, server: MailServer, failed: Interview
):
    failed.name = "Grace\r\nBcc: all@example.org"
    failed.study.title = "Suche – täglich"
    db.session.commit()
    sweeps_and_sends(settings)
    sweeps_and_sends(settings)
    (message,) = server.taken
    assert message["To"] == "ada@example.org"
    assert message["From"] == "Qualz <qualz@example.org>"
    assert message["Bcc"] is None
    assert "Suche – täglich" in message["Subject"]
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert f"http://localhost:8000/studies/{failed.study.public_id}/transcripts/" in text
    assert only().state is Mail.State.DONE


def test_what_ada_did_not_choose_is_not_sent(
    app: Flask, settings: Settings, server: MailServer, failed: Interview
):
    browser = signed_in(app, failed.study.researcher)
    assert browser.get("/settings/notifications").text.count(" checked") == 10
    browser.post("/settings/notifications", data={"app": "merge.failed", "mail": ""})
    sweeps_and_sends(settings)
    assert server.taken == []
    assert db.session.scalars(select(Mail)).all() == []


def test_a_server_that_refuses_or_is_away_is_asked_again_with_growing_pauses_for_a_day(
    settings: Settings, server: MailServer, failed: Interview
):
    server.refuses = "451 not just now"
    with time_machine.travel(clock.now(), tick=False) as time:
        for pause in PAUSES[:3]:
            sweeps_and_sends(settings)
            assert only().state is Mail.State.WAITING
            assert "451" in (only().reason or "")
            time.shift(pause - timedelta(seconds=1))
            assert Mail.unclaimed() == []
            time.shift(timedelta(seconds=1))
        server.refuses = ""
        sweeps_and_sends(settings)
    assert len(server.taken) == 1


def test_one_that_never_goes_through_ends_after_a_day_and_says_why(
    app: Flask, settings: Settings, server: MailServer, failed: Interview
):
    app.extensions["post"] = PostOffice(f"smtp+plain://localhost:{free_port()}", "q@example.org")
    with time_machine.travel(clock.now(), tick=False) as time:
        for pause in [*PAUSES, timedelta(0)]:
            assert db.session.scalar(select(Mail)) is None or only().is_under_way
            sweeps_and_sends(settings)
            time.shift(pause)
    assert only().state is Mail.State.FAILED
    assert only().reason == "The mail server localhost could not be reached."


def test_what_was_taken_is_sent_however_the_server_says_goodbye(
    settings: Settings, server: MailServer, failed: Interview
):
    server.goodbye = "421 Too busy"
    sweeps_and_sends(settings)
    assert only().state is Mail.State.DONE
    assert len(server.taken) == 1


def test_who_was_back_and_is_away_again_is_told_of_once(
    app: Flask, settings: Settings, server: MailServer, interview: Interview
):
    browser = signed_in(app, interview.study.researcher)
    browser.post("/settings/notifications", data={"mail": "interview.interrupted"})
    with time_machine.travel(clock.now(), tick=False) as time:
        for _ in range(3):
            interview.arrive("tab")
            db.session.commit()
            time.shift(timedelta(minutes=1))
            sweeps_and_sends(settings)
            db.session.refresh(interview)
        time.shift(settings.hold)
        sweeps_and_sends(settings)
    assert len(db.session.scalars(select(Mail)).all()) == 3
    assert len(server.taken) == 1


def test_who_is_back_within_the_hold_was_not_worth_an_e_mail(
    app: Flask, settings: Settings, server: MailServer, interview: Interview
):
    browser = signed_in(app, interview.study.researcher)
    browser.post("/settings/notifications", data={"mail": "interview.interrupted"})
    with time_machine.travel(clock.now(), tick=False) as time:
        for comes_back in (True, False):
            interview.arrive("tab")
            db.session.commit()
            time.shift(timedelta(minutes=1))
            sweeps_and_sends(settings)
            assert server.taken == []
            db.session.refresh(interview)
            if comes_back:
                interview.arrive("tab")
                db.session.commit()
                time.shift(settings.hold)
                mail = Mail.unclaimed()[0]
                interview.seen()
                db.session.commit()
                jobs.mail(mail.id)
                assert mail.state is Mail.State.DONE
        time.shift(settings.hold)
        sweeps_and_sends(settings)
    assert [message["Subject"] for message in server.taken] == [
        "Participant 1 was interrupted – Search habits"
    ]


def test_ada_can_try_the_mail_server_and_is_told_what_is_wrong(
    app: Flask, settings: Settings, server: MailServer, failed: Interview
):
    browser: FlaskClient = signed_in(app, failed.study.researcher)
    trials = "/settings/notifications/trials"
    assert "on its way to ada@example.org" in browser.post(trials, headers=HTMX).text
    assert server.taken[0]["Subject"] == "A test from Qualz"
    app.extensions["post"] = PostOffice(server.url.replace("p%40ss", "wr0ng"), "q@example.org")
    told = browser.post(trials).text
    assert "refused the name or the password" in told
    assert "wr0ng" not in told
    app.extensions["post"] = PostOffice(f"smtp+plain://localhost:{server.port}", "q@example.org")
    assert "It was not sent" in browser.post(trials).text


def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(
    app: Flask, server: MailServer, failed: Interview, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    browser = signed_in(app, failed.study.researcher)
    told = browser.post("/settings/notifications/trials").text
    assert "certificate cannot be trusted" in told
    assert server.taken == []
