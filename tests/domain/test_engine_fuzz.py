"""Thousands of interviews with anybody, moderated by anything: no rule is ever broken.

And the rules are worth something: an engine with any of these faults is caught.
"""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from qualz import rules
from qualz.conversation import Act, Conversation, Kind, Manner
from qualz.guide import Question, Wording
from qualz.moderator import Brief, Moderator, Proposal, Utterance
from tests.domain.fuzzed import (
    Held,
    cut,
    hold,
    hostile,
    random_guide,
    random_terms,
    violations,
)
from tests.domain.talks import Talk

Build = Callable[[random.Random], Talk]
INTERVIEWS = 2000
FOR_A_FAULT = 300


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """A hostile model would fill the log."""
    caplog.set_level(logging.CRITICAL)


def with_script(chance: random.Random) -> Talk:
    return Talk(random_guide(chance), terms=random_terms(chance))


def with_hostile_model(chance: random.Random) -> Talk:
    questions = random_guide(chance)
    return Talk(questions, hostile(chance, questions), random_terms(chance))


def held(build: Build, seed: int) -> Held:
    chance = random.Random(seed)
    return hold(build(chance), chance)


@pytest.mark.parametrize("build", [with_script, with_hostile_model])
def test_no_rule_is_broken_in_thousands_of_interviews(build: Build):
    seen: Counter[str] = Counter()
    for seed in range(INTERVIEWS):
        interview = held(build, seed)
        assert violations(interview) == [], seed
        assert "failed" not in json.dumps(interview.talk.events)
        seen.update(p["origin"] for k, p in interview.talk.events if k is Kind.SAID)
        seen.update(p["act"] for k, p in interview.talk.events if k is Kind.SAID)
        seen.update(p["kind"] for k, p in interview.talk.events if k is Kind.SAID)
        seen["led over"] += sum("Let us turn" in line.text for line in interview.lines)
    # All that can happen did happen, or the rest says little.
    assert {act for act in Act if seen[act]} == set(Act) - {Act.REOPENING}
    assert seen["script"]
    assert seen["screened_out"]
    assert bool(seen["led over"]) is (build is with_hostile_model)
    assert seen["guide"]
    assert bool(seen["model"]) is (build is with_hostile_model)


def test_one_that_dies_after_any_event_goes_on_as_if_nothing_had_happened():
    """Each log is cut at every place and read anew by another process."""
    for seed in range(300):
        whole = held(with_script, seed).talk
        for at in range(1, len(whole.events)):
            resumed = cut(whole, at)
            assert resumed.now == Conversation.of(whole.events[:at])
            resumed.hears()
            again = resumed.events[at:]
            expected = whole.events[at : at + 1] if whole.events[at][0] is Kind.SAID else []
            assert [_heard(event) for event in again] == [_heard(event) for event in expected]


def test_a_model_is_not_asked_again_for_what_was_said():
    for seed in range(200):
        whole = held(with_hostile_model, seed).talk
        model = whole.moderator.model
        for at in range(1, len(whole.events)):
            resumed, calls = cut(whole, at), model.calls
            stood = resumed.now.last
            said = resumed.hears()
            if stood is not None and stood.answer is None:
                assert (said, model.calls) == (stood.text, calls)


@pytest.mark.parametrize("seed", range(60))
def test_one_that_dies_now_and_then_breaks_no_rule(seed: int):
    """At a fifth of the turns the process dies, having lost what it had not written down."""
    chance = random.Random(seed)

    class Dies(Talk):
        def hears(self) -> str:
            if chance.random() < 0.2:
                self.now = Conversation.of(_kept(self.events))
            return super().hears()

    questions = random_guide(chance)
    interview = hold(Dies(questions, hostile(chance, questions), random_terms(chance)), chance)
    assert violations(interview) == []


def _heard(event) -> tuple[Kind, str]:
    return event[0], event[1]["text"]


def _kept(events) -> list:
    """As a database would give them back."""
    return [(kind, json.loads(json.dumps(payload))) for kind, payload in events]


# ---- faults


