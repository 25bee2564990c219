"""Long drops: the page ends the part itself, and the interview goes on in a new one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.actors import Traveller
from tests.e2e.conftest import QUESTIONS
from tests.e2e.kept import Kept
from tests.e2e.proxy import Network
from tests.e2e.server import Server, eventually

TWO_DAYS_AHEAD = """
  const ahead = 2 * 24 * 60 * 60 * 1000
  const Real = Date
  window.Date = class extends Real {
    constructor(...given) {
      super(...(given.length > 0 ? given : [Real.now() + ahead]))
    }
    static now() {
      return Real.now() + ahead
    }
  }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("qualz"), QUALZ_GRACE="4")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    "happens", [pytest.param(Network.is_cut, marks=pytest.mark.long), Network.falls_silent]
)
def test_nothing_is_lost_when_the_network_is_away_for_longer_than_the_grace(
    happens: Callable[[Network], float],
    server: Server,
    network: Network,
    traveller: Traveller,
    invitation: str,
):
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    kept = Kept(server, traveller.page)
    happens(network)
    traveller.is_told_of_a_pause()
    eventually(lambda: kept.state == "interrupted", what="the server notices")
    network.comes_back()
    traveller.is_back()
    traveller.says_the_rest(*QUESTIONS)

    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["drop", "finished"]
    # A busy machine is silent for three seconds now and then, and that is a drop like any other.
    assert set(kept.drop_causes) == {"connection"}


def test_nothing_is_lost_by_ten_minutes_in_a_tunnel(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    traveller.page.clock.install()
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    network.is_cut()
    traveller.is_told_of_a_pause()
    traveller.page.clock.fast_forward("10:00")
    network.comes_back()
    traveller.is_back()
    traveller.says_the_rest(*QUESTIONS)

    kept = Kept(server, traveller.page)
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["drop", "finished"]


@pytest.mark.long
def test_a_clock_that_is_two_days_off_changes_neither_order_nor_gaps(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    """Lost: at most the timeslice in flight when the page was reloaded."""
    traveller.context.add_init_script(TWO_DAYS_AHEAD)
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    network.is_cut()
    traveller.is_told_of_a_pause()
    network.comes_back()
    traveller.is_back()
    traveller.is_recorded(seconds=1)
    traveller.reloads()
    traveller.says_the_rest(*QUESTIONS)

    kept = Kept(server, traveller.page)
    full_session = kept.has_lost_at_most_the_timeslice_in_flight(
        network, traveller.witness, of_part=2
    )
    _, *others = kept.chapters_of(full_session)
    assert len(others) == 2
    assert all(re.search(r"reconnected after \d+ s$", title) for title in others), others
