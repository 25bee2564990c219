"""What a researcher does with what was said: corrects, highlights, tags it, reads it along."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from qualz import clock
from qualz.conversation import Act
from qualz.database import db
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.part import EndReason
from qualz.recording import Recording
from qualz.study import Study
from qualz.turn import Manner, Speaker, Turn
from tests.e2e.actors import Researcher
from tests.e2e.conftest import adas_account, inside
from tests.e2e.server import Server
from tests.e2e.test_accessibility import Checker

SAMPLE = Path(__file__).parent.parent / "samples" / "chromium-opus.webm"
PLACE_OF = """(word) => {
  const text = document.querySelector("[data-words='2']").firstChild
  const range = document.createRange()
  range.setStart(text, text.data.indexOf(word))
  range.setEnd(text, text.data.indexOf(word) + word.length)
  range.startContainer.parentElement.scrollIntoView()
  const box = range.getBoundingClientRect()
  return [box.x + box.width / 2, box.y + box.height / 2]
}"""
HEARD = "we all weighs ask the clark because the menu is hidden"


@pytest.fixture(scope="module")
def path(server: Server, researcher: Researcher) -> str:
    """The address of an interview in one part, whose answer was misheard."""
    with inside(server) as app:
        study = Study.start(adas_account(), title="Misheard")
        study.state = Study.State.LIVE
        interview = Interview.begin(study.invitation)
        db.session.flush()
        recording = interview.recording
        part = recording.start_part(key="p1", reported_type="audio/webm")
        db.session.flush()
        recording.full_session = f"{recording.folder}/full-session.webm"
        for file in (part.file, recording.full_session):
            app.extensions["storage"].append(file, SAMPLE.read_bytes(), at=0)
        part.bytes_durable = SAMPLE.stat().st_size
        part.note_recorded(6_000)
        part.close(EndReason.FINISHED)
        asked = {"act": Act.QUESTION, "text": "How do you search?", "begins_ms": 100}
        interview._append(Turn(speaker=Speaker.MODERATOR, part=part, **asked))
        said = {"text": HEARD, "begins_ms": 2_000, "ends_ms": 5_500}
        turn = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SPOKEN, part=part, **said)
        interview._append(turn)
        words = [
            {"w": word, "s": 2 + 0.3 * number, "e": 2.3 + 0.3 * number}
            for number, word in enumerate(HEARD.split())
        ]
        turn.hearings.append(Hearing(state=Hearing.State.DONE, text=HEARD, words=words))
        interview.complete()
        recording.full_session_type, recording.ready_at = "audio/webm", clock.now()
        entry = {"part": part.public_id, "label": part.label, "start": 0.0}
        recording.report = {"duration": 6.0, "parts": [entry]}
        recording.state = Recording.State.READY
        db.session.commit()
        return f"/studies/{study.public_id}/transcripts/{interview.public_id}"


@pytest.fixture
def page(researcher: Researcher, path: str) -> Page:
    researcher.page.goto(researcher.url + path)
    return researcher.page


def test_words_are_corrected_highlighted_and_read_along_without_a_mouse(
    researcher: Researcher, page: Page, path: str
):
    second = page.context.new_page()
    second.goto(researcher.url + path)
    correct = page.get_by_role("button", name="Correct the answer")
    field = page.get_by_role("textbox", name="What was said")

    correct.press("Enter")
    expect(field).to_be_focused()
    page.keyboard.type(" x")
    page.keyboard.press("Escape")
    expect(page.locator("#said-2")).not_to_contain_text("hidden x")
    expect(correct).to_be_focused()
    expect(page.locator("#detail-title")).to_be_visible()

    correct.press("Enter")
    field.fill("We always ask the clerk")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("because the menu is hidden")
    page.keyboard.press("Enter")
    expect(page.locator("[data-words='2']")).to_contain_text("We always ask the clerk")
    expect(correct).to_be_focused()
    # The other tab is told, without a reload.
    expect(second.locator("[data-words='2']")).to_contain_text("the clerk")

    # What is being written beside it outlives the swap of all turns.
    page.get_by_role("button", name="Comment on the question").press("Enter")
    comment = page.get_by_role("textbox", name="Comment", exact=True)
    expect(comment).to_be_focused()
    page.keyboard.type("Half a thought")

    # Who writes there at that moment is not disturbed by it, and is told on saving.
    second.get_by_role("button", name="Correct the answer").press("Enter")
    correct.press("Enter")
    field.fill("We always ask a clerk because the menu is hidden")
    page.keyboard.press("Enter")
    expect(page.locator("[data-words='2']")).to_contain_text("a clerk")
    expect(comment).to_have_value("Half a thought")
    comment.press("Enter")
    expect(page.locator(".comments__text")).to_have_text("Half a thought")
    second.keyboard.type("!")
    second.keyboard.press("Enter")
    expect(second.locator("#said-2")).to_contain_text("Ada Lovelace was sooner")
    expect(second.locator("#said-2")).to_contain_text("We always ask a clerk")
    second.close()

    # Found whatever its case, and heard where it is clicked.
    find = page.get_by_role("searchbox", name="Find in this transcript")
    find.fill("THE MENU")
    expect(page.locator("transcript-find")).to_contain_text("1 of 1")
    find.fill("how")
    expect(page.locator("transcript-find")).to_contain_text("1 of 1")
    find.fill("nowhere")
    expect(page.locator("transcript-find")).to_contain_text("Not in this transcript")
    find.fill("")
    page.mouse.click(*page.evaluate(PLACE_OF, "menu"))
    page.wait_for_function(
        "() => Math.abs(document.querySelector('recording-player audio').currentTime - 4.4) < 0.06"
    )

    # A word is selected, and h highlights it.
    page.evaluate(
        """() => {
          const text = document.querySelector("[data-words='2']").firstChild
          const at = text.data.indexOf("the menu")
          getSelection().setBaseAndExtent(text, at, text, at + 8)
        }"""
    )
    expect(page.locator("[data-mark-selection]")).to_be_visible()
    page.locator("body").press("h")
    dialog = page.get_by_role("dialog", name="Highlight")
    expect(dialog.locator("[data-quote]")).to_have_text("the menu")
    # In the dialog other words are chosen by keyboard.
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    expect(dialog.locator("[data-quote]")).to_have_text("the menu is")
    dialog.get_by_role("textbox", name="New tags").fill("Navigation")
    page.keyboard.press("Enter")
    expect(page.locator("mark")).to_have_text("the menu is")
    expect(dialog).to_have_count(0)
    page.get_by_text("1 highlight", exact=True).click()
    expect(page.locator(".marked")).to_contain_text("Navigation")

    page.get_by_role("button", name="Make an excerpt").click()
    expect(page.get_by_role("link", name="Excerpt")).to_contain_text("M4A", timeout=30_000)
    look = Checker()
    look("transcript", page)

    page.get_by_role("group", name="Player").press("c")
    expect(page.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "true")
    page.locator(".marked .turn__play").click()
    expect(page.locator("player-captions")).to_contain_text("We always ask a clerk")
    page.reload()
    expect(page.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("link", name="Highlights").click()
    expect(page.locator(".marked")).to_have_count(1)
    look("highlights", page)
    page.get_by_role("button", name="Edit tags").click()
    look("tags", page)
    page.get_by_role("textbox", name="Name").fill("Menus")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#highlights")).to_contain_text("Menus")
    assert not look.found, "\n".join(look.found)


SELECT = """(word) => {
  const text = document.querySelector("[data-words='2']").lastChild
  const range = document.createRange()
  range.setStart(text, text.data.lastIndexOf(word))
  range.setEnd(text, text.data.lastIndexOf(word) + word.length)
  document.getSelection().removeAllRanges()
  document.getSelection().addRange(range)
}"""


def test_a_selected_word_is_redacted_by_a_key_and_what_plays_is_a_copy_without_it(
    page: Page, path: str
):
    turn = page.locator("[data-words='2']")
    page.evaluate(SELECT, "hidden")
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name="Redact")
    expect(dialog.locator("[data-quote]")).to_have_text("hidden")
    dialog.get_by_label("A beep").check()
    dialog.get_by_role("button", name="Redact").click()
    expect(turn.get_by_role("img", name="redacted")).to_have_text("██████")
    expect(turn).not_to_contain_text("hidden")
    # The real worker makes it; until then nothing plays.
    expect(page.get_by_role("button", name="Full Session · redacted")).to_be_visible()
    page.get_by_text("1 redaction", exact=True).click()
    page.get_by_role("button", name="Show original").click()
    original = page.get_by_role("dialog", name="Original words")
    expect(original).to_contain_text("hidden")
    original.get_by_role("button", name="Close").click()
    page.once("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Undo").click()
    expect(turn).to_contain_text("hidden")
