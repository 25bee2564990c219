"""Another microphone in the midst of an answer: two parts, and nothing between them is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.actors import Traveller
from tests.e2e.conftest import QUESTIONS
from tests.e2e.kept import Kept
from tests.e2e.recorded import seconds_of
from tests.e2e.server import Server


def test_a_microphone_that_is_changed_in_mid_answer_loses_nothing(
    server: Server, invitation: str, new_traveller: Callable[[], Traveller]
):
    traveller = new_traveller()
    page = traveller.page
    traveller.begins(invitation)
    traveller.hears(QUESTIONS[0])
    traveller.is_recorded(seconds=1)
    kept = Kept(server, page)
    first = _microphone_of(traveller)
    traveller.presses("Microphone and camera settings")
    choice = page.get_by_label("Microphone", exact=True)
    others = choice.locator("option").evaluate_all("all => all.map((one) => one.value)")
    other = next(one for one in others if one not in (first, "default"))
    choice.select_option(other)
    expect(choice).to_have_value(other)
    traveller.passes_the_device_check()
    assert _microphone_of(traveller) == other
    traveller.hears(QUESTIONS[0])
    traveller.says_the_rest(*QUESTIONS)

    full_session = kept.has_lost_nothing(traveller.network, traveller.witness)
    assert kept.end_reasons == ["device_change", "finished"]
    # The browser's own clock says how long each part was, the files say what is in them.
    told = kept.recorded_seconds
    held = [seconds_of(part) for part in kept.parts]
    assert held == pytest.approx(told, abs=0.3)
    assert seconds_of(full_session) == pytest.approx(sum(told), abs=0.5)

    # What was said before the change is part of that answer as well.
    said = server.ask(
        "SELECT parts.number, turns.begins_ms, turns.ends_ms FROM turns"
        " JOIN parts ON parts.id = turns.part_id JOIN interviews ON interviews.id = interview_id"
        " WHERE speaker = 'participant' AND interviews.public_id = ? ORDER BY position",
        traveller.room_path.split("/")[-1],
    )
    assert [number for number, _, _ in said] == [1, 2, 2]
    begun, goes_on, _ = said
    assert begun[1] < begun[2] == pytest.approx(told[0] * 1000, abs=1)
    assert goes_on[1] < 1_000 < goes_on[2]


def _microphone_of(traveller: Traveller) -> str:
    chosen: str = traveller.page.evaluate(
        """(key) => JSON.parse(sessionStorage.getItem(key)).microphone""",
        f"qualz:{traveller.room_path.split('/')[-1]}:choice",
    )
    return chosen
