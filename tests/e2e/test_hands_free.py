"""Hands-free: somebody speaks, falls silent, and the next question comes by itself."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from qualz.tools import find_chromium
from tests.e2e.actors import Participant
from tests.e2e.conftest import ARGUMENTS, SPEECH, open_study
from tests.e2e.server import Server

QUESTIONS = ["What happened?", "And then?"]
SLOW = 20_000


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose microphone hears three seconds of speech, and then nothing for long."""
    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium: install one, or name it in CHROMIUM")
    path = tmp_path_factory.mktemp("speech") / "once.wav"
    with wave.open(str(SPEECH)) as speech, wave.open(str(path), "wb") as file:
        file.setparams(speech.getparams())
        second = speech.getframerate() * speech.getsampwidth() * speech.getnchannels()
        file.writeframes(speech.readframes(3 * speech.getframerate()) + bytes(8 * second))
    others = [one for one in ARGUMENTS if "audio-capture" not in one]
    browser = playwright.chromium.launch(
        executable_path=found,
        headless=True,
        args=[*others, f"--use-file-for-fake-audio-capture={path}"],
        chromium_sandbox=False,
    )
    yield browser
    browser.close()


def test_who_falls_silent_is_asked_on_after_a_countdown_that_they_can_stop(
    server: Server, new_participant: Callable[[], Participant]
):
    participant = new_participant()
    page = participant.page
    participant.opens(server.url + open_study(server, QUESTIONS))
    page.evaluate("() => localStorage.setItem('qualz:hands-free', 'on')")
    participant.consents()
    participant.passes_the_device_check()
    expect(page.get_by_role("switch", name="Hands-free")).to_be_checked()
    count = page.locator(".hands-free__line")
    expect(count).to_contain_text("Sending in", timeout=SLOW)
    participant.presses("I’m still thinking")
    expect(count).to_have_text("All right. Take your time.")
    # The microphone hears the same words again, and the silence after them.
    expect(page.locator("#question-text")).to_have_text(QUESTIONS[1], timeout=2 * SLOW)
    said = "SELECT manner, ends_ms - begins_ms > 3000 FROM turns WHERE manner IS NOT NULL"
    assert server.ask(said)[-1] == ("spoken", 1)
    page.get_by_role("switch", name="Hands-free").click()
    expect(page.get_by_role("switch", name="Hands-free")).not_to_be_checked()
