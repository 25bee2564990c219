"""One interview, end to end: two parts, one Full Session, and a way back in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.actors import Participant, Researcher
from tests.e2e.recorded import has_picture, seconds_of
from tests.e2e.server import Server, eventually

QUESTIONS = ["What do you like best?", "What would you change?", "Anything else?"]
CAMERAS = {
    "disabled": "Camera disabled",
    "off": "Camera enabled, off by default",
    "on": "Camera enabled, on by default",
}


def parts_of(server: Server, title: str) -> list[Path]:
    """The files of the newest interview in the study of that title, in order."""
    rows = server.ask(
        """SELECT interviews.public_id FROM interviews JOIN studies ON studies.id = study_id
           WHERE title = ? ORDER BY interviews.id DESC LIMIT 1""",
        title,
    )
    return sorted((server.data / "media" / "interviews" / rows[0][0]).glob("part-*"))


def assert_plays_as_one(researcher: Researcher, server: Server, title: str) -> dict:
    parts = parts_of(server, title)
    recorded = sum(seconds_of(part) for part in parts)
    played = researcher.plays_the_full_session()
    assert played["error"] is None
    assert played["finite"]
    # A join may be 20 ms off; WebM says of the last frame that it lasts as long as one of a slate.
    assert played["duration"] == pytest.approx(recorded, abs=0.2 + 0.02 * (len(parts) - 1))
    assert played["at"] == pytest.approx(played["duration"] / 2, abs=1.5)
    return played


@pytest.mark.parametrize(
    "camera",
    [
        pytest.param("disabled", marks=pytest.mark.long),
        "off",
        pytest.param("on", marks=pytest.mark.long),
    ],
)
def test_an_interview_with_a_reload_becomes_one_full_session_and_can_go_on(
    camera: str,
    server: Server,
    researcher: Researcher,
    participant: Participant,
    new_participant: Callable[[], Participant],
):
    title = f"Story with the camera {camera}"
    link = researcher.creates_a_study(title, QUESTIONS, camera=CAMERAS[camera])

    participant.opens(link)
    participant.consents()
    participant.passes_the_device_check()
    participant.hears(QUESTIONS[0])
    participant.answers_aloud(seconds=3)
    participant.hears(QUESTIONS[1])
    participant.is_recorded(seconds=1)
    if camera == "disabled":
        expect(participant.camera_switch).to_have_count(0)
    else:
        is_on = camera == "on"
        expect(participant.camera_switch).to_have_attribute("aria-checked", str(is_on).lower())
        participant.switches_the_camera(on=not is_on)
        participant.is_recorded(seconds=2)

    participant.reloads()
    participant.hears(QUESTIONS[1])
    participant.types("The search, it forgets what I typed")
    participant.hears(QUESTIONS[2])
    participant.answers_aloud(seconds=2)
    participant.finishes()
    theirs = participant.keeps_their_link()
    participant.page.reload()
    assert participant.keeps_their_link() == theirs
    participant.opens(f"{server.url}{theirs}")
    participant.sees("The search, it forgets what I typed")

    researcher.opens_transcripts(title)
    researcher.opens_interview("Participant 1")
    researcher.waits_for_the_full_session()
    parts = parts_of(server, title)
    assert len(parts) == (2 if camera == "disabled" else 3)
    assert any(has_picture(part) for part in parts) is (camera != "disabled")
    expect(researcher.clip_chips).to_have_count(len(parts))
    played = assert_plays_as_one(researcher, server, title)
    assert played["kind"] == ("audio" if camera == "disabled" else "video")
    eventually(researcher.polls_no_more)
    researcher.plays_a_clip()
    researcher.sees("The search, it forgets what I typed")
    researcher.sees("Spoken answer")

    first = researcher.full_session_address
    resume_link = researcher.reinvites("Participant 1")
    guest = new_participant()
    guest.comes_back_by(resume_link)
    guest.hears("Welcome back. What would you like to add to what you told me?")
    guest.answers_aloud(seconds=2)
    guest.finishes()

    researcher.waits_for_a_newer_full_session(than=first)
    assert len(parts_of(server, title)) == len(parts) + 1
    assert_plays_as_one(researcher, server, title)

    researcher.revokes_the_link_of("Participant 1")
    late = new_participant()
    late.opens(resume_link)
    late.sees("This link no longer works")
    assert resume_link.rpartition("/")[2] not in server.logs()
    assert link.rpartition("/")[2] not in server.logs()


def test_one_left_in_the_middle_goes_on_at_the_same_question_on_another_device(
    server: Server,
    researcher: Researcher,
    participant: Participant,
    new_participant: Callable[[], Participant],
):
    title = "Story of somebody who left"
    link = researcher.creates_a_study(title, QUESTIONS, camera=CAMERAS["disabled"])
    participant.opens(link)
    participant.consents()
    participant.passes_the_device_check()
    participant.hears(QUESTIONS[0])
    participant.answers_aloud(seconds=2)
    participant.hears(QUESTIONS[1])
    participant.page.close()

    researcher.opens_transcripts(title)
    researcher.sees("Interrupted", within=30_000)
    resume_link = researcher.reinvites("Participant 1")
    guest = new_participant()
    guest.comes_back_by(resume_link)
    guest.hears(QUESTIONS[1])
    guest.types("Nothing at all")
    guest.hears(QUESTIONS[2])
    guest.types("No")
    guest.finishes()
    expect(researcher.page.locator(".row").get_by_text("Completed").first).to_be_visible()


def test_the_owner_signs_out_and_in_again(researcher: Researcher):
    researcher.page.goto(f"{researcher.url}/studies")
    researcher.signs_out()
    researcher.page.goto(f"{researcher.url}/studies")
    researcher.sees("Sign in")
    researcher.signs_in()
