"""Webhooks, delivered to a real server: what it gets, what is done when it fails, and where
nothing is ever posted to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import time_machine
import trustme
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz import clock, jobs, sweep
from qualz.courier import Courier, Forbidden, Undelivered
from qualz.database import db
from qualz.delivery import KEPT, Delivery
from qualz.interview import Interview
from qualz.retried import PAUSES
from qualz.settings import Settings
from qualz.webhook import Webhook
from tests.domain.test_mails import free_port

EVERYTHING = ["interview.completed", "interview.interrupted", "recording.ready"]


class Receiver(ThreadingHTTPServer):
    """Keeps what it gets, and answers with the codes it is told to, else 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], str]] = []
        self.codes: list[int] = []
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_address[1]}/hook?for=qualz"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((headers | {"target": self.path}, body))
        self.send_response(self.server.codes.pop(0) if self.server.codes else 204)
        self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, webhooks_local=True)


@pytest.fixture
def secret(adas: FlaskClient, receiver: Receiver) -> str:
    """Ada has added a webhook; its secret."""
    page = adas.post("/settings/webhooks", data={"url": receiver.url, "kinds": EVERYTHING})
    assert page.status_code == 201
    assert page.headers["Cache-Control"] == "no-store"
    (secret,) = re.findall(r'value="(whsec_[^"]+)"', page.text)
    return secret


def hook() -> Webhook:
    return db.session.scalars(select(Webhook)).one()


def address(rest: str = "") -> str:
    return f"/settings/webhooks/{hook().public_id}{rest}"


def deliveries() -> list[Delivery]:
    return list(db.session.scalars(select(Delivery).order_by(Delivery.id)))


def sweeps_and_delivers(settings: Settings) -> None:
    sweep.once(settings)
    for delivery in Delivery.unclaimed():
        jobs.deliver(delivery.id)


@pytest.fixture
def completed(interview: Interview) -> Interview:
    interview.name = "Grace Hopper"
    interview.complete()
    db.session.commit()
    return interview


def test_a_receiver_can_verify_what_it_gets_and_reads_no_names_in_it(
    settings: Settings, receiver: Receiver, secret: str, completed: Interview
):
    for _ in range(2):
        sweeps_and_delivers(settings)
    ((headers, body),) = receiver.got
    assert headers["target"] == "/hook?for=qualz"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - clock.now().timestamp()) < 60
    told = json.loads(body)
    assert told["type"] == "interview.completed"
    assert told["data"]["interview"] == completed.public_id
    assert told["data"]["state"] == "completed"
    assert told["data"]["link"].endswith(completed.public_id)
    assert "Grace" not in body
    assert deliveries()[0].code == 204


def test_the_secret_is_shown_once_and_kept_in_a_file_of_its_own(
    adas: FlaskClient, settings: Settings, secret: str
):
    assert secret not in adas.get(address()).text
    (kept,) = (settings.data / "secrets").glob("webhook-*")
    assert secret not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    adas.post(address("/delete"))
    assert not kept.exists()
    assert "Add a webhook" in adas.get("/settings/webhooks").text


def test_what_fails_is_sent_again_the_same_with_growing_pauses_for_a_day(
    adas: FlaskClient,
    settings: Settings,
    receiver: Receiver,
    secret: str,
    completed: Interview,
):
    receiver.codes = [500, 301] + [503] * (len(PAUSES) - 1)
    with time_machine.travel(clock.now(), tick=False) as time:
        for pause in PAUSES:
            sweeps_and_delivers(settings)
            assert Delivery.unclaimed() == []
            time.shift(pause)
        sweeps_and_delivers(settings)
    # A redirect is not followed.
    assert len(receiver.got) == len(PAUSES) + 1
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1
    (delivery,) = deliveries()
    assert delivery.state is Delivery.State.FAILED
    assert "It answered 503." in adas.get(address("/deliveries")).text
    adas.post(address(f"/deliveries/{delivery.public_id}/repeats"))
    sweeps_and_delivers(settings)
    db.session.refresh(delivery)
    assert delivery.state is Delivery.State.DONE
    assert "204 after" in adas.get(address()).text


def test_one_that_is_gone_is_told_nothing_more_until_ada_wants_it_again(
    adas: FlaskClient, settings: Settings, receiver: Receiver, secret: str, completed: Interview
):
    receiver.codes = [410]
    adas.post(address("/deliveries"))
    sweeps_and_delivers(settings)
    assert len(receiver.got) == 1
    assert [one.state for one in deliveries()] == [Delivery.State.FAILED] * 2
    assert "The receiver wants no more" in adas.get(address()).text
    completed.reopen()
    completed.complete()
    db.session.commit()
    sweeps_and_delivers(settings)
    assert len(deliveries()) == 2
    adas.post(address(), data={"url": receiver.url, "kinds": ["interview.completed"]})
    adas.post(address("/deliveries"))
    sweeps_and_delivers(settings)
    assert json.loads(receiver.got[1][1])["type"] == "test"


