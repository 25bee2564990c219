"""One interview from two tabs, from two devices, or from a page that was left too early."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.actors import Traveller
from tests.e2e.conftest import QUESTIONS, resume_link
from tests.e2e.kept import Kept
from tests.e2e.proxy import Network
from tests.e2e.server import Server, eventually


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # Nobody is interrupted here, and what nobody sends is soon given up.
    server = Server(tmp_path_factory.mktemp("qualz"), QUALZ_GRACE="60", QUALZ_HOLD="6")
    server.start()
    yield server
    server.stop()


def test_a_second_tab_takes_over_and_both_parts_arrive_whole(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    """Lost: nothing."""
    traveller.begins(invitation)
    traveller.answers_aloud(seconds=1)
    second = traveller.opens_another_tab()
    second.opens(traveller.page.url)
    second.presses("Continue the interview")
    second.is_told_that_it_goes_on_elsewhere()
    second.presses("Continue here")
    second.is_in_the_room()
    traveller.is_told_that_it_goes_on_elsewhere()
    second.says_the_rest(*QUESTIONS[1:])

    kept = Kept(server, traveller.page)
    kept.has_lost_nothing(network, traveller.witness)
    assert kept.end_reasons == ["device_change", "finished"]
    assert second.complaints == []


def test_what_a_device_without_network_kept_arrives_after_another_one_went_on(
    server: Server,
    network: Network,
    traveller: Traveller,
    new_traveller: Callable[[], Traveller],
    invitation: str,
):
    """Lost: nothing. Its late bytes make the Full Session stale, and it is made anew with them."""
    traveller.begins(invitation)
    traveller.answers_aloud(seconds=1)
    traveller.hears(QUESTIONS[1])
    kept = Kept(server, traveller.page)
    network.is_cut()
    eventually(lambda: kept.is_away, what="the server notices")

    other = new_traveller()
    other.comes_back_by(f"{other.url}{resume_link(server, kept.interview)}")
    other.says_the_rest(*QUESTIONS[1:])
    first = kept.becomes_a_full_session(of_what_is_there=True)
    network.comes_back()
    traveller.is_told_that_it_goes_on_elsewhere()

    kept.becomes_a_full_session(newer_than=first)
    kept.holds_all_that_was_acknowledged(network, other.network)
    kept.is_all_that_was_recorded(traveller.witness, other.witness)


def test_whoever_leaves_during_the_last_upload_sends_the_rest_before_anything_else(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    """Lost: nothing."""
    traveller.begins(invitation)
    traveller.answers_aloud(seconds=1)
    traveller.hears(QUESTIONS[1])
    network.answers_itself(502, "Bad Gateway", to="PATCH")
    traveller.has_waiting(bytes=10_000)
    traveller.presses("Done")
    traveller.presses("Finish")
    traveller.sees("Uploading the last seconds")
    kept = Kept(server, traveller.page)
    eventually(lambda: kept.state == "completed")
    traveller.page.close()

    network.comes_back()
    again = traveller.opens_another_tab()
    again.opens(f"{again.url}{invitation}")
    again.page.get_by_role("link", name="See whether everything has arrived").click()
    again.sees("You can close this tab now")
    kept.has_lost_nothing(network, traveller.witness)


def test_what_was_typed_and_not_sent_is_still_there_after_a_reload(
    server: Server, network: Network, traveller: Traveller, invitation: str
):
    """Lost: nothing of it, and of the recording at most the timeslice in flight."""
    traveller.begins(invitation)
    traveller.is_recorded(seconds=1)
    traveller.presses("Type instead")
    field = traveller.page.get_by_label("Your answer")
    field.fill("I had just begun to say")
    traveller.reloads()
    expect(field).to_have_value("I had just begun to say")
    traveller.presses("Send")
    traveller.hears(QUESTIONS[1])
    traveller.answers_aloud(seconds=1)
    traveller.finishes()

    kept = Kept(server, traveller.page)
    kept.has_lost_at_most_the_timeslice_in_flight(network, traveller.witness, of_part=1)
    assert kept.typed_answers == ["I had just begun to say"]
