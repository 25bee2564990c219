"""The researcher sees live how the recording goes, and afterwards what is missing of it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.actors import MERGED, Participant, Researcher
from tests.e2e.kept import Kept
from tests.e2e.server import Server
from tests.e2e.test_one_interview import CAMERAS
from tests.e2e.witness import Witness

QUESTIONS = ["What happened?", "And then?"]
TITLE = "Watched while it runs"


def test_an_interview_is_watched_and_its_recording_accounted_for(
    server: Server, researcher: Researcher, participant: Participant
):
    """Lost: at most the timeslice in flight when the page is reloaded, and it is named."""
    witness = Witness(participant.context)
    link = researcher.creates_a_study(TITLE, QUESTIONS, camera=CAMERAS["disabled"])
    participant.opens(link)
    participant.consents()
    participant.passes_the_device_check()
    participant.is_recorded(seconds=2)

    researcher.opens_transcripts(TITLE)
    researcher.opens_interview("Participant 1")
    figures = researcher.page.locator(".presence__figures")
    expect(figures.locator("dd").nth(0)).to_have_text(re.compile(r"0:0[1-9]|0:[1-9]"))
    expect(figures.locator("dd").nth(1)).to_have_text(re.compile(r"0:0[1-9]|0:[1-9]"))
    researcher.page.screenshot(path="test-results/presence-live.png")

    room = participant.room_path
    participant.page.goto("about:blank")
    researcher.sees("Reconnecting")
    researcher.sees("Left the page – last heard")
    researcher.page.screenshot(path="test-results/presence-left.png")
    participant.opens(f"{participant.url}{room}")
    participant.is_in_the_room()
    expect(researcher.page.get_by_text("Left the page")).to_have_count(0)
    participant.answers_aloud(seconds=2)
    participant.hears(QUESTIONS[1])
    participant.types("Nothing")
    participant.finishes()

    expect(researcher.full_session_chip).to_be_visible(timeout=MERGED)
    tally = researcher.page.locator(".tally")
    expect(tally.locator("summary")).to_contain_text(re.compile(r"[01]\.\d s missing of 0:\d\d"))
    tally.locator("summary").click()
    expect(tally).to_contain_text("not recorded: the page was")
    expect(tally).to_contain_text(re.compile("Closed the page and came back|Reloaded the page"))
    researcher.page.screenshot(path="test-results/presence-tally.png", full_page=True)
    kept = Kept(server, participant.page)
    kept.is_all_but_the_timeslice_in_flight(witness, of_part=1)
