"""A browser that gives no microphone still leads to an interview."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.actors import Participant, Researcher
from tests.e2e.server import Server
from tests.e2e.test_one_interview import CAMERAS, parts_of

QUESTIONS = ["What do you like best?", "What would you change?"]
REFUSAL = """
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("refused", "%s")
  }
"""


@pytest.mark.parametrize(
    "trouble",
    [
        "NotAllowedError",
        pytest.param("NotFoundError", marks=pytest.mark.long),
        pytest.param("NotReadableError", marks=pytest.mark.long),
    ],
)
def test_where_there_is_no_microphone_the_answers_are_typed(
    trouble: str, server: Server, researcher: Researcher, participant: Participant
):
    title = f"Story without a microphone: {trouble}"
    link = researcher.creates_a_study(title, QUESTIONS, camera=CAMERAS["on"])
    participant.page.add_init_script(REFUSAL % trouble)
    participant.opens(link)
    participant.consents()
    expect(participant.page.get_by_role("alert").locator("visible=true")).to_be_visible()
    participant.presses("Continue by typing")
    participant.is_in_the_room()
    participant.hears(QUESTIONS[0])
    participant.types("That it is quick")
    participant.hears(QUESTIONS[1])
    participant.reloads()
    participant.hears(QUESTIONS[1])
    participant.types("Nothing")
    participant.finishes()

    assert parts_of(server, title) == []
    researcher.opens_transcripts(title)
    researcher.opens_interview("Participant 1")
    researcher.sees("That it is quick")
    researcher.sees("Nothing was recorded in this interview")


def test_switching_the_camera_off_lets_go_of_it(
    server: Server, researcher: Researcher, participant: Participant
):
    """While the switch is off no track of the camera lives, so its light is off too."""
    participant.page.add_init_script(
        """
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
        window.cameras = []
        navigator.mediaDevices.getUserMedia = async (wanted) => {
          const stream = await ask(wanted)
          window.cameras.push(...stream.getVideoTracks())
          return stream
        }
        """
    )
    living = "() => window.cameras.filter((track) => track.readyState === 'live').length"
    link = researcher.creates_a_study(
        "Story of the camera's light", QUESTIONS, camera=CAMERAS["on"]
    )
    participant.opens(link)
    participant.consents()
    participant.passes_the_device_check()
    participant.is_recorded(seconds=1)
    assert participant.page.evaluate(living) >= 1
    participant.switches_the_camera(on=False)
    assert participant.page.evaluate(living) == 0
    participant.switches_the_camera(on=True)
    assert participant.page.evaluate(living) >= 1
