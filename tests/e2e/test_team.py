"""The team, in two browsers: somebody is invited, joins, and looks without being able to change."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.e2e.actors import PASSWORD, Researcher
from tests.e2e.server import Server


def test_an_invited_viewer_joins_and_sees_the_study_without_buttons_to_change_it(
    browser: Browser, server: Server, researcher: Researcher
):
    researcher.creates_a_study(
        "Shared findings", ["What do you do first?"], camera="Camera disabled"
    )
    page = researcher.page
    page.goto(f"{server.url}/studies")
    researcher.presses(re.compile("Ada"))
    page.get_by_role("link", name="Team", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Vera")
    page.get_by_label("Role", exact=True).select_option("viewer")
    researcher.presses("Make invitation")
    link = page.get_by_label("Link to join").input_value()
    context = browser.new_context(viewport={"width": 390, "height": 780})
    vera = Researcher(context, server.url)
    vera.page.goto(link)
    vera.sees("Ada Lovelace invites you")
    expect(vera.page.get_by_label("Your name")).to_have_value("Vera")
    vera.page.get_by_label("E-mail").fill("vera@example.org")
    vera.page.get_by_label("Password").fill(PASSWORD)
    vera.presses("Join")
    vera.page.get_by_role("link", name="Shared findings").first.click()
    expect(vera.page.get_by_role("heading", name="Shared findings")).to_be_visible()
    for tab in ("Guide", "Settings"):
        vera.page.get_by_role("link", name=tab, exact=True).click()
        expect(vera.page.get_by_role("heading", name="Shared findings")).to_be_visible()
        for change in ("Edit", "Delete", "Pause"):
            expect(vera.page.get_by_role("button", name=change)).to_have_count(0)
            expect(vera.page.get_by_role("link", name=re.compile(change))).to_have_count(0)
    # Who is removed is out at the next thing that they do.
    page.goto(f"{server.url}/settings/team")
    page.get_by_role("link", name="Remove Vera").click()
    researcher.presses("Remove from the team")
    researcher.sees("Left the team")
    vera.page.get_by_role("link", name="Guide", exact=True).click()
    expect(vera.page).to_have_url(re.compile("/sign-in"))
    context.close()
    assert vera.complaints == []
