"""Whoever leaves too early finishes the upload by opening any of their links again."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Route, expect

from tests.e2e.actors import Participant
from tests.e2e.server import Server, eventually


def withholds_chunks(participant: Participant) -> None:
    """A network that lets everything through but what was recorded."""

    def judge(route: Route) -> None:
        if route.request.method == "PATCH":
            route.abort()
        else:
            route.continue_()

    participant.context.route("**/parts/*", judge)


def leaves_bytes_behind(participant: Participant, link: str) -> None:
    """Records behind such a network, and goes away."""
    # Before any page is opened: a route set while one page gives way to the next may miss it.
    withholds_chunks(participant)
    participant.opens(f"{participant.url}{link}")
    participant.consents()
    participant.passes_the_device_check()
    participant.has_waiting(bytes=12_001)
    participant.page.goto("about:blank")
    participant.context.unroute_all()


def newest_part(server: Server, columns: str) -> tuple[Any, ...]:
    [row] = server.ask(f"SELECT {columns} FROM parts ORDER BY id DESC LIMIT 1")
    return row


def test_the_share_link_sends_the_rest_before_anything_else(
    server: Server, participant: Participant, link: str
):
    """Lost: at most the timeslice in flight when the page was closed."""
    leaves_bytes_behind(participant, link)
    assert newest_part(server, "bytes_durable") == (0,)

    participant.opens(f"{server.url}{link}")
    left_over = participant.page.locator("left-over")
    expect(left_over).to_have_attribute("data-state", "done")
    expect(left_over).to_contain_text("Nothing is left on this device.")
    stored, length, reason = newest_part(server, "bytes_durable, length, end_reason")
    assert stored == length > 12_000
    assert reason == "closed"
    participant.page.screenshot(path="test-results/left-over.png")
    eventually(lambda: newest_part(server, "closed_at")[0])


def test_a_browser_that_lost_its_cookie_sends_the_rest_and_may_go_on(
    server: Server, participant: Participant, link: str
):
    """A browser that is killed soon after the consent has not written its cookie to disk yet."""
    leaves_bytes_behind(participant, link)
    participant.context.clear_cookies()

    participant.opens(f"{server.url}{link}")
    participant.sees("Your interview is waiting for you")
    expect(participant.page.locator("left-over")).to_have_attribute("data-state", "done")
    eventually(lambda: newest_part(server, "closed_at")[0])
    stored, length = newest_part(server, "bytes_durable, length")
    assert stored == length > 12_000


def test_a_link_that_works_no_longer_sends_the_rest_all_the_same(
    server: Server, participant: Participant, link: str
):
    leaves_bytes_behind(participant, link)
    participant.opens(f"{server.url}/r/one-that-has-expired")
    participant.sees("This link no longer works")
    expect(participant.page.locator("left-over")).to_have_attribute("data-state", "done")
    stored, length = newest_part(server, "bytes_durable, length")
    assert stored == length > 12_000


def test_a_browser_with_nothing_left_says_nothing_of_it(participant: Participant, link: str):
    participant.opens(f"{participant.url}{link}")
    left_over = participant.page.locator("left-over")
    expect(left_over).to_have_attribute("data-state", "done")
    expect(left_over).to_be_hidden()
