"""Networks that do worse than fail: they repeat, cut short, refuse and answer for the server."""

from __future__ import annotations

import pytest

from tests.e2e.actors import Traveller
from tests.e2e.conftest import QUESTIONS
from tests.e2e.kept import Kept
from tests.e2e.proxy import Network
from tests.e2e.server import Server


@pytest.fixture(scope="module")
def server(patient_server: Server) -> Server:
    return patient_server


def test_nothing_is_lost_or_doubled_by_lost_answers_repeats_and_broken_off_bodies(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    network.loses_answers(1)
    network.breaks_off_uploads(1)
    network.repeats_uploads(2)
    network.waits_until_all_has_happened()
    traveller.says_the_rest(*QUESTIONS)

    kept = Kept(server, traveller.page)
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["finished"]


def test_nothing_is_lost_on_a_slow_line(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    traveller.begins(invitation)
    network.is_slow(up=0.4, down=0.4)
    traveller.says_the_rest(*QUESTIONS)

    kept = Kept(server, traveller.page)
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["finished"]


def test_nothing_is_lost_behind_a_broken_gateway_and_one_that_takes_small_bodies_only(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    network.answers_itself(502, "Bad Gateway", to="PATCH")
    traveller.has_waiting(bytes=30_000)
    network.comes_back()
    network.takes_no_bodies_above(20_000)
    traveller.is_recorded(seconds=3)
    assert network.mishaps > 1
    traveller.says_the_rest(*QUESTIONS)

    kept = Kept(server, traveller.page)
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["finished"]


def test_the_page_of_a_captive_portal_is_taken_for_no_answer(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    """Lost: nothing, neither of the recording nor of what was typed meanwhile."""
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    captured = network.asks_to_sign_in()
    traveller.notices_the_drop(since=captured)
    traveller.types("That the train has no network")
    traveller.sees("Your answer is kept")
    traveller.has_waiting(bytes=20_000)
    network.comes_back()
    traveller.is_back()
    traveller.says_the_rest(*QUESTIONS[1:])

    kept = Kept(server, traveller.page)
    assert kept.typed_answers == ["That the train has no network"]
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["finished"]
