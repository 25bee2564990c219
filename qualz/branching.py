"""Branching: what the answers so far make of the questions to come. It is arithmetic over choices
and over what was skipped, and nobody's judgement."""

from __future__ import annotations

from collections.abc import Sequence

from qualz.conversation import Act, Conversation, Manner
from qualz.question import WAS_ANSWERED, WAS_SKIPPED, Option, Question

# Fixed answers below which what was asked stands once more.
ASKING_AGAIN = ("human", "unclear")


def chosen(talk: Conversation, question_id: str) -> str | None:
    """The id of the option that was chosen last."""
    told = [one.answer.choice for one in talk.about(question_id) if one.answer]
    return next((choice for choice in reversed(told) if choice), None)


def outcome(talk: Conversation, question_id: str) -> set[str]:
    """What a condition may rest on; nothing while the question has not been answered."""
    told = [one.answer for one in talk.about(question_id) if one.answer]
    if not told:
        return set()
    is_skipped = all(answer.manner is Manner.SKIPPED for answer in told)
    choice = chosen(talk, question_id)
    return {WAS_SKIPPED if is_skipped else WAS_ANSWERED} | ({choice} if choice else set())


def is_shown(question: Question, talk: Conversation) -> bool:
    """Whether its condition is met. What was never asked was neither answered nor skipped."""
    condition = question.show_if
    return condition is None or not outcome(talk, condition.question).isdisjoint(condition.answers)


def may_come(talk: Conversation, rest: Sequence[Question]) -> list[Question]:
    """Of the questions that are left, those that some answers would still lead to."""
    found: list[Question] = []
    for question in rest:
        on = question.show_if.question if question.show_if else None
        is_open = any(one.id == on for one in found) or _stands(talk, on)
        if is_open or is_shown(question, talk):
            found.append(question)
    return found


def _stands(talk: Conversation, question_id: str | None) -> bool:
    """Whether it has been asked and not been answered yet."""
    last = talk.last
    return question_id in talk.asked and last is not None and last.answer is None


def offered(talk: Conversation, questions: Sequence[Question]) -> tuple[Option, ...]:
    """The answers that there are to choose from, where what stands is a question with some."""
    last = talk.last
    question = next((one for one in questions if last and one.id == last.question_id), None)
    if last is None or question is None or last.answer is not None:
        return ()
    is_asked = last.act is Act.QUESTION or last.kind in ASKING_AGAIN
    return question.options if is_asked and chosen(talk, question.id) is None else ()


def is_screened_out(talk: Conversation, question: Question | None) -> bool:
    """Whether an interview ends with this question, which has been answered: nobody gets past a
    screening question without an answer that lets them."""
    if question is None or not question.screens:
        return False
    choice = chosen(talk, question.id)
    return not any(option.id == choice and not option.ends for option in question.options)
