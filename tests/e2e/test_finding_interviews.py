"""The list of interviews by keyboard, in a real browser: search, arrows, Enter, Esc."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from qualz.database import db
from qualz.interview import Interview
from qualz.study import Study
from qualz.turn import Manner, Speaker, Turn
from tests.e2e.actors import Researcher
from tests.e2e.conftest import adas_account, inside
from tests.e2e.server import Server
from tests.e2e.test_accessibility import Checker

TITLE = "Three voices"
SAID = ["The menu hides it.", "I like the menu.", "It is too slow."]


@pytest.fixture(scope="module")
def study_id(server: Server, researcher: Researcher) -> str:
    with inside(server):
        study = Study.start(adas_account(), title=TITLE)
        study.state = Study.State.LIVE
        for text in SAID:
            interview = Interview.begin(study.invitation)
            db.session.flush()
            interview._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text=text))
            interview.complete()
        db.session.commit()
        return study.public_id


@pytest.fixture
def page(researcher: Researcher, study_id: str) -> Page:
    researcher.page.goto(f"{researcher.url}/studies/{study_id}/transcripts")
    return researcher.page


def rows_are(page: Page, *labels: str) -> None:
    expect(page.locator("#rows .table-list__link")).to_have_text(labels)


def test_an_interview_is_found_opened_and_closed_without_a_mouse(page: Page, study_id: str):
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search in names")).to_be_focused()
    page.keyboard.type("menu")
    rows_are(page, "Participant 2", "Participant 1")
    expect(page).to_have_url(re.compile(r"transcripts\?q=menu$"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Participant 1")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#detail").get_by_text(SAID[0])).to_be_visible()
    expect(page).to_have_url(re.compile(r"transcripts/[^/?]+\?q=menu$"))
    page.keyboard.press("Escape")
    expect(page.get_by_text("Choose an interview")).to_be_visible()
    expect(page.get_by_role("link", name="Participant 1")).to_be_focused()
    expect(page).to_have_url(re.compile(rf"{study_id}/transcripts\?q=menu$"))
    page.go_back()
    expect(page.locator("#detail").get_by_text(SAID[0])).to_be_visible()
    expect(page.get_by_role("searchbox", name="Search in names")).to_have_value("menu")
    rows_are(page, "Participant 2", "Participant 1")


def test_searching_leaves_what_is_open_alone(page: Page):
    page.get_by_role("link", name="Participant 3").click()
    said = page.locator("#detail").get_by_text(SAID[2])
    expect(said).to_be_visible()
    page.get_by_role("searchbox", name="Search in names").fill("like")
    rows_are(page, "Participant 2")
    expect(said).to_be_visible()
    expect(page).to_have_url(re.compile(r"transcripts/[^/?]+\?q=like$"))
    page.reload()
    expect(said).to_be_visible()
    rows_are(page, "Participant 2")
    page.get_by_role("searchbox", name="Search in names").press("Escape")
    rows_are(page, "Participant 3", "Participant 2", "Participant 1")
    page.locator("#detail").get_by_role("button", name="Close").click()
    expect(page.get_by_role("link", name="Participant 3")).to_be_focused()


def test_the_order_and_the_state_are_chosen_and_kept(page: Page):
    page.get_by_label("Order").select_option("Oldest first")
    rows_are(page, "Participant 1", "Participant 2", "Participant 3")
    page.get_by_label("State").select_option("Live")
    expect(page.get_by_role("heading", name="No interview fits")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?state=live&sort=oldest$"))
    page.reload()
    expect(page.get_by_role("heading", name="No interview fits")).to_be_visible()
    expect(page.get_by_label("State")).to_have_value("live")
    page.get_by_role("link", name="Show all interviews").click()
    rows_are(page, "Participant 3", "Participant 2", "Participant 1")


def test_nothing_moves_when_the_rows_are_swapped(page: Page):
    page.evaluate(
        """() => {
          window.shifts = []
          new PerformanceObserver((list) => {
            for (const one of list.getEntries()) if (!one.hadRecentInput) shifts.push(one.value)
          }).observe({ type: "layout-shift", buffered: false })
        }"""
    )
    for _ in range(3):
        with page.expect_response(re.compile("/rows")):
            page.evaluate("document.getElementById('rows').dispatchEvent(new Event('changed'))")
    assert sum(page.evaluate("shifts")) == 0


def test_axe_finds_nothing_on_the_searched_list(page: Page):
    look = Checker()
    page.get_by_role("searchbox", name="Search in names").fill("menu")
    rows_are(page, "Participant 2", "Participant 1")
    look("found", page)
    page.get_by_role("searchbox", name="Search in names").fill("nobody says this")
    expect(page.get_by_role("heading", name="No interview fits")).to_be_visible()
    look("not found", page)
    assert not look.found, "\n".join(look.found)


def test_one_is_renamed_tagged_and_taken_along_by_its_menu_without_a_mouse(page: Page):
    def chooses(item: str, *, of: str) -> None:
        page.get_by_role("button", name=f"Actions for {of}").focus()
        page.keyboard.press("Enter")
        page.locator(".menu:popover-open .menu__item", has_text=item).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()

    chooses("Rename", of="Participant 3")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("The night nurse")
    page.keyboard.press("Enter")
    rows_are(page, "The night nurse", "Participant 2", "Participant 1")
    chooses("Tag", of="The night nurse")
    page.get_by_role("dialog").get_by_role("textbox").first.fill("slow tools")
    page.keyboard.press("Enter")
    expect(page.locator("#rows li").first).to_contain_text("slow tools")
    page.keyboard.press("Escape")
    chooses("Export transcript", of="The night nurse")
    with page.expect_download() as told:
        page.get_by_role("dialog").get_by_role("link", name="Text").first.press("Enter")
    assert SAID[2] in told.value.path().read_text()
    page.keyboard.press("Escape")
    chooses("Rename", of="The night nurse")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    rows_are(page, "Participant 3", "Participant 2", "Participant 1")


def test_many_are_chosen_exported_and_deleted_by_keyboard(page: Page, study_id: str):
    def bar(text: str) -> None:
        expect(page.locator("row-selection [data-count]")).to_have_text(text)

    page.locator("#rows .table-list__link").first.focus()
    page.keyboard.press("Space")
    bar("1 chosen")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    bar("2 chosen")
    # The list is asked for anew, and another page is opened: they are still chosen.
    page.evaluate("document.getElementById('rows').dispatchEvent(new CustomEvent('changed'))")
    page.reload()
    bar("2 chosen")
    assert page.locator("[data-choose]:checked").count() == 2
    page.locator("#rows .table-list__link").first.focus()
    page.keyboard.press("Escape")
    expect(page.locator("row-selection")).to_be_hidden()
    assert page.locator("[data-choose]:checked").count() == 0
    page.get_by_label("Choose Participant 1").check()
    page.get_by_role("button", name="All 3").click()
    bar("3 chosen")
    page.get_by_role("button", name="Export…").click()
    expect(page.get_by_role("heading", name="Export 3 interviews")).to_be_visible()
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.locator("#bundles")).to_contain_text("of 3 interviews")
    page.goto(page.url.replace("/exports", "/transcripts"))
    expect(page.locator("row-selection")).to_be_hidden()
    page.get_by_label("Choose Participant 1").check()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_label("type their number").fill("1")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator("#deletions")).to_contain_text("1 interview was deleted")
    rows_are(page, "Participant 3", "Participant 2")
