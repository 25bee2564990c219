"""The people in the browser tests. What they do is what people would say they do."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from tests.e2e.proxy import Network
from tests.e2e.witness import Witness

PASSWORD = "correct horse battery staple"
SLOW = 40_000
MERGED = 60_000
# Chromium says so of each attempt; no script can keep it from that.
SOCKET_FAILED = re.compile(r"WebSocket connection to '\S+' failed")


class Actor:
    """Somebody in front of a browser of their own."""

    def __init__(self, context: BrowserContext, url: str, page: Page | None = None) -> None:
        self.context = context
        self.url = url
        self.complaints: list[str] = []
        self.page: Page = page or context.new_page()
        self.page.set_default_timeout(SLOW)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)
        # What they did, and what became of it: told when a story goes wrong.
        self.did: list[str] = []
        self.page.on("requestfinished", self._note_request)
        self.page.on("requestfailed", self._note_request)

    def _note_request(self, request: Request) -> None:
        told = f"{datetime.now(UTC):%H:%M:%S} {request.method} {request.url}"
        if request.failure:
            self.did.append(f"{told}: {request.failure}")
        elif request.method not in ("GET", "HEAD", "PATCH"):
            self.did.append(told)

    def _note(self, message: Any) -> None:
        # A refused request is what some tests are about; a broken script or policy never is.
        if message.type == "warning":
            self.did.append(f"{datetime.now(UTC):%H:%M:%S} warned: {message.text}")
        if message.type != "error" or SOCKET_FAILED.match(message.text):
            return
        if "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.text} at {message.location}")

    def presses(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        button = (within or self.page).get_by_role("button", name=name).first
        button.wait_for()
        self.page_is_ready()
        button.click()

    def waits_until(self, script: str, argument: Any = None) -> None:
        """Looks by a timer: where a machine has much to do, a page may go without a frame."""
        self.page.wait_for_function(script, arg=argument, polling=100)

    def page_is_ready(self) -> None:
        """Nothing hears a press before the page's scripts have run, which that event waits for."""
        self.page.wait_for_load_state("domcontentloaded")

    def sees(self, text: str | re.Pattern[str], *, within: float = SLOW) -> None:
        seen = self.page.get_by_text(text).locator("visible=true").first
        expect(seen).to_be_visible(timeout=within)


