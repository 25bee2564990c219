"""A participant without a mouse, who speaks when the moderator has finished."""

from __future__ import annotations

import base64
import io
import re
import wave
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, expect

from tests.ai.spoken import speak
from tests.e2e.actors import Participant

SCRIPT = Path(__file__).parent / "microphone.js"
VOICE = "kal16"
MOST_TABS = 60
RATE = 16_000
LOUD = 1000


def said_by_flite(flite: str, text: str, folder: Path) -> str:
    """A WAV file in base64 that begins and ends with the words."""
    samples = memoryview(speak(flite, text, VOICE, folder / "said.wav")).cast("h")
    loud = [at for at, sample in enumerate(samples) if abs(sample) > LOUD // 2]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples[max(0, loud[0] - 80) : loud[-1] + RATE // 5].tobytes())
    return base64.b64encode(out.getvalue()).decode()


class KeyboardParticipant(Participant):
    """Tab, Enter, Space and letters. What is asked is heard to its end."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        super().__init__(context, url)
        self.page.add_init_script(path=SCRIPT)
        self._asked = 0

    def reaches(self, target: Locator) -> None:
        expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            if target.evaluate("(element) => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached by Tab")

    def presses(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        place = within or self.page
        self.reaches(place.get_by_role("button", name=name).locator("visible=true").first)
        self.page.keyboard.press("Enter")

    def consents(self) -> None:
        self.reaches(self.page.get_by_label("I have read this and I agree to take part"))
        self.page.keyboard.press("Space")
        self.presses("Continue")

    def goes_on_where_it_was_left(self) -> None:
        self.reaches(self.page.get_by_role("link", name="Go on where you left off"))
        self.page.keyboard.press("Enter")
        self.is_told_that_the_voice_is_off()
        self.passes_the_device_check()

    def is_told_that_the_voice_is_off(self) -> None:
        # The page that it is switched off in is the next one.
        self.page.wait_for_url(re.compile("/room/"))
        self.page.evaluate("() => localStorage.setItem('qualz:voice', 'off')")
        self.presses("Play a test sentence")
        self.sees(re.compile("^You have switched reading aloud off"))
        # A sentence that nobody reads falls silent as well.
        self._asked += 1
        self.page.evaluate("() => localStorage.removeItem('qualz:voice')")

    def hears(self, question: str) -> None:
        super().hears(question)
        self._asked += 1

    def is_asked_on_after(self, question: str) -> None:
        """By something that is not in the guide."""
        expect(self.page.locator("#question-text")).not_to_have_text(question)
        self._asked += 1

    def is_captioned(self) -> None:
        """What it said is there to be read, and to be told."""
        for place in (".caption", "answer-captions [role=status]"):
            expect(self.page.locator(place)).to_contain_text("You said, as we understood it")

    def begins_to_say(self, wav: str) -> None:
        self.page.evaluate(
            "([wav, times]) => microphone.begins(wav, { times })", [wav, self._asked]
        )

    def says(self, wav: str) -> None:
        """Answers what was asked last, as soon as that was heard; the focus stands on Done."""
        done = self.page.get_by_role("button", name="Done")
        expect(done).to_be_focused()
        self.page.evaluate("([wav, times]) => microphone.says(wav, { times })", [wav, self._asked])
        expect(done).to_be_focused()
        self.page.keyboard.press("Enter")

    def hears_it_out(self) -> None:
        self.page.evaluate("(times) => microphone.isQuiet(times)", self._asked)

    def types(self, answer: str) -> None:
        self.hears_it_out()
        self.presses("Type instead")
        expect(self.page.get_by_label("Your answer")).to_be_focused()
        self.page.keyboard.type(answer)
        self.page.keyboard.press("Control+Enter")

    def ends_early(self) -> None:
        self.hears_it_out()
        self.presses("Stop")
        self.presses("Keep what I said and end", within=self.page.get_by_role("dialog"))
        self.sees("You can close this tab now")
