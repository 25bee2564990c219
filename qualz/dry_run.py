"""Dry runs: a guide tried with simulated participants, by the real rules and nothing else.

Nothing is written down: each interview is a `Conversation` in memory. The follow-ups are the
script's, whoever moderates later, so that it takes a second and no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from qualz import rules
from qualz.ai.scripted import ScriptedModerator
from qualz.branching import is_shown, offered
from qualz.conversation import Conversation, Kind, Terms
from qualz.guide import Section
from qualz.moderator import Moderator
from qualz.personas import Persona
from qualz.phrases import Phrases
from qualz.question import Question

INTERVIEWS = 60
MOST_TURNS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One simulated interview. `facts` that were told of, in all."""

    talk: Conversation
    style: str
    facts: int

    @property
    def minutes(self) -> float:
        return self.talk.spent / 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of one question, as shares of the interviews that were not ended before it: how often it
    was `reached`, left out for want of time, or passed over by its condition."""

    question: Question
    reached: float
    follow_ups: float
    left_out: float
    passed_over: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """`minutes` that a tenth, a half and nine tenths of the interviews stay below, those that end
    at a screening question left aside. `language` is the one that was spoken, as a code."""

    interviews: int
    language: str
    minutes: tuple[float, float, float]
    coverage: list[Coverage] = field(default_factory=list)
    follow_ups: float
    screened_out: float
    stopped: float
    out_of_time: float
    facts: float
    sample: Tried


def dry_run(
    sections: Sequence[Section],
    terms: Terms,
    moderator: Moderator | None = None,
    *,
    interviews: int = INTERVIEWS,
    seed: int = 1,
) -> Forecast | None:
    """What to expect; None of a guide without questions. The same seed gives the same forecast."""
    questions = [question for section in sections for question in section.questions]
    if not questions:
        return None
    moderator = moderator or ScriptedModerator()
    held = [
        try_once(questions, terms, moderator, Persona.of(seed * 1_000_003 + number, terms.language))
        for number in range(interviews)
    ]
    return _forecast(questions, held, Phrases.of(terms.language).code)


def try_once(
    questions: Sequence[Question], terms: Terms, moderator: Moderator, persona: Persona
) -> Tried:
    talk = Conversation.of([(Kind.BEGAN, terms.as_json())])
    at, turn = 0.0, 0
    while not talk.is_closed and turn < MOST_TURNS:
        said = rules.decide(talk, questions, moderator)
        told = {"turn": turn + 1, "act": said.act, "text": said.text, "at": at}
        talk = talk.after(Kind.SAID, told | {"question": said.question_id, "kind": said.kind})
        turn += 2
        last = talk.last
        if last is None or talk.is_closed:
            break
        question = next((one for one in questions if one.id == last.question_id), None)
        reply = persona.replies(last, question, offered(talk, questions))
        at += reply.seconds
        answer = {"key": str(turn), "manner": reply.manner, "text": reply.text, "at": at}
        talk = talk.after(Kind.ANSWERED, answer | {"choice": reply.choice})
    return Tried(talk=talk, style=persona.style.name, facts=persona.told)


def _forecast(questions: Sequence[Question], held: Sequence[Tried], language: str) -> Forecast:
    # Who is sent away at once says nothing about how long the others take.
    whole = [tried for tried in held if _ended(tried) != "screened_out"] or list(held)
    minutes = sorted(tried.minutes for tried in whole)
    tenths = quantiles(minutes, n=10, method="inclusive") if len(minutes) > 1 else minutes * 9
    middle = min(whole, key=lambda tried: abs(tried.minutes - tenths[4]))
    return Forecast(
        interviews=len(held),
        language=language,
        minutes=(tenths[0], tenths[4], tenths[8]),
        coverage=[_coverage(question, questions, held) for question in questions],
        follow_ups=sum(len(tried.talk.probes) for tried in held) / len(held),
        screened_out=_share(_ended(tried) == "screened_out" for tried in held),
        stopped=_share(_ended(tried) == "stopped" for tried in held),
        out_of_time=_share(_ended(tried) == "out_of_time" for tried in held),
        facts=sum(tried.facts for tried in held) / len(held),
        sample=middle,
    )


def _ended(tried: Tried) -> str:
    """How, by the last thing that was said."""
    last, said = tried.talk.last, tried.talk.terms.speech.said
    if last and last.kind == "screened_out":
        return "screened_out"
    ways = ("closing", "out_of_time", "stopped")
    return next((way for way in ways if last and last.text == said[way]), "closing")


def _coverage(question: Question, questions: Sequence[Question], held: Sequence[Tried]) -> Coverage:
    # Who stopped or was sent away before it says nothing about it.
    until = [tried for tried in held if _came_so_far(question, questions, tried)]
    asked = [tried for tried in until if question.id in tried.talk.asked]
    others = [tried for tried in until if question.id not in tried.talk.asked]
    hidden = [tried for tried in others if not is_shown(question, tried.talk)]
    probes = sum(one.question_id == question.id for tried in asked for one in tried.talk.probes)
    count = max(1, len(until))
    return Coverage(
        question=question,
        reached=len(asked) / count,
        follow_ups=probes / max(1, len(asked)),
        left_out=(len(others) - len(hidden)) / count,
        passed_over=len(hidden) / count,
    )


def _came_so_far(question: Question, questions: Sequence[Question], tried: Tried) -> bool:
    if question.id in tried.talk.asked or _ended(tried) in ("closing", "out_of_time"):
        return True
    ids = [one.id for one in questions]
    return ids.index(question.id) < max(ids.index(one or "") for one in tried.talk.asked)


def _share(found: Iterable[bool]) -> float:
    each = list(found)
    return sum(each) / max(1, len(each))
