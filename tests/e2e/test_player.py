"""The player beside a Full Session, as somebody uses it who reads and listens."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from qualz import clock
from qualz.conversation import Act
from qualz.database import db
from qualz.interview import Interview
from qualz.part import EndReason
from qualz.recording import Recording
from qualz.study import Study
from qualz.tools import find_ffmpeg
from qualz.turn import Manner, Speaker, Turn
from tests.e2e.actors import Researcher
from tests.e2e.conftest import adas_account, inside
from tests.e2e.server import Server
from tests.e2e.test_accessibility import Checker

MEDIA = "document.querySelector('recording-player audio')"
SECONDS = 60


@dataclass(frozen=True)
class Address:
    study: str
    interview: str
    path: str


def full_session(folder: Path) -> bytes:
    """A minute of a tone, with an index in it, as a merge leaves it."""
    ffmpeg = find_ffmpeg()
    if ffmpeg is None:
        pytest.skip("no ffmpeg")
    made = folder / "tone.webm"
    tone = f"sine=frequency=300:duration={SECONDS}"
    subprocess.run(
        [ffmpeg, "-v", "error", "-f", "lavfi", "-i", tone, "-c:a", "libopus", made], check=True
    )
    return made.read_bytes()


@pytest.fixture(scope="module")
def address(server: Server, researcher: Researcher, tmp_path_factory: pytest.TempPathFactory):
    data = full_session(tmp_path_factory.mktemp("tone"))
    with inside(server) as app:
        study = Study.start(adas_account(), title="Two parts")
        study.state = Study.State.LIVE
        interview = Interview.begin(study.invitation)
        db.session.flush()
        recording = interview.recording
        began = clock.now() - timedelta(seconds=200)
        for number, after in ((1, 0), (2, 68)):
            part = recording.start_part(
                key=f"p{number}",
                reported_type="audio/webm",
                started_at=began + timedelta(seconds=after),
            )
            db.session.flush()
            app.extensions["storage"].append(part.file, data[:5000], at=0)
            part.bytes_durable = 5000
            part.note_recorded(30_000)
            part.close(EndReason.FINISHED)
            for begins, act in ((2, Act.QUESTION), (10, Act.PROBE), (20, Act.QUESTION)):
                interview._append(
                    Turn(
                        speaker=Speaker.MODERATOR,
                        act=act,
                        text=f"{act.value} at {begins} in {number}?",
                        part=part,
                        begins_ms=begins * 1000,
                    )
                )
        interview._append(
            Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text="Said.", part=part)
        )
        interview.complete()
        recording.full_session = f"{recording.folder}/full-session-1.webm"
        recording.full_session_type = "audio/webm"
        storage = app.extensions["storage"]
        storage.append(recording.full_session, data, at=0)
        peaks = bytes((number * 7) % 256 for number in range(SECONDS * 20))
        storage.append(recording.peaks or "", peaks, at=0)
        recording.illustrated = recording.full_session
        recording.ready_at = clock.now()
        recording.report = {
            "duration": float(SECONDS),
            "parts": [
                {"part": part.public_id, "label": part.label, "start": 30.0 * index}
                for index, part in enumerate(recording.parts)
            ],
        }
        recording.state = Recording.State.READY
        db.session.commit()
        path = f"/studies/{study.public_id}/transcripts/{interview.public_id}"
        return Address(study.public_id, interview.public_id, path)


@pytest.fixture
def page(researcher: Researcher, address: Address) -> Page:
    page = researcher.page
    page.goto(researcher.url)
    page.evaluate("localStorage.clear()")
    page.goto(researcher.url + address.path)
    expect(researcher.full_session_chip).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(f"() => {MEDIA}.readyState > 0")
    return page


def stands_at(page: Page, seconds: float) -> None:
    page.wait_for_function(f"() => Math.abs({MEDIA}.currentTime - {seconds}) < 0.6", timeout=5_000)


def test_the_keys_of_players_work_while_it_has_the_focus(page: Page):
    page.get_by_role("group", name="Player").focus()
    page.keyboard.press("l")
    page.keyboard.press("l")
    stands_at(page, 20)
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    stands_at(page, 15)
    page.keyboard.press("ArrowLeft")
    stands_at(page, 10)
    page.keyboard.press("k")
    page.wait_for_function(f"() => !{MEDIA}.paused")
    page.keyboard.press(" ")
    page.wait_for_function(f"() => {MEDIA}.paused")
    page.keyboard.press(">")
    page.wait_for_function(f"() => {MEDIA}.playbackRate === 1.25")
    # The timeline is a part of it.
    page.get_by_role("slider").focus()
    before = page.evaluate(f"() => {MEDIA}.currentTime")
    page.keyboard.press("l")
    stands_at(page, before + 10)
    page.get_by_role("searchbox", name="Search in names").focus()
    page.keyboard.type("kl")
    stands_at(page, before + 10)
    assert page.evaluate(f"() => {MEDIA}.paused")


def test_questions_are_gone_through_and_follow_ups_are_not(page: Page):
    for place in (2, 20, 32, 50):
        page.get_by_role("button", name="Next question").click()
        stands_at(page, place)
    page.get_by_role("button", name="Previous question").click()
    stands_at(page, 32)
    page.get_by_role("button", name="Forward 10 seconds").click()
    stands_at(page, 42)
    page.get_by_role("button", name="Previous question").click()
    stands_at(page, 32)


def test_a_press_on_the_waveform_seeks_and_the_gap_is_told_at_the_join(page: Page):
    slider = page.get_by_role("slider", name="Place in the Full Session")
    box = slider.bounding_box()
    assert box
    slider.click(position={"x": box["width"] * 0.75, "y": 10})
    stands_at(page, 45)
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^0:4[45] of 1:00$"))
    slider.press("Home")
    stands_at(page, 0)
    join = page.locator(".timeline__join")
    expect(join).to_have_text("38 s")
    expect(join).to_have_attribute("title", "Clip 2, 38 s not recorded before it")
    drawn = """(canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 2, canvas.width, 1)
      return data.some((value) => value > 0)
    }"""
    # Only a loud moment reaches so high.
    page.wait_for_function(f"() => ({drawn})(document.querySelector('.timeline__wave'))")


def test_the_speed_is_kept_from_one_clip_to_the_next(page: Page):
    page.get_by_label("Speed").select_option("3×")
    page.get_by_role("button", name=re.compile("^Clip 1")).click()
    page.wait_for_function(f"() => {MEDIA}.playbackRate === 3")
    expect(page.get_by_role("button", name="Next question")).to_be_disabled()


def test_a_link_leads_to_its_moment(page: Page, researcher: Researcher, address: Address):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("slider").press("End")
    page.get_by_role("slider").press("PageDown")
    stands_at(page, 54)
    page.get_by_role("button", name="Copy link to this moment").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(re.escape(researcher.url + address.path) + r"\?t=5[34]", link)
    page.goto("about:blank")
    page.goto(link.replace("t=54", "t=41").replace("t=53", "t=41"))
    stands_at(page, 41)


def test_somebody_who_comes_back_is_where_they_were(page: Page):
    page.get_by_role("group", name="Player").focus()
    page.keyboard.press("l")
    page.keyboard.press("l")
    stands_at(page, 20)
    page.wait_for_function("() => (localStorage.getItem('qualz:places') ?? '').includes('20')")
    page.reload()
    page.wait_for_function(f"() => {MEDIA} && {MEDIA}.readyState > 0")
    stands_at(page, 20)


def test_axe_finds_nothing_on_the_player(page: Page):
    look = Checker()
    page.get_by_role("slider").press("PageUp")
    look("player", page)
    assert not look.found, "\n".join(look.found)
