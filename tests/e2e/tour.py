"""A walk past every page and state that people see, for whoever wants to look at them."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.actors import Participant, Researcher
from tests.e2e.server import Server

Look = Callable[[str, Page], None]

QUESTIONS = [
    "Think of the last time you searched for something at work. How did that go?",
    "What, if anything, got in your way?",
]
TITLE = "How people search at work"
# The waveform is made after the Full Session, and asked for until it is there.
HAS_PEAKS = """() => performance.getEntriesByType("resource").some(
  (one) => one.name.includes("/media/peaks/") && one.responseStatus === 200)"""


def before_there_is_an_owner(researcher: Researcher, server: Server, look: Look) -> None:
    page = researcher.page
    page.goto(server.set_up_link)
    look("set-up", page)
    researcher.presses("Create account")
    look("set-up-errors", page)
    researcher.creates_the_owners_account(server.set_up_link)
    look("studies-empty", page)
    researcher.signs_out()
    look("sign-in", page)
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill("not this one")
    researcher.presses("Sign in")
    look("sign-in-wrong", page)
    page.goto(server.set_up_link)
    look("set-up-over", page)
    researcher.signs_in()
    page.goto(f"{server.url}/nowhere")
    look("not-found", page)


def the_wizard(researcher: Researcher, look: Look) -> str:
    page = researcher.page
    page.goto(f"{researcher.url}/studies/new")
    look("wizard-basics", page)
    researcher.presses("Continue")
    researcher.sees(re.compile("Give|Enter|title", re.IGNORECASE))
    look("wizard-basics-errors", page)
    link = researcher.creates_a_study(
        TITLE, QUESTIONS, camera="Camera enabled, off by default", follow_up="if_short"
    )
    look("wizard-share", page)
    for step in ("guide", "configure"):
        page.goto(re.sub("/share$", f"/{step}", page.url.replace("/guide", "/share")))
        look(f"wizard-{step}", page)
    researcher.opens_transcripts(TITLE)
    look("transcripts-empty", page)
    for tab in ("Overview", "Guide", "Share", "Export", "Settings"):
        page.get_by_role("navigation").get_by_role("link", name=tab, exact=True).click()
        page.wait_for_load_state()
        look(f"study-{tab.lower()}", page)
    return link


def a_question_in_detail(researcher: Researcher, look: Look) -> None:
    page = researcher.page
    page.get_by_role("navigation").get_by_role("link", name="Guide", exact=True).click()
    page.get_by_role("link", name="Edit guide").click()
    page.locator("[data-question] summary").first.click()
    look("wizard-guide-more", page)


def a_preview(researcher: Researcher, look: Look) -> None:
    """And what is seen where somebody pauses, and then takes back all that was said."""
    researcher.opens_transcripts(TITLE)
    researcher.page.get_by_role("navigation").get_by_role("link", name="Guide", exact=True).click()
    with researcher.context.expect_page() as opened:
        researcher.page.get_by_role("link", name="Try the interview").click()
    guest = Participant(researcher.context, researcher.url, opened.value)
    guest.consents()
    expect(guest.page.get_by_role("button", name="Start the interview")).to_be_visible()
    look("preview-device-check", guest.page)
    guest.passes_the_device_check()
    guest.hears(QUESTIONS[0])
    guest.page.get_by_role("switch", name="Hands-free").click()
    look("room-hands-free", guest.page)
    guest.presses("Pause")
    guest.sees("You can close this page and come back")
    look("room-paused", guest.page)
    guest.presses("Go on")
    guest.is_in_the_room()
    guest.presses("Stop")
    guest.presses("Delete everything I said")
    guest.sees("Everything you said is deleted")
    look("withdrawn", guest.page)
    guest.page.close()


def the_moderator(researcher: Researcher, look: Look) -> None:
    page = researcher.page
    page.goto(f"{researcher.url}/settings/moderator")
    look("moderator", page)
    page.get_by_label("A language model").check()
    researcher.presses("Save")
    look("moderator-errors", page)
    page.get_by_label("Address").fill("http://127.0.0.1:9/v1")
    page.get_by_label("Model", exact=True).fill("llama3.1:8b")
    researcher.presses("Test")
    researcher.sees("The server cannot be reached")
    look("moderator-trial", page)
    for name in ("hearing", "voice"):
        page.goto(f"{researcher.url}/settings/{name}")
        look(name, page)
    for name in ("help", "design"):
        page.goto(f"{researcher.url}/{name}")
        look(name, page)


def what_others_are_told(researcher: Researcher, look: Look) -> None:
    page = researcher.page
    page.goto(f"{researcher.url}/notifications")
    look("notifications", page)
    page.goto(f"{researcher.url}/settings/notifications")
    look("notification-settings", page)
    page.goto(f"{researcher.url}/settings/webhooks")
    page.get_by_label("Address").fill("https://hooks.invalid/qualz")
    researcher.presses("Add webhook")
    researcher.sees("Copy the secret now")
    look("webhook-added", page)
    page.goto(f"{researcher.url}/settings/api-tokens")
    page.get_by_label("Name").fill("Panel sync")
    researcher.presses("Create token")
    researcher.sees("Copy the token now")
    look("api-token-created", page)


def how_one_signs_in(researcher: Researcher, look: Look) -> None:
    page = researcher.page
    page.goto(f"{researcher.url}/settings/security")
    look("security", page)
    researcher.presses("Set it up")
    look("second-step-set-up", page)
    researcher.presses("Cancel")


def the_door_and_the_room(participant: Participant, link: str, look: Look) -> None:
    page = participant.page
    participant.opens(link)
    look("welcome", page)
    participant.consents()
    start = page.get_by_role("button", name="Start the interview")
    expect(start).to_be_visible()
    look("device-check", page)
    participant.passes_the_device_check()
    participant.hears(QUESTIONS[0])
    participant.is_recorded(seconds=2)
    look("room", page)
    participant.presses("Type instead")
    look("room-typing", page)
    participant.presses("Speak instead")
    participant.switches_the_camera(on=True)
    participant.is_recorded(seconds=2)
    look("room-camera", page)
    participant.presses("Stop")
    look("room-end-early", page)
    participant.presses("Go on with the interview")


def the_goodbye(participant: Participant, look: Look) -> None:
    page = participant.page
    participant.answers_aloud(seconds=6)
    participant.hears(QUESTIONS[1])
    participant.types("It forgets what I typed when I go back, so I keep a list beside it.")
    expect(page.get_by_role("button", name="Finish")).to_be_visible()
    look("room-closing", page)
    participant.finishes()
    look("room-over", page)
    page.get_by_role("link", name="See your answers").click()
    participant.sees(QUESTIONS[1])
    look("answers", page)


def an_interview_under_way(researcher: Researcher, look: Look) -> None:
    researcher.opens_transcripts(TITLE)
    researcher.opens_interview("Participant 1")
    expect(researcher.clip_chips.first).to_be_visible()
    look("detail-live", researcher.page)


def a_finished_interview(researcher: Researcher, look: Look) -> str:
    page = researcher.page
    researcher.waits_for_the_full_session()
    expect(page.locator("#rows").get_by_text("Full Session")).to_be_visible()
    researcher.plays_the_full_session()
    researcher.waits_until(HAS_PEAKS)
    look("detail", page)
    page.get_by_role("button", name="Actions for Participant 1").first.click()
    look("menu", page)
    page.get_by_role("link", name="Export transcript").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look("export", page)
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Actions for Participant 1").first.click()
    for name, item in (("rename", "Rename"), ("delete-interview", "Delete")):
        page.get_by_role("link", name=item, exact=True).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        look(name, page)
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Actions for Participant 1").first.click()
    page.get_by_role("link", name="Reinvite Participant").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look("reinvite", page)
    researcher.presses("Create resume link")
    researcher.sees("Valid until")
    look("reinvite-created", page)
    link = page.get_by_label("Resume link").input_value()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("navigation").get_by_role("link", name="Overview", exact=True).click()
    researcher.sees("has a Full Session to watch")
    look("overview", page)
    page.goto(f"{researcher.url}/studies")
    look("studies", page)
    page.get_by_role("button", name=f"Actions for {TITLE}").click()
    page.get_by_role("link", name="Delete study").click()
    look("delete-study", page)
    page.get_by_label("To delete it").fill("Something else")
    page.get_by_role("button", name="Delete for good").click()
    researcher.sees("That is not its name")
    look("delete-study-wrong", page)
    return link


def what_owners_look_after(researcher: Researcher, newcomer: Participant, look: Look) -> None:
    page = researcher.page
    for name in ("audit-log", "deletions", "retention", "server"):
        page.goto(f"{researcher.url}/settings/{name}")
        look(name, page)
    page.goto(f"{researcher.url}/settings/team")
    page.get_by_label("Name").fill("Grace Hopper")
    researcher.presses("Make invitation")
    link = page.get_by_label("Link to join").input_value()
    look("team-invited", page)
    newcomer.opens(link)
    look("join", newcomer.page)
    newcomer.opens(f"{newcomer.url}/forgotten-password")
    look("forgotten-password", newcomer.page)


def the_way_back(participant: Participant, link: str, look: Look) -> None:
    page = participant.page
    participant.opens(link)
    look("resume", page)
    participant.opens(link[:-4])
    look("resume-over", page)
    participant.opens(f"{participant.url}/i/nothing")
    look("no-invitation", page)


def all_of_it(server: Server, researcher: Researcher, participant: Participant, look: Look) -> None:
    before_there_is_an_owner(researcher, server, look)
    the_moderator(researcher, look)
    link = the_wizard(researcher, look)
    a_question_in_detail(researcher, look)
    a_preview(researcher, look)
    the_door_and_the_room(participant, link, look)
    an_interview_under_way(researcher, look)
    the_goodbye(participant, look)
    resume_link = a_finished_interview(researcher, look)
    what_others_are_told(researcher, look)
    how_one_signs_in(researcher, look)
    what_owners_look_after(researcher, participant, look)
    the_way_back(participant, resume_link, look)
