"""Reviews: what a researcher might want to change in a guide before anybody is asked.

Hints, none of which forbids anything. What the linter refuses a moderator to say it refuses to
participants' ears in the researcher's words too, where the rule is about the question itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qualz.ai.language import Language, count_words, words_of
from qualz.ai.linter import complaints, is_repeat
from qualz.conversation import Probing, Terms
from qualz.guide import Section
from qualz.question import FollowUp, Question
from qualz.rules import NEEDED, RESERVE

# Words of a question that is hard to follow when it is heard once, and signs of one long word.
LONG, JARGON = 30, 17
WORDS = {
    "double": "Asks two things at once: people answer one of them. Make two questions of it.",
    "several": "Asks more than one question. Keep one, and make the others follow-ups.",
    "leading": "Suggests its answer. Ask what they think, without saying what you do.",
    "suggestion": "Names an answer that people will take. Leave the examples out.",
    "advice": "Gives advice. Ask what they do instead.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """About one question, or about the whole guide where there is none. `kind` is a short word."""

    kind: str
    text: str
    question_id: str | None = None


def review(sections: Sequence[Section], terms: Terms, *, has_model: bool = False) -> list[Hint]:
    """In the order of the guide; what is about all of it comes first."""
    questions = [question for section in sections for question in section.questions]
    return [*_of_time(questions, terms), *_of_each(questions, terms, has_model)]


def _of_each(questions: Sequence[Question], terms: Terms, has_model: bool) -> Iterator[Hint]:
    for place, question in enumerate(questions):
        found = [
            *_of_words(question, terms.speech),
            *_of_repeats(question, questions[:place], terms.speech),
            *_of_condition(question, questions[:place]),
            *_of_model(question, has_model and terms.probing is Probing.ADAPTIVE),
        ]
        for kind, text in found:
            yield Hint(kind=kind, text=text, question_id=question.id)


def _of_words(question: Question, speech: Language) -> Iterator[tuple[str, str]]:
    for kind in complaints(question.text, speech):
        if kind in WORDS:
            yield kind, WORDS[kind]
    if not question.options and _is_closed(question.text, speech):
        yield (
            "closed",
            (
                "Can be answered with yes or no. Begin with what, how or “Tell me about”, "
                "or offer the answers in a list."
            ),
        )
    words = words_of(question.text)
    if count_words(question.text) > LONG:
        yield "long", f"Has {count_words(question.text)} words. Heard once, {LONG} are plenty."
    heavy = [word for word in words if len(word) >= JARGON]
    if heavy:
        yield "jargon", f"“{heavy[0]}” is a long word to hear. Say it as participants would."
    if question.screens and all(option.ends for option in question.options):
        yield "nobody", "Every answer ends the interview: nobody gets past this question."


def _is_closed(text: str, speech: Language) -> bool:
    pattern = speech.linter.get("closed")
    return bool(pattern and pattern.search(text.strip().casefold().replace("’", "'")))


def _of_repeats(
    question: Question, earlier: Sequence[Question], speech: Language
) -> Iterator[tuple[str, str]]:
    for number, one in enumerate(earlier, start=1):
        if is_repeat(question.text, one.text, speech):
            yield "repeats", f"Asks about the same as question {number}."
            return


def _of_condition(question: Question, earlier: Sequence[Question]) -> Iterator[tuple[str, str]]:
    condition = question.show_if
    if condition is None:
        return
    on = next((one for one in earlier if one.id == condition.question), None)
    if on is None:
        yield "later", "Depends on a question that is not before it, so it is never asked."
        return
    passing = {option.id for option in on.options if not option.ends} | {"answered"}
    passing |= set() if on.screens else {"skipped"}
    if passing.isdisjoint(condition.answers):
        yield (
            "unreachable",
            "No answer that lets the interview go on leads here: it is never asked.",
        )
    elif question.must_ask and not on.must_ask:
        yield (
            "shaky",
            "Is to be asked always, but depends on one that is left out for want of time.",
        )


def _of_model(question: Question, reads: bool) -> Iterator[tuple[str, str]]:
    if question.goals and not reads:
        yield "unread", "Nobody reads the goals: no language model asks the follow-ups here."
    if question.goals and question.follow_up is FollowUp.NEVER:
        yield "idle", "Has goals, but is never followed up."


# ---- the whole


def _of_time(questions: Sequence[Question], terms: Terms) -> Iterator[Hint]:
    """Of budgets that somebody has set; the others share what is left, so they always fit."""
    limit = terms.seconds
    share = limit / max(1, len(questions))
    needed = sum(NEEDED * (one.seconds or share) for one in questions if one.must_ask)
    needed += min(RESERVE, limit / 10)
    if needed > limit:
        yield Hint(
            kind="musts",
            text=f"What is always asked needs about {needed / 60:.0f} minutes at least, and an "
            f"interview may take {limit / 60:.0f}: the last questions will not be reached.",
        )
    total = sum(one.seconds or 0 for one in questions)
    if total > limit:
        yield Hint(
            kind="budgets",
            text=f"The questions may take {total / 60:g} minutes together, and an interview "
            f"{limit / 60:.0f}. Those that need not be asked are left out first.",
        )
