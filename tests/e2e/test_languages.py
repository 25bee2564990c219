"""A participant whose study speaks German, on a phone; and pages from right to left."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from qualz.database import db
from qualz.study import Camera, Study
from tests.e2e.actors import Participant
from tests.e2e.conftest import inside, open_study
from tests.e2e.server import Server
from tests.e2e.test_accessibility import Checker

QUESTION = "Wie war das, als Sie zuletzt etwas gesucht haben?"


def german_study(server: Server) -> str:
    path = open_study(server, [QUESTION])
    with inside(server):
        study = db.session.scalars(db.select(Study).order_by(Study.id.desc())).first()
        study.title, study.language = "Suchen im Alltag", "de"
        study.camera = Camera.OFF_BY_DEFAULT
        study.follow_language()
        db.session.commit()
    return path


class BothWays(Checker):
    """Looks as axe does, and then at the same page from right to left."""

    def __call__(self, name: str, page: Page) -> None:
        super().__call__(name, page)
        page.evaluate("document.documentElement.dir = 'rtl'")
        self._no_sideways_scrolling(f"{name} from right to left", page)
        page.evaluate("document.documentElement.dir = 'ltr'")


def test_a_whole_interview_in_german(
    server: Server, new_participant: Callable[[], Participant]
) -> None:
    participant, look = new_participant(), BothWays()
    page = participant.page
    participant.opens(f"{server.url}{german_study(server)}")
    look("door", page)
    page.get_by_label("Ich habe das gelesen").check()
    page.get_by_label("Auch meine Kamera").check()
    participant.presses("Weiter")
    participant.sees("Wir hören Sie")
    look("device check", page)
    participant.presses("Interview beginnen")
    participant.is_in_the_room()
    participant.hears(QUESTION)
    participant.sees("Aufnahme läuft – alles bis")
    look("room", page)
    participant.presses("Lieber tippen")
    look("typing", page)
    page.get_by_label("Ihre Antwort").fill("Ganz gut.")
    participant.presses("Senden")
    participant.sees("„Abschließen“")
    participant.presses("Abschließen")
    participant.sees("Vielen Dank für Ihre Zeit")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    look("over", page)
    assert not look.found, "\n".join(look.found)
