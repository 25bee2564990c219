"""What only a real browser shows: a swap disturbs nobody, and a draft outlives its page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from qualz import clock
from qualz.core import create_core
from qualz.database import db
from qualz.interview import Interview
from qualz.merge import Merge
from qualz.part import EndReason
from qualz.recording import Recording
from qualz.researcher import Researcher as Account
from qualz.settings import Settings
from qualz.study import Study
from tests.e2e.actors import Researcher
from tests.e2e.conftest import adas_account, inside
from tests.e2e.server import Server

SAMPLE = Path(__file__).parent.parent / "samples" / "chromium-opus.webm"
TITLE = "Two clips and a slow merge"
PLAYER = "document.querySelector('recording-player audio')"


class SlowMerge:
    """An interview whose merge goes as far as the test says: some other worker holds its lease."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context():
            study = Study.start(
                db.session.scalars(db.select(Account).order_by(Account.id)).first(), title=TITLE
            )
            study.state = Study.State.LIVE
            interview = Interview.begin(study.invitation)
            db.session.flush()
            for number in (1, 2):
                part = interview.recording.start_part(
                    key=f"{interview.public_id}-{number}", reported_type="audio/webm"
                )
                db.session.flush()
                app.extensions["storage"].append(part.file, SAMPLE.read_bytes(), at=0)
                part.bytes_durable = SAMPLE.stat().st_size
                part.close(EndReason.FINISHED)
            interview.complete()
            merge = Merge.begin(interview.recording)
            merge.state, merge.lease = Merge.State.RUNNING, "held"
            merge.leased_until = clock.now().replace(year=2100)
            interview.recording.state = Recording.State.MERGING
            db.session.commit()
            self.merge_id = merge.id

    def is_at(self, progress: float) -> None:
        with self.app.app_context():
            db.session.get_one(Merge, self.merge_id).progress = progress
            db.session.commit()

    def is_done(self) -> None:
        with self.app.app_context():
            merge = db.session.get_one(Merge, self.merge_id)
            recording = merge.recording
            recording.full_session = f"{recording.folder}/full-session-{merge.id}.webm"
            recording.full_session_type = "audio/webm"
            self.app.extensions["storage"].append(recording.full_session, SAMPLE.read_bytes(), at=0)
            recording.ready_at = clock.now()
            recording.report = {"duration": 6.0, "parts": []}
            recording.state, merge.state = Recording.State.READY, Merge.State.DONE
            db.session.commit()


@pytest.fixture
def new_merge(server: Server, researcher: Researcher) -> Callable[[], SlowMerge]:
    settings = Settings(
        data=server.data,
        database_url=f"sqlite:///{server.data / 'qualz.db'}",
        secret_key="only-for-tests-" * 3,
    )
    app = create_core(settings)

    def begin() -> SlowMerge:
        merge = SlowMerge(app)
        merge.is_at(0.2)
        researcher.opens_transcripts(TITLE)
        researcher.opens_interview("Participant 1")
        return merge

    return begin


def says(page: Page, text: str) -> None:
    expect(page.locator("[data-recording]").get_by_text(text)).to_be_visible(timeout=20_000)


def test_a_clip_plays_on_while_the_page_follows_the_merge(
    new_merge: Callable[[], SlowMerge], researcher: Researcher
):
    merge = new_merge()
    page = researcher.page
    researcher.plays_a_clip()
    page.evaluate(
        f"""() => {{
          window.heard = {PLAYER}
          window.disturbed = []
          for (const name of ["pause", "emptied", "loadstart", "abort", "seeking"])
            heard.addEventListener(name, () => heard.ended || disturbed.push(name))
          heard.loop = true
        }}"""
    )
    for progress in (0.4, 0.6):
        merge.is_at(progress)
        says(page, f"Merging {progress:.0%}".replace("%", " %"))
    merge.is_done()
    expect(researcher.full_session_chip).to_be_visible(timeout=20_000)
    assert page.evaluate(f"heard === {PLAYER} && heard.isConnected && !heard.paused")
    # Looping seeks to the beginning; nothing else may have happened to it.
    assert set(page.evaluate("disturbed")) <= {"seeking"}
    expect(researcher.full_session_chip).to_have_attribute("aria-pressed", "false")
    assert researcher.polls_no_more()


