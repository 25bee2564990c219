"""Whoever leaves too early finishes the upload by opening any of their links again."""

from __future__ import annotations

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


def test_the_share_link_sends_the_rest_before_anything_else(
    server: Server, participant: Participant, link: str
):
    """Lost: at most the timeslice in flight when the page was closed."""
    participant.opens(f"{server.url}{link}")
    participant.consents()
    withholds_chunks(participant)
    participant.passes_the_device_check()
    participant.page.wait_for_function(
        "() => Number(document.querySelector('upload-status').dataset.waitingBytes) > 12000"
    )
    participant.page.goto("about:blank")
    participant.context.unroute_all()
    [(stored,)] = server.ask("SELECT bytes_durable FROM parts")
    assert stored == 0

    participant.opens(f"{server.url}{link}")
    left_over = participant.page.locator("left-over")
    expect(left_over).to_have_attribute("data-state", "done")
    expect(left_over).to_contain_text("Nothing is left on this device.")
    [(stored, length, reason)] = server.ask("SELECT bytes_durable, length, end_reason FROM parts")
    assert stored == length > 12_000
    assert reason == "closed"
    participant.page.screenshot(path="test-results/left-over.png")
    eventually(lambda: server.ask("SELECT closed_at FROM parts")[0][0])


def test_a_browser_that_lost_its_cookie_sends_the_rest_and_may_go_on(
    server: Server, participant: Participant, link: str
):
    """A browser that is killed soon after the consent has not written its cookie to disk yet."""
    participant.opens(f"{server.url}{link}")
    participant.consents()
    withholds_chunks(participant)
    participant.passes_the_device_check()
    participant.page.wait_for_function(
        "() => Number(document.querySelector('upload-status').dataset.waitingBytes) > 12000"
    )
    participant.page.goto("about:blank")
    participant.context.unroute_all()
    participant.context.clear_cookies()

    participant.opens(f"{server.url}{link}")
    participant.sees("Your interview is waiting for you")
    expect(participant.page.locator("left-over")).to_have_attribute("data-state", "done")
    newest = "FROM parts ORDER BY id DESC LIMIT 1"
    eventually(lambda: server.ask(f"SELECT closed_at {newest}")[0][0])
    [(stored, length)] = server.ask(f"SELECT bytes_durable, length {newest}")
    assert stored == length > 12_000


def test_a_browser_with_nothing_left_says_nothing_of_it(participant: Participant, link: str):
    participant.opens(f"{participant.url}{link}")
    left_over = participant.page.locator("left-over")
    expect(left_over).to_have_attribute("data-state", "done")
    expect(left_over).to_be_hidden()
