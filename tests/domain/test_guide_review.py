"""Hints on a guide: each on what it is for, and none on a guide that is well made."""

from __future__ import annotations

import pytest

from qualz.conversation import Terms
from qualz.guide import Section
from qualz.guide_review import review
from qualz.question import Condition, FollowUp, Option, Question

LAST = Question(id="last", text="Tell me about the last time you went sailing.")


def kinds(*questions: Question, language: str = "en", **more) -> list[tuple[str | None, str]]:
    terms = Terms(language=language, seconds=more.pop("seconds", 1800))
    hints = review([Section(questions=questions)], terms, **more)
    return [(hint.question_id, hint.kind) for hint in hints]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("What happened then and how did you feel?", "double"),
        ("What happened? What did you do?", "several"),
        ("Don't you think that boats are expensive?", "leading"),
        ("What annoys you, such as the weather or the price?", "suggestion"),
        ("Do you like sailing?", "closed"),
        ("What is the internationalisation of harbours like for you?", "jargon"),
        ("Thinking " + "of all the boats that you saw " * 5 + "what comes to mind?", "long"),
    ],
)
def test_a_question_that_is_hard_to_answer_well_is_told_of(text: str, kind: str):
    assert ("q", kind) in kinds(Question(id="q", text=text))


@pytest.mark.parametrize(
    ("language", "closed", "open_one"),
    [
        ("de", "Haben Sie ein Boot?", "Wie kamen Sie zum Segeln?"),
        ("fr", "Avez-vous un bateau ?", "Comment faites-vous sans vent ?"),
        ("es", "¿Tiene usted un barco?", "¿Qué hace usted sin viento?"),
        ("pt", "Você já tem um barco?", "O que faz quando não há vento?"),
    ],
)
def test_closed_questions_are_known_in_every_language(language: str, closed: str, open_one: str):
    assert ("q", "closed") in kinds(Question(id="q", text=closed), language=language)
    assert ("q", "closed") not in kinds(Question(id="q", text=open_one), language=language)


def test_a_guide_that_is_well_made_gets_no_hint():
    own = Question(
        id="own",
        text="Do you own a boat?",
        options=(Option(id="y", text="Yes"), Option(id="n", text="No")),
    )
    why = Question(
        id="why", text="What made you buy it?", show_if=Condition(question="own", answers=("y",))
    )
    assert kinds(LAST, own, why) == []


def test_what_is_asked_twice_is_told_of():
    again = Question(id="again", text="Please tell me about the last time you went sailing!")
    assert ("again", "repeats") in kinds(LAST, again)


def test_a_question_that_nobody_is_asked_is_told_of():
    ends = Option(id="n", text="No", ends=True)
    own = Question(id="own", text="Whose boat is it?", options=(Option(id="y", text="Mine"), ends))
    early = Question(
        id="early", text="What is yours?", show_if=Condition(question="own", answers=("y",))
    )
    never = Question(
        id="never", text="What else?", show_if=Condition(question="own", answers=("n",))
    )
    found = kinds(early, own, never)
    assert ("early", "later") in found
    assert ("never", "unreachable") in found
    all_out = Question(
        id="out", text="Which one?", options=(ends, Option(id="m", text="M", ends=True))
    )
    assert ("out", "nobody") in kinds(all_out)


def test_too_little_time_is_told_of_the_whole_guide():
    long = [Question(id=f"q{n}", text=f"How about boat {n}?", seconds=900) for n in range(6)]
    assert (None, "musts") in kinds(*long)
    assert (None, "budgets") in kinds(*long[:3])
    assert (None, "musts") not in kinds(*long[:3])


def test_goals_that_nobody_reads_are_told_of():
    goals = Question(id="g", text=LAST.text, goals=("names a day",))
    assert kinds(goals) == [("g", "unread")]
    assert kinds(goals, has_model=True) == []
    idle = Question(id="g", text=LAST.text, goals=("names a day",), follow_up=FollowUp.NEVER)
    assert kinds(idle, has_model=True) == [("g", "idle")]