class Researcher(Actor):
    """Ada, who owns the workspace."""

    def creates_the_owners_account(self, set_up_link: str) -> None:
        self.page.goto(set_up_link)
        self.page.get_by_label("Name").fill("Ada Lovelace")
        self.page.get_by_label("E-mail").fill("ada@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.presses("Create account")
        self.sees("Studies")

    def signs_out(self) -> None:
        if not self.page.get_by_role("button", name="Sign out").is_visible():
            self.presses(re.compile("Ada"))
        self.presses("Sign out")
        expect(self.page).to_have_url(re.compile("/sign-in"))

    def signs_in(self) -> None:
        self.page.goto(f"{self.url}/sign-in")
        self.page.get_by_label("E-mail").fill("ada@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.presses("Sign in")
        self.sees("Studies")

    def creates_a_study(
        self, title: str, questions: Sequence[str], *, camera: str, follow_up: str = "never"
    ) -> str:
        """Goes through the wizard, back once, and answers the link to share."""
        self.page.goto(f"{self.url}/studies/new")
        self.page.get_by_label("Title").fill(title)
        self.page.get_by_label("Objective").fill("What people like about it, and what they do not")
        self.presses("Continue")
        self.sees("What should be asked?")
        for number, question in enumerate(questions):
            if self.page.locator("[data-question]").count() <= number:
                self.presses("Add question")
            self.page.locator("[data-question] textarea[name$='text']").nth(number).fill(question)
            self.page.locator("[data-question] select[name$='follow_up']").nth(
                number
            ).select_option(follow_up)
        self.presses("Continue")
        self.sees("How should it go?")
        self.page.get_by_label(camera, exact=True).check()
        self._goes_back_and_finds_everything(questions, camera)
        self.presses("Continue")
        self.presses("Open the study")
        self.sees("Ready to share")
        return self.page.locator("input[readonly]").first.input_value()

    def _goes_back_and_finds_everything(self, questions: Sequence[str], camera: str) -> None:
        self.presses("Back")
        self.sees("What should be asked?")
        first = self.page.locator("[data-question] textarea[name$='text']").first
        expect(first).to_have_value(questions[0])
        self.presses("Continue")
        expect(self.page.get_by_label(camera, exact=True)).to_be_checked()

    def opens_transcripts(self, title: str) -> None:
        self.page.goto(f"{self.url}/studies")
        self.page.get_by_role("link", name=title).first.click()
        self.page.get_by_role("link", name="Transcripts", exact=True).click()
        expect(self.page).to_have_url(re.compile("/transcripts"))
        self.page_is_ready()

    def opens_interview(self, label: str) -> None:
        self.page.get_by_role("link", name=label, exact=True).click()
        expect(self.page.locator("#detail").get_by_role("heading", name=label)).to_be_visible()
        self.page_is_ready()

    @property
    def full_session_chip(self) -> Locator:
        return self.page.get_by_role("button", name="Full Session")

    @property
    def clip_chips(self) -> Locator:
        return self.page.get_by_role("button", name=re.compile(r"^Clip \d"))

    def waits_for_the_full_session(self) -> None:
        expect(self.full_session_chip).to_be_visible(timeout=MERGED)
        expect(self.full_session_chip).to_have_attribute("aria-pressed", "true")

    def waits_for_a_newer_full_session(self, than: str) -> None:
        expect(self.full_session_chip).not_to_have_attribute("data-source", than, timeout=MERGED)

    @property
    def full_session_address(self) -> str:
        return self.full_session_chip.get_attribute("data-source") or ""

    def plays_a_clip(self) -> None:
        # One is marked as soon as the page's scripts have come.
        marked = self.page.locator("recording-player [data-source][aria-pressed='true']")
        expect(marked).to_have_count(1)
        self.clip_chips.first.click()
        self._watches_it_move()

    def plays_the_full_session(self) -> dict[str, Any]:
        """Presses the chip, seeks to the middle, and answers what the element then says."""
        self.full_session_chip.click()
        self._watches_it_move()
        told: dict[str, Any] = self.page.evaluate(
            """async () => {
              const media = document.querySelector("recording-player video, recording-player audio")
              media.pause()
              const middle = media.duration / 2
              await new Promise((done) => {
                media.addEventListener("seeked", done, { once: true })
                media.currentTime = middle
              })
              await media.play()
              await new Promise((done) => {
                media.addEventListener("timeupdate", done, { once: true })
              })
              media.pause()
              return {
                kind: media.localName,
                duration: media.duration,
                finite: Number.isFinite(media.duration),
                error: media.error && media.error.message,
                at: media.currentTime,
                width: media.videoWidth || 0,
              }
            }"""
        )
        return told

    def _watches_it_move(self) -> None:
        self.waits_until(
            """() => {
              const media = document.querySelector("recording-player video, recording-player audio")
              return media && !media.error && media.currentTime > 0.2
            }"""
        )

    def polls_no_more(self) -> bool:
        trigger = self.page.locator("[data-recording]").get_attribute("hx-trigger") or ""
        return "every" not in trigger

    def reinvites(self, label: str) -> str:
        """The three-dot menu's dialog: answers the resume link."""
        self.page.get_by_role("button", name=f"Actions for {label}").first.click()
        self.page.get_by_role("link", name="Reinvite Participant").first.click()
        self.presses("Create resume link")
        self.sees("Valid until")
        link = self.page.get_by_label("Resume link").input_value()
        self.page.get_by_role("dialog").get_by_role("button", name="Close").click()
        return link

    def revokes_the_link_of(self, label: str) -> None:
        self.page.get_by_role("button", name=f"Actions for {label}").first.click()
        self.page.get_by_role("link", name="Reinvite Participant").first.click()
        self.presses(re.compile("^Revoke the link created"))
        self.sees("The link was revoked")


class Participant(Actor):
    """Somebody who was sent a link."""

    def opens(self, link: str) -> None:
        self.page.goto(link)

    def consents(self) -> None:
        self.page.get_by_label("I have read this and I agree to take part").check()
        camera = self.page.get_by_label("My camera may be recorded too")
        if camera.count():
            camera.check()
        self.presses("Continue")

    def passes_the_device_check(self) -> None:
        self.presses(re.compile("Start the interview|Continue the interview"))
        self.is_in_the_room()

    def comes_back_by(self, link: str) -> None:
        """A resume link, in a browser that has never been here."""
        self.opens(link)
        self.sees("Welcome back")
        self.presses(re.compile("Continue"))
        self.passes_the_device_check()

    @property
    def room(self) -> Locator:
        return self.page.locator("interview-room")

    @property
    def room_path(self) -> str:
        """The room's own address, which a browser that was let in may open again."""
        settings = self.page.locator("#room-settings").text_content() or "{}"
        path: str = json.loads(settings)["url"]
        return path

    def is_in_the_room(self) -> None:
        expect(self.room).to_have_attribute("data-state", "live")

    def hears(self, question: str) -> None:
        expect(self.page.locator("#question-text")).to_have_text(question)

    def is_recorded(self, *, seconds: float) -> None:
        """Waits until so many more seconds are safe on the server, of this part or else the next.

        A part's clock is told with each chunk, so that whole seconds are waited for.
        """
        self.waits_until(
            """([part, more]) => {
              const { partNumber, safeOfPart } = document.querySelector("upload-status").dataset
              const before = partNumber === part.number ? part.safe : 0
              return partNumber !== "" && Number(safeOfPart) >= before + more
            }""",
            [self._part_under_way, seconds * 1000],
        )

    @property
    def _part_under_way(self) -> dict[str, Any]:
        part: dict[str, Any] = self.page.evaluate(
            """() => {
              const { partNumber, safeOfPart } = document.querySelector("upload-status").dataset
              return { number: partNumber ?? "", safe: Number(safeOfPart ?? 0) }
            }"""
        )
        return part

    def has_waiting(self, *, bytes: int) -> None:
        """Waits until so many bytes are recorded that the server does not hold yet."""
        self.waits_until(
            """(most) => {
              const status = document.querySelector("upload-status")
              return Number(status.dataset.waitingBytes) >= most
            }""",
            bytes,
        )

    def answers_aloud(self, *, seconds: float = 2) -> None:
        if self.page.get_by_role("button", name="Speak instead").is_visible():
            self.presses("Speak instead")
        self.is_recorded(seconds=seconds)
        self.presses("Done")

    def types(self, answer: str) -> None:
        if self.page.get_by_role("button", name="Type instead").is_visible():
            self.presses("Type instead")
        self.page.get_by_label("Your answer").fill(answer)
        self.presses("Send")

    def reloads(self) -> None:
        self.page.reload()
        self.is_in_the_room()

    @property
    def camera_switch(self) -> Locator:
        return self.page.get_by_role("switch", name="Camera").locator("visible=true")

    def switches_the_camera(self, *, on: bool) -> None:
        part = self.part_number
        self.camera_switch.click()
        expect(self.camera_switch).to_have_attribute("aria-checked", str(on).lower())
        self.waits_until(
            """(part) => Number(document.querySelector("[data-part-number]").dataset.partNumber)
                 > part""",
            part,
        )

    @property
    def part_number(self) -> int:
        return int(self.page.locator("[data-part-number]").get_attribute("data-part-number") or 0)

    def finishes(self) -> None:
        self.presses("Finish")
        self.sees("You can close this tab now", within=MERGED)

    def keeps_their_link(self) -> str:
        """The one by which they read their answers later."""
        link = self.page.get_by_role("link", name="See your answers, or take some back")
        expect(link).to_be_visible()
        return link.get_attribute("href") or ""


class Traveller(Participant):
    """Somebody whose network fails on the way, and who is watched meanwhile."""

    def __init__(
        self, context: BrowserContext, network: Network, witness: Witness | None = None
    ) -> None:
        super().__init__(context, network.url)
        self.network = network
        self.witness = witness or Witness(context)

    def opens_another_tab(self) -> Traveller:
        return Traveller(self.context, self.network, self.witness)

    def begins(self, invitation: str) -> None:
        self.opens(f"{self.url}{invitation}")
        self.consents()
        self.passes_the_device_check()

    def says_the_rest(self, *questions: str) -> None:
        """Answers what stands and what comes, and finishes."""
        for question in questions:
            self.hears(question)
            self.answers_aloud(seconds=1)
        self.finishes()

    def notices_the_drop(self, *, since: float, within: float = 6) -> None:
        """Three seconds are promised, and measured by `make bench` on a quiet machine."""
        self.witness.saw(self.page, "reconnecting", since=since, within=within)
        self.sees(re.compile("^Reconnecting"))

    def is_told_of_a_pause(self) -> None:
        expect(self.room).to_have_attribute("data-state", "paused", timeout=SLOW)
        self.sees(re.compile("^Paused"))

    def is_back(self) -> None:
        expect(self.room).to_have_attribute("data-state", "live", timeout=SLOW)
        self.sees(re.compile("^Recording — "))

    def is_told_that_it_goes_on_elsewhere(self) -> None:
        expect(self.room).to_have_attribute("data-state", "moved")
        self.sees("This interview goes on in another tab")

    def is_online(self) -> None:
        """The browser says so, and the page need not wait for its next attempt."""
        self.page.evaluate("() => dispatchEvent(new Event('online'))")