def test_a_receiver_that_is_away_costs_one_attempt_and_not_one_for_each(
    settings: Settings, receiver: Receiver, secret: str, interview: Interview
):
    hook().url = f"http://localhost:{free_port()}/"
    for _ in range(3):
        interview.complete()
        interview.reopen()
    db.session.commit()
    sweep.once(settings)
    waiting = [one.id for one in Delivery.unclaimed()]
    jobs.deliver(waiting[0])
    assert len(waiting) == 3
    assert Delivery.unclaimed() == []
    assert deliveries()[0].reason == "It could not be reached, or broke off."


def test_only_what_was_chosen_is_sent_and_only_those_who_manage_choose(
    adas: FlaskClient,
    strangers: FlaskClient,
    settings: Settings,
    receiver: Receiver,
    secret: str,
    completed: Interview,
):
    adas.post(address(), data={"url": receiver.url, "kinds": ["recording.ready"]})
    foreign = {"url": receiver.url, "kinds": EVERYTHING}
    mine = address()
    assert strangers.get(mine).status_code == 403
    assert strangers.post("/settings/webhooks", data=foreign).status_code == 403
    sweeps_and_delivers(settings)
    assert receiver.got == []


def test_old_deliveries_are_cleared_and_those_of_a_deleted_interview_never_sent(
    settings: Settings, receiver: Receiver, secret: str, completed: Interview
):
    sweeps_and_delivers(settings)
    completed.reopen()
    completed.complete()
    db.session.commit()
    sweep.once(settings)
    assert len(deliveries()) == 2
    with time_machine.travel(clock.now() + KEPT + timedelta(hours=1)):
        sweep.once(settings)
        assert [one.state for one in deliveries()] == [Delivery.State.WAITING]
    db.session.delete(completed)
    db.session.commit()
    sweeps_and_delivers(settings)
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "Give the address"),
        ("example.org", "Write the whole address"),
        ("ftp://example.org", "Write the whole address"),
        ("https://ada:secret@example.org", "Leave name, password"),
        ("http://example.org", "must begin with https://"),
        ("https://localhost", "into the local network"),
        ("https://192.168.1.5/x", "into the local network"),
    ],
)
def test_an_address_that_is_not_posted_to_is_refused_when_it_is_typed(
    app: Flask, adas: FlaskClient, url: str, said: str
):
    app.extensions["courier"] = Courier()
    page = adas.post("/settings/webhooks", data={"url": url, "kinds": EVERYTHING})
    assert page.status_code == 422
    assert said in page.text
    assert db.session.scalars(select(Webhook)).all() == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1"),
        *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"),
        *("64:ff9b:1::7f00:1", "fec0::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "192.0.0.8"),
    ],
)
def test_nothing_is_posted_to_this_machine_or_the_local_network(address: str):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(Forbidden):
        Courier().post(f"https://{host}/", {}, b"{}")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_what_is_on_the_internet_may_be_posted_to(address: str):
    host = f"[{address}]" if ":" in address else address
    Courier().demand_allowed(f"https://{host}/")


def test_a_name_that_leads_into_the_local_network_is_found_out_when_it_is_resolved(
    receiver: Receiver,
):
    with pytest.raises(Forbidden):
        Courier().post(f"https://{socket.gethostname()}:{receiver.server_address[1]}/", {}, b"")
    assert receiver.got == []


def test_over_tls_the_name_is_what_the_certificate_is_for(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    authority = trustme.CA()
    trusted, certificate = tmp_path / "trusted.pem", tmp_path / "server.pem"
    authority.cert_pem.write_to_path(trusted)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secure.load_cert_chain(certificate)
    receiver.socket = secure.wrap_socket(receiver.socket, server_side=True)
    receiver.scheme = "https"
    with pytest.raises(Undelivered, match="cannot be trusted"):
        Courier(local=True).post(receiver.url, {}, b"{}")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    assert Courier(local=True).post(receiver.url, {}, b"{}").code == 204
    elsewhere = receiver.url.replace("localhost", "127.0.0.1")
    with pytest.raises(Undelivered, match="cannot be trusted"):
        Courier(local=True).post(elsewhere, {}, b"{}")


def test_a_server_that_drips_its_answer_is_hung_up_on():
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drips() -> None:
            line, _ = listening.accept()
            with line:
                while not over.wait(0.05):
                    try:
                        line.sendall(b"H")
                    except OSError:
                        return

        dripping = threading.Thread(target=drips)
        dripping.start()
        url = f"http://localhost:{listening.getsockname()[1]}/"
        with pytest.raises(Undelivered, match="in time"):
            Courier(local=True, patience=0.3).post(url, {}, b"{}")
        over.set()
        dripping.join()
