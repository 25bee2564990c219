"""A participant takes a break, goes on, and stops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.actors import Participant
from tests.e2e.conftest import open_study
from tests.e2e.server import Server, eventually

pytestmark = pytest.mark.browser

QUESTIONS = ["What happened?", "And then?"]


def test_who_pauses_goes_on_where_they_were_and_decides_at_the_end_what_stays(
    server: Server, new_participant: Callable[[], Participant]
):
    participant = new_participant()
    page = participant.page
    participant.opens(server.url + open_study(server, QUESTIONS))
    participant.consents()
    participant.passes_the_device_check()
    participant.answers_aloud(seconds=1)
    participant.hears(QUESTIONS[1])
    public_id = participant.room_path.rpartition("/")[2]

    participant.presses("Pause")
    participant.sees("You can close this page and come back by the same link within a week.")
    page.reload()
    participant.sees("You can close this page and come back by the same link within a week.")
    causes = "SELECT end_reason FROM parts ORDER BY id DESC LIMIT 1"
    assert server.ask(causes) == [("pause",)]

    participant.presses("Go on")
    participant.is_in_the_room()
    participant.hears(QUESTIONS[1])
    participant.is_recorded(seconds=1)
    why = f"""SELECT cause FROM drops JOIN interviews ON interviews.id = interview_id
              WHERE public_id = '{public_id}'"""
    assert server.ask(why) == [("paused",)]

    participant.presses("Stop")
    participant.presses("Go on with the interview")
    participant.is_in_the_room()
    participant.presses("Stop")
    participant.presses("Delete everything I said")
    participant.sees("Everything you said is deleted")
    expect(page.locator(".receipt")).to_be_visible()
    left = f"SELECT state, heartbeat FROM interviews WHERE public_id = '{public_id}'"
    eventually(lambda: server.ask(left) == [("withdrawn", "{}")])
    assert participant.complaints == []