def no_cap(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """Limits of follow-ups are not looked at."""
    talk = replace(talk, terms=replace(talk.terms, most_follow_ups=999))
    return rules.decide(talk, [replace(q, most=99, sensitive=False) for q in questions], moderator)


def no_linter(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """What a model proposes is said as it is."""
    if said := rules.settled(talk, questions):
        return said
    proposal = Trusting(moderator).propose(rules.brief(talk, questions))
    if not proposal.text:
        return rules.ruled(talk, questions, proposal)
    about = talk.last.question_id
    return Utterance(act=Act.PROBE, text=proposal.text, question_id=about, origin=proposal.origin)


class Trusting:
    """Takes a model's words and evidence for what they say they are."""

    patience = 0.0

    def __init__(self, moderator: Moderator) -> None:
        self.moderator = moderator

    def propose(self, brief: Brief) -> Proposal:
        proposal = self.moderator.propose(brief)
        try:
            reply = json.loads(self.moderator.model.complete([], {}, within=1))
            text, evidence = reply["utterance"], reply["evidence"]
        except Exception:
            return proposal
        return replace(proposal, wants_probe=True, text=text, notes={"evidence": evidence})


def unclamped(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """Evidence is kept as the model gave it."""
    return rules.decide(talk, questions, Trusting(moderator))


def may_close(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """A model that does not want to ask more ends the interview."""
    said = rules.settled(talk, questions)
    if said:
        return said
    proposal = rules.ask(talk, questions, moderator)
    if not proposal.wants_probe:
        return Utterance(act=Act.CLOSING, text=talk.terms.speech.said["closing"])
    return rules.ruled(talk, questions, proposal)


def uncounted(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """A probe is not counted as one."""
    forgotten = [replace(o, act=Act.REPLY if o.act is Act.PROBE else o.act) for o in talk.exchanges]
    return rules.decide(replace(talk, exchanges=tuple(forgotten)), questions, moderator)


def no_must(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """When time is short, must-asks are left out too."""
    free = [replace(question, must_ask=False) for question in questions]
    return rules.decide(talk, free, moderator)


def no_clock(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """The time limit is not looked at."""
    return rules.decide(replace(talk, terms=replace(talk.terms, seconds=1e9)), questions, moderator)


def deaf(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """Nobody listens for distress, or for who does not want to say more."""
    heard = [
        replace(one, answer=one.answer and replace(one.answer, manner=Manner.TYPED, text="So so"))
        for one in talk.exchanges
    ]
    return rules.decide(replace(talk, exchanges=tuple(heard)), questions, moderator)


def goes_back(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """At the end it asks what was left out before."""
    said = rules.decide(talk, questions, moderator)
    left = [question for question in questions if question.id not in talk.asked]
    if said.act is not Act.CLOSING or not left or talk.spent >= talk.terms.seconds:
        return said
    return Utterance(act=Act.QUESTION, text=left[0].text, question_id=left[0].id)


def insists(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """Long answers are followed up where only short ones are to be."""
    longer = [replace(question, short=10_000) for question in questions]
    return rules.decide(talk, longer, moderator)


def shows_all(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """Conditions are not looked at."""
    free = [replace(question, show_if=None) for question in questions]
    return rules.decide(talk, free, moderator)


def lets_all_in(
    talk: Conversation, questions: Sequence[Question], moderator: Moderator
) -> Utterance:
    """Nobody is screened out."""
    open_to_all = [
        replace(one, options=tuple(replace(option, ends=False) for option in one.options))
        for one in questions
    ]
    return rules.decide(talk, open_to_all, moderator)


def rewords(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """A model words every question, those to be asked to the letter too."""
    free = [replace(question, wording=Wording.FREE) for question in questions]
    return rules.decide(talk, free, moderator)


DECISIONS = [
    shows_all,
    lets_all_in,
    rewords,
    no_cap,
    insists,
    no_linter,
    unclamped,
    may_close,
    uncounted,
    no_must,
    no_clock,
    deaf,
    goes_back,
]


@pytest.mark.parametrize("fault", DECISIONS, ids=lambda fault: fault.__name__)
def test_a_fault_in_what_is_decided_is_caught(fault):
    def build(chance: random.Random) -> Talk:
        talk = with_hostile_model(chance)
        talk.decide = fault
        return talk

    assert _found(build)


class Unlogged(Talk):
    """The state changes now and then, and the log does not tell."""

    def happens(self, kind, payload) -> None:
        super().happens(kind, payload)
        if kind is Kind.ANSWERED and len(self.events) % 7 == 0:
            self.events.pop()


class AsksAnew(Talk):
    """Who comes back is asked something else."""

    def hears(self) -> str:
        last = self.now.last
        if last is not None and last.answer is None and last.act is not Act.CLOSING:
            return self.decide(_without_last(self.now), self.questions, self.moderator).text
        return super().hears()


class TakesTwice(Talk):
    """An answer that is sent twice is kept twice."""

    def happens(self, kind, payload) -> None:
        super().happens(kind, payload)
        if kind is Kind.ANSWERED:
            super().happens(kind, payload)


def _without_last(talk: Conversation) -> Conversation:
    return replace(talk, exchanges=talk.exchanges[:-1])


@pytest.mark.parametrize("fault", [Unlogged, AsksAnew, TakesTwice], ids=lambda f: f.__name__)
def test_a_fault_in_what_is_kept_is_caught(fault: type[Talk]):
    def build(chance: random.Random) -> Talk:
        questions = random_guide(chance)
        return fault(questions, hostile(chance, questions), random_terms(chance))

    assert _found(build)


def _found(build: Build) -> bool:
    return any(violations(held(build, seed)) for seed in range(FOR_A_FAULT))
