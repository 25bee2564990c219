"""A model moderates, fails in mid-interview, and the participant only hears plainer questions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.ai.stub_server import StubServer, stub_server
from tests.e2e.actors import Participant, Researcher

pytestmark = pytest.mark.browser

QUESTIONS = ["How do you look for something at work?", "What would you change about it?"]
BY_MODEL = "What did the list look like that you got?"
SLOW = "I type it into the box and then it is rather slow"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with stub_server() as server:
        yield server


def reply() -> str:
    return json.dumps(
        {
            "evidence": [],
            "answered": "partly",
            "flags": [],
            "decision": "probe",
            "probe_type": "elaborate",
            "utterance": BY_MODEL,
        }
    )


def sets_up(researcher: Researcher, stub: StubServer) -> None:
    page = researcher.page
    page.goto(researcher.url)
    researcher.presses(re.compile("Ada"))
    page.get_by_role("link", name="Moderator").click()
    page.get_by_label("A language model").check()
    page.get_by_label("Address").fill(stub.url)
    page.get_by_label("Model", exact=True).fill("tiny")
    page.get_by_label("Key").fill("sk-secret")
    researcher.presses("Test")
    researcher.sees("It works")
    researcher.sees("json_schema strict")
    researcher.presses("Save")
    researcher.sees("Saved.")
    expect(page.get_by_label("Address")).to_have_value(stub.url)
    expect(page.get_by_label("Key")).to_have_value("")


def test_a_model_moderates_and_when_it_dies_the_script_goes_on(
    researcher: Researcher, new_participant: Callable[[], Participant], stub: StubServer
):
    stub.answer = lambda request: request.writes(reply())
    sets_up(researcher, stub)
    link = researcher.creates_a_study(
        "Looking things up", QUESTIONS, camera="Camera disabled", follow_up="always"
    )
    participant = new_participant()
    participant.opens(link)
    participant.consents()
    participant.passes_the_device_check()
    participant.hears(QUESTIONS[0])
    asked = len(stub.requests)
    participant.types(SLOW)
    participant.hears(BY_MODEL)

    # A reload asks nobody anew, and says where they were.
    participant.reloads()
    participant.hears(BY_MODEL)
    participant.sees(f"We were at question 1 of 2; the last thing you told me was: “{SLOW}”")
    assert len(stub.requests) == asked + 1

    stub.answer = lambda request: request.refuses(503)
    participant.types("Just a long list of files, all of them with much the same name")
    participant.hears(QUESTIONS[1])
    participant.types("I would make it quick, because waiting for it is so tedious")
    participant.hears("You said “tedious”. What did you mean by that?")
    participant.types("That it takes minutes")
    participant.hears("That was my last question. Thank you — press Finish when you are ready.")
    participant.finishes()
