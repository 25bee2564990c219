"""Who may come into a study, as the researcher says it in one browser and they see it in theirs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from qualz.database import db
from qualz.study import Study
from tests.e2e.actors import Participant, Researcher
from tests.e2e.conftest import adas_account, inside
from tests.e2e.server import Server, eventually
from tests.e2e.test_accessibility import Checker

NewParticipant = Callable[[], Participant]
TITLE = "Ways to work"
PEOPLE = "name;e-mail\nZoë Ng;zoe@example.org\nLi Wei;li@example.org\nMax;max at nowhere\n"


@pytest.fixture
def study_id(server: Server, researcher: Researcher) -> str:
    with inside(server):
        study = Study.start(adas_account(), title=TITLE)
        study.state = Study.State.LIVE
        db.session.commit()
        return study.public_id


@pytest.fixture
def page(researcher: Researcher, study_id: str) -> Page:
    researcher.page.goto(f"{researcher.url}/studies/{study_id}/share")
    return researcher.page


def test_a_personal_link_is_made_without_a_mouse_and_its_list_tells_how_far_they_came(
    page: Page, new_participant: NewParticipant
):
    page.get_by_label("Name").focus()
    page.keyboard.type("Jane Doe")
    page.keyboard.press("Tab")
    page.keyboard.type("jane@example.org")
    page.keyboard.press("Enter")
    link = page.get_by_label("Personal link", exact=True)
    expect(link).to_be_focused()
    row = page.locator(".people__row")
    expect(row).to_contain_text("Jane Doe")

    address = link.input_value()
    jane = new_participant()
    jane.opens(address)
    jane.consents()
    expect(row.get_by_role("link", name="Jane Doe", exact=True)).to_be_visible()
    revoke = page.get_by_role("button", name="Revoke the link of Jane Doe")
    revoke.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The link of Jane Doe was revoked")).to_be_visible()
    stranger = new_participant()
    stranger.opens(address)
    stranger.sees("This link no longer works")


def test_a_list_of_people_gets_links_and_says_what_was_not_taken(page: Page):
    page.get_by_text("A list of people").click()
    page.get_by_label("People, one a line").fill(PEOPLE)
    page.get_by_role("button", name="Make links").click()
    expect(page.get_by_text("2 links were made")).to_be_visible()
    expect(page.get_by_text("1 line was not taken")).to_be_visible()
    with page.expect_download() as told:
        page.get_by_role("link", name="Download the links as CSV").click()
    lines = told.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 3
    assert len(set(re.findall(r"https?://\S+/p/\S+", "\n".join(lines)))) == 2
    page.get_by_role("searchbox", name="Search in names and addresses").fill("zoe")
    expect(page.locator(".people__row")).to_have_count(1)
    look = Checker()
    look("personal links", page)
    assert look.found == []


def test_a_study_that_is_paused_says_so_and_one_that_is_deleted_is_gone(
    server: Server,
    page: Page,
    researcher: Researcher,
    study_id: str,
    new_participant: NewParticipant,
):
    share_link = page.locator("input[readonly]").first.input_value()
    inside_already, late = new_participant(), new_participant()
    inside_already.opens(share_link)
    inside_already.consents()
    researcher.presses("Pause")
    expect(page.locator(".study-header")).to_contain_text("Paused")
    late.opens(share_link)
    late.sees(re.compile("pause", re.IGNORECASE))
    inside_already.page.reload()
    expect(inside_already.page.get_by_role("button", name="Start the interview")).to_be_visible()
    researcher.presses("Close")
    expect(page.locator(".study-header")).to_contain_text("Closed")

    page.get_by_role("link", name="Studies").first.click()
    row = page.locator("li.table-list__row", has=page.locator(f"a[href*='{study_id}']"))
    row.get_by_role("button", name=f"Actions for {TITLE}").click()
    page.get_by_role("link", name="Delete study").click()
    page.get_by_label("To delete it").fill(TITLE)
    page.get_by_role("button", name="Delete for good").click()
    expect(row).to_have_count(0)
    late.opens(share_link)
    late.sees("This link")
    gone = f"SELECT count(*) FROM studies WHERE public_id = '{study_id}'"
    eventually(lambda: server.ask(gone) == [(0,)])
