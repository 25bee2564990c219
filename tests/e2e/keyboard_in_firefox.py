"""The participant of keyboard.py, in Firefox."""

from __future__ import annotations

from tests.e2e.firefox import Firefox
from tests.e2e.keyboard import MOST_TABS, SCRIPT
from tests.e2e.server import eventually

# What of a kind is in sight under a name, as whoever listens to the page is told it.
FIND = """(kinds, name) => {
  const named = (one) => one.ariaLabel ?? (one.labels?.[0] ?? one).textContent
  const found = [...document.querySelectorAll(kinds)].filter((one) => one.checkVisibility())
  return found.find((one) => named(one).trim().replace(/\\s+/g, " ").startsWith(name))
}"""
BUTTONS, DIALOG_BUTTONS = "button", "dialog[open] button"


class FirefoxParticipant:
    """Tab, Enter, Space and letters."""

    def __init__(self, firefox: Firefox) -> None:
        self.page = firefox
        self.complaints = firefox.complaints
        firefox.starts_each_page_with(SCRIPT.read_text())
        self._asked = 0

    def opens(self, link: str) -> None:
        self.page.opens(link)

    def reaches(self, kinds: str, name: str) -> None:
        """By Tab, as soon as it is there."""
        there = f"(...which) => ({FIND})(...which) !== undefined"
        eventually(lambda: self.page.runs(there, kinds, name), what=f"“{name}” is there")
        for _ in range(MOST_TABS):
            if self._stands_on(kinds, name):
                return
            self.page.presses("Tab")
        raise AssertionError(f"“{name}” cannot be reached by Tab")

    def _stands_on(self, kinds: str, name: str) -> bool:
        on = f"(...which) => ({FIND})(...which) === document.activeElement"
        return bool(self.page.runs(on, kinds, name))

    def presses(self, name: str, *, among: str = BUTTONS) -> None:
        self.reaches(among, name)
        self.page.presses("Enter")

    def consents(self) -> None:
        self.reaches("input[type=checkbox]", "I have read this and I agree to take part")
        self.page.presses("Space")
        self.presses("Continue")

    def passes_the_device_check(self) -> None:
        self.presses("Start the interview")
        self.is_in_the_room()

    def goes_on_where_it_was_left(self) -> None:
        self.presses("Go on where you left off", among="a")
        self.presses("Continue the interview")
        self.is_in_the_room()

    def is_in_the_room(self) -> None:
        look = "() => document.querySelector('interview-room')?.dataset.state"
        eventually(lambda: self.page.runs(look) == "live", what="they are in the room")

    @property
    def _question(self) -> str:
        return str(self.page.runs("() => document.querySelector('#question-text')?.textContent"))

    def hears(self, question: str) -> None:
        eventually(lambda: self._question == question, what=f"“{question}” is asked")
        self._asked += 1

    def is_asked_on_after(self, question: str) -> None:
        """By something that is not in the guide."""
        eventually(lambda: self._question != question, what=f"it is asked on after “{question}”")
        self._asked += 1

    def is_captioned(self) -> None:
        look = "() => document.querySelector('.caption')?.textContent ?? ''"
        eventually(lambda: "You said" in self.page.runs(look), what="the answer is captioned")

    def is_recorded(self, *, seconds: float) -> None:
        """As of `actors.Participant`."""
        look = "() => Number(document.querySelector('upload-status').dataset.safeBytes)"
        enough = self.page.runs(look) + int(seconds * 3000)
        eventually(lambda: self.page.runs(look) >= enough, what="it is recorded")

    def begins_to_say(self, wav: str) -> None:
        self.page.runs("(wav, times) => microphone.begins(wav, { times })", wav, self._asked)

    def says(self, wav: str) -> None:
        """Answers what was asked last, as soon as that was heard; the focus stands on Done."""
        eventually(lambda: self._stands_on(BUTTONS, "Done"), what="the focus is on Done")
        self.page.runs("(wav, times) => microphone.says(wav, { times })", wav, self._asked)
        assert self._stands_on(BUTTONS, "Done")
        self.page.presses("Enter")

    def types(self, answer: str) -> None:
        self._hears_it_out()
        self.presses("Type instead")
        eventually(lambda: self._stands_on("textarea", "Your answer"), what="the focus is there")
        self.page.types(answer)
        self.page.presses("Control", "Enter")

    def ends_early(self) -> None:
        self._hears_it_out()
        self.presses("Stop")
        self.presses("Keep what I said and end", among=DIALOG_BUTTONS)
        look = "() => document.querySelector('interview-room').dataset.state"
        eventually(lambda: self.page.runs(look) == "over", within=60, what="it is over")

    def _hears_it_out(self) -> None:
        self.page.runs("(times) => microphone.isQuiet(times)", self._asked)