def test_the_full_session_is_chosen_where_nobody_watches_a_clip(
    new_merge: Callable[[], SlowMerge], researcher: Researcher
):
    merge = new_merge()
    expect(researcher.clip_chips.first).to_have_attribute("aria-pressed", "true")
    merge.is_done()
    expect(researcher.full_session_chip).to_have_attribute("aria-pressed", "true", timeout=20_000)


def test_the_focus_stays_in_the_list_while_it_refreshes(
    new_merge: Callable[[], SlowMerge], researcher: Researcher
):
    merge = new_merge()
    link = researcher.page.get_by_role("link", name="Participant 1", exact=True)
    link.focus()
    merge.is_at(0.7)
    expect(researcher.page.locator("#rows").get_by_text("Merging 70 %")).to_be_visible(
        timeout=20_000
    )
    expect(link).to_be_focused()


def test_what_is_chosen_in_a_menu_is_done_while_the_list_asks_for_itself(
    new_merge: Callable[[], SlowMerge], researcher: Researcher
):
    new_merge()
    page = researcher.page
    rows = re.compile(r"/transcripts/rows\b")
    page.route(rows, lambda _route: None)
    page.wait_for_event("request", lambda request: rows.search(request.url) is not None)
    actions = page.locator("#rows").get_by_role("button", name="Actions for Participant 1")
    for item in ("Rename", "Delete"):
        actions.click()
        page.get_by_role("link", name=item, exact=True).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.get_by_role("dialog").get_by_role("button", name="Close").click()


def test_what_was_typed_outlives_a_closed_page(researcher: Researcher):
    page = researcher.page
    page.goto(f"{researcher.url}/studies/new")
    page.get_by_label("Title").press_sequentially("Typed and never sent")
    researcher.sees("Kept as a draft")
    begun = page.url
    page.goto("about:blank")
    page.goto(begun)
    expect(page.get_by_label("Title")).to_have_value("Typed and never sent")
    researcher.sees("It is not saved yet")


def test_questions_are_moved_and_brought_back_by_the_keyboard(researcher: Researcher):
    page = researcher.page
    page.goto(f"{researcher.url}/studies/new")
    page.get_by_label("Title").fill("In another order")
    page.get_by_label("Title").press("Enter")
    page.get_by_label("Question 1").fill("First")
    researcher.presses("Add question")
    second = page.get_by_label("Question 2")
    expect(second).to_be_focused()
    second.fill("Second")
    texts = page.locator("[data-question] textarea[name$='text']")
    move = page.get_by_role("button", name="Move up").nth(1)
    move.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Question 1")).to_have_value("Second")
    expect(page.get_by_role("button", name="Move up").first).to_be_focused()
    page.get_by_role("button", name="Remove").first.click()
    expect(texts).to_have_count(1)
    researcher.presses("Undo")
    expect(texts).to_have_count(2)
    researcher.presses("Continue")
    researcher.presses("Back")
    expect(texts.first).to_have_value("Second")
    expect(texts.nth(1)).to_have_value("First")


def test_the_bell_tells_of_an_interview_at_once_and_leads_to_it(
    server: Server, researcher: Researcher
):
    page = researcher.page
    with inside(server):
        study = Study.start(adas_account(), title="Told by the bell")
        study.state = Study.State.LIVE
        interview = Interview.begin(study.invitation)
        db.session.commit()
        interview_id, public_id = interview.id, interview.public_id
    page.goto(f"{researcher.url}/notifications")
    with inside(server):
        db.session.get_one(Interview, interview_id).complete()
        db.session.commit()
    # Nobody reloads: it comes by the socket.
    row = page.locator(".news__row").filter(has_text="Told by the bell")
    expect(row).to_contain_text("Unread")
    expect(page.get_by_role("link", name=re.compile("^Notifications, .* unread"))).to_be_visible()
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/transcripts/{public_id}"))
    page.go_back()
    expect(row).not_to_contain_text("Unread")
