"""Two browsers of one person: the second step, and one that puts out the other."""

from __future__ import annotations

from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.actors import PASSWORD, Researcher
from tests.e2e.server import Server


@pytest.fixture
def elsewhere(browser: Browser, server: Server) -> Iterator[Researcher]:
    """Ada at another computer."""
    context = browser.new_context()
    yield Researcher(context, server.url)
    context.close()


def test_the_second_step_is_asked_for_elsewhere_and_what_is_elsewhere_is_ended_from_here(
    server: Server, researcher: Researcher, elsewhere: Researcher
):
    page, other = researcher.page, elsewhere.page
    page.goto(f"{server.url}/settings/security")
    researcher.presses("Set it up")
    totp = pyotp.TOTP(page.get_by_label("Key").input_value().replace(" ", ""))
    used = totp.now()
    page.get_by_label("Code", exact=True).fill(used)
    researcher.presses("Turn it on")
    code, another, *_ = page.get_by_label("Recovery codes").input_value().split()
    try:
        other.goto(f"{server.url}/settings/security")
        other.get_by_label("E-mail").fill("ada@example.org")
        other.get_by_label("Password").fill(PASSWORD)
        elsewhere.presses("Sign in")
        other.get_by_label("Code", exact=True).fill(used)
        elsewhere.presses("Sign in")
        elsewhere.sees("was used before")
        other.get_by_label("Code", exact=True).fill(code)
        elsewhere.presses("Sign in")
        elsewhere.sees("This one")
        page.goto(f"{server.url}/settings/security")
        researcher.presses("Sign out all others")
        other.get_by_role("link", name="Studies", exact=True).click()
        expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
        assert elsewhere.complaints == []
    finally:
        # Other stories sign in by the password alone.
        page.goto(f"{server.url}/settings/security/second-step")
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_label("Code", exact=True).fill(another)
        researcher.presses("Turn it off")
        researcher.sees("The second step is off")
