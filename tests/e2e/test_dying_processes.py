"""Every process dies in the middle of an interview, and the interview does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.e2e.actors import Traveller
from tests.e2e.conftest import ARGUMENTS, QUESTIONS
from tests.e2e.device import Device
from tests.e2e.kept import Kept
from tests.e2e.proxy import Network
from tests.e2e.server import Server, eventually


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # However long a process takes to start anew, it is a short drop.
    server = Server(tmp_path_factory.mktemp("qualz"), QUALZ_GRACE="60", QUALZ_LEASE="3")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def device(playwright: Playwright, tmp_path: Path, network: Network) -> Iterator[Device]:
    device = Device(playwright, tmp_path / "profile", network, ARGUMENTS)
    yield device
    device.is_switched_off()


def test_nothing_is_lost_when_the_web_process_is_killed_during_an_upload(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    network.holds_an_upload_halfway()
    server.kills("gunicorn")
    traveller.says_the_rest(*QUESTIONS)

    kept = Kept(server, traveller.page)
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["finished"]


def test_nothing_is_lost_when_all_of_qualz_is_killed_and_started_again(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    server.is_killed()
    server.start()
    traveller.says_the_rest(*QUESTIONS)

    kept = Kept(server, traveller.page)
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["finished"]
    assert set(kept.drop_causes) <= {"server"}


def test_nothing_is_lost_when_the_worker_and_redis_are_killed(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    server.kills("worker merges")
    server.kills("redis-server")
    traveller.says_the_rest(*QUESTIONS)

    kept = Kept(server, traveller.page)
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["finished"]


def test_a_killed_browser_loses_at_most_the_second_in_flight(
    server: Server, network: Network, device: Device, invitation: str
):
    """What only its journal held arrives when it is opened again, at the same question."""
    killed = device.is_switched_on()
    killed.begins(invitation)
    killed.answers_aloud(seconds=1)
    killed.hears(QUESTIONS[1])
    network.answers_itself(502, "Bad Gateway", to="PATCH")
    killed.has_waiting(bytes=20_000)
    kept = Kept(server, killed.page)
    device.is_killed()
    eventually(lambda: kept.is_away, what="the server notices")

    network.comes_back()
    again = device.is_switched_on()
    again.opens(f"{again.url}{invitation}")
    again.page.get_by_role("link", name="Go on where you left off").click()
    again.passes_the_device_check()
    again.says_the_rest(*QUESTIONS[1:])

    kept.has_lost_at_most_the_timeslice_in_flight(network, killed.witness, again.witness, of_part=1)
    assert kept.end_reasons == ["crashed", "finished"]
    assert kept.drop_causes == ["crashed"]
    assert killed.complaints == again.complaints == []
