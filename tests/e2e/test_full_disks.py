"""A server whose disk is full says so, keeps what it has, and goes on when there is room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e import disks
from tests.e2e.actors import Traveller
from tests.e2e.conftest import QUESTIONS
from tests.e2e.disks import Disk
from tests.e2e.kept import Kept
from tests.e2e.proxy import Network
from tests.e2e.server import Server

KIND, *OTHERS = disks.kinds()


@pytest.fixture(
    scope="module", params=[KIND, *(pytest.param(kind, marks=pytest.mark.long) for kind in OTHERS)]
)
def disk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Disk]:
    disk = request.param(tmp_path_factory.mktemp("disk"))
    yield disk
    disk.is_removed()


@pytest.fixture(scope="module")
def server(disk: Disk) -> Iterator[Server]:
    server = Server(disk.data, QUALZ_GRACE="60", **disk.environment)
    server.start()
    yield server
    disk.has_room_again()
    server.stop()


def test_nothing_is_lost_while_the_disk_is_full(
    server: Server, disk: Disk, network: Network, traveller: Traveller, invitation: str
):
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    disk.fills_up()
    traveller.sees("The server has no room left")
    # Recording goes on: it is the server that has a problem, not the participant.
    traveller.has_waiting(bytes=40_000)
    expect(traveller.room).to_have_attribute("data-state", "live")
    disk.has_room_again()
    traveller.is_online()
    traveller.says_the_rest(*QUESTIONS)

    kept = Kept(server, traveller.page)
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["finished"]
