"""A voice interview without a mouse: spoken, heard, followed up, cut short, resumed and kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import Error as BrowserError

from qualz.tools import find_flite
from tests.e2e import voice_story
from tests.e2e.firefox import Firefox, Loudspeaker, find_firefox
from tests.e2e.keyboard import KeyboardParticipant, said_by_flite
from tests.e2e.keyboard_in_firefox import FirefoxParticipant
from tests.e2e.server import Server


@pytest.fixture(scope="module")
def flite() -> str:
    found = find_flite()
    if found is None:
        pytest.skip("no flite: apt-get install flite")
    return str(found)


@pytest.fixture
def server(tmp_path: Path, flite: str) -> Iterator[Server]:
    server = Server(tmp_path / "qualz", QUALZ_HEARING="pocketsphinx", QUALZ_SPEAKING="flite")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def wavs(flite: str, tmp_path: Path) -> dict[str, str]:
    texts = (*voice_story.SPOKEN, voice_story.HALF)
    return {text: said_by_flite(flite, text, tmp_path) for text in texts}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 390, "height": 780})
    yield context
    context.close()


def test_a_voice_interview_by_keyboard_alone(
    server: Server, context: BrowserContext, wavs: dict[str, str], tmp_path: Path
):
    def dies(participant: KeyboardParticipant) -> None:
        """Its page is gone at once: nothing of it says goodbye."""
        with participant.page.expect_event("crash"), suppress(BrowserError):
            participant.page.goto("chrome://crash")

    def comes() -> KeyboardParticipant:
        return KeyboardParticipant(context, server.url)

    kept = voice_story.happens(server, comes, dies, wavs)
    voice_story.assert_all_of_it_is_kept(server, kept, tmp_path)


@pytest.fixture
def new_firefox(tmp_path: Path) -> Iterator[Callable[[], Firefox]]:
    """Starts it once more where the one before it was killed, on the same profile."""
    program, sound = find_firefox(), shutil.which("pulseaudio")
    if program is None or sound is None:
        pytest.skip("no Firefox, or no sound for it: apt-get install firefox-esr pulseaudio")
    with ExitStack() as stack:
        loudspeaker = Loudspeaker(sound, tmp_path / "sound")
        stack.callback(loudspeaker.is_unplugged)

        def starts() -> Firefox:
            firefox = Firefox(program, tmp_path / "profile", loudspeaker)
            stack.callback(firefox.is_killed)
            return firefox

        yield starts


@pytest.mark.long
def test_a_voice_interview_in_firefox(
    server: Server, new_firefox: Callable[[], Firefox], wavs: dict[str, str], tmp_path: Path
):
    """The whole browser is killed in the midst of it, and started again."""

    def comes() -> FirefoxParticipant:
        return FirefoxParticipant(new_firefox())

    kept = voice_story.happens(server, comes, lambda killed: killed.page.is_killed(), wavs)
    voice_story.assert_all_of_it_is_kept(server, kept, tmp_path)
