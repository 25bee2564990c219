"""The people in the browser tests. What they do is what people would say they do."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

PASSWORD = "correct horse battery staple"
SLOW = 20_000
MERGED = 60_000


class Actor:
    """Somebody in front of a browser of their own."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: Any) -> None:
        # A refused request is what some tests are about; a broken script or policy never is.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def presses(self, name: str | re.Pattern[str]) -> None:
        self.button(name).click()

    def sees(self, text: str | re.Pattern[str], *, within: float = SLOW) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=within)


class ResearcherActor(Actor):
    def creates_the_owners_account(self, set_up_link: str) -> None:
        self.page.goto(set_up_link)
        self.page.get_by_label("Name").fill("Ada Lovelace")
        self.page.get_by_label("E-mail").fill("ada@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.presses(re.compile("Create"))
        expect(self.page).to_have_url(re.compile("/studies|/$"))

    def signs_in(self) -> None:
        self.page.goto(f"{self.url}/sign-in")
        self.page.get_by_label("E-mail").fill("ada@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.presses("Sign in")
        expect(self.page).to_have_url(re.compile("/studies|/$"))
