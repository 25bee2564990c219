"""A trial: whether an endpoint can moderate, found out by asking it what an interview would."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from qualz.ai import contract
from qualz.ai.endpoint import Endpoint, EndpointError
from qualz.ai.language_model import FOR_SPOKEN, FOR_TYPED, judge
from qualz.conversation import Act, Answer, Exchange, Manner, Terms
from qualz.guide import FollowUp, Question
from qualz.moderator import Brief

TRIES = 3
ANSWERS = (
    "I mostly use the search box, but it is annoying when I misspell something.",
    "It depends. Yesterday I gave up and asked a colleague instead.",
    "Not often.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it. `seconds` are how long each answer took; `valid` of them kept the contract,
    `fit` would have been said as they came. `reason` says why there are no more."""

    form: str
    seconds: tuple[float, ...] = ()
    valid: int = 0
    fit: int = 0
    questions: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    reason: str = ""
    models: tuple[str, ...] = ()

    @property
    def slowest(self) -> float:
        return max(self.seconds, default=0)

    @property
    def is_usable(self) -> bool:
        return self.fit > 0 and not self.reason

    @property
    def is_quick(self) -> bool:
        """Fast enough for those who speak."""
        return self.slowest <= FOR_SPOKEN


@dataclass
class _Found:
    seconds: list[float] = field(default_factory=list)
    valid: int = 0
    questions: list[str] = field(default_factory=list)
    fit: int = 0
    wrong: list[str] = field(default_factory=list)
    reason: str = ""


def run(endpoint: Endpoint) -> Trial:
    """Ask three times, each as patiently as a typed answer is. Never raises."""
    found = _Found()
    for answer in ANSWERS[:TRIES]:
        try:
            _try(endpoint, brief(answer), found)
        except EndpointError as error:
            found.reason = error.reason
            break
    models = _models(endpoint) if found.reason else []
    return Trial(
        form=endpoint.form_name,
        seconds=tuple(found.seconds),
        valid=found.valid,
        fit=found.fit,
        questions=tuple(found.questions),
        wrong=tuple(dict.fromkeys(found.wrong)),
        reason=found.reason,
        models=tuple(models[:20]),
    )


def _try(endpoint: Endpoint, brief: Brief, found: _Found) -> None:
    began = time.monotonic()
    text = endpoint.complete(contract.messages(brief), contract.SCHEMA, within=FOR_TYPED)
    found.seconds.append(time.monotonic() - began)
    reply, wrong = judge(text, brief)
    found.valid += reply is not None
    found.fit += not wrong
    found.wrong += wrong
    if reply is not None and reply.wants_probe:
        found.questions.append(reply.utterance)


def _models(endpoint: Endpoint) -> list[str]:
    """What it offers instead, where it says so: most mistakes are in a model's name."""
    try:
        return endpoint.models(within=FOR_SPOKEN)
    except EndpointError:
        return []


def brief(answer: str) -> Brief:
    """A turn of a made-up interview."""
    question = Question(
        id="trial",
        text="How do you look for something in the help pages?",
        follow_up=FollowUp.ALWAYS,
        goals=("what happens when the search finds nothing",),
    )
    asked = Exchange(
        turn=1,
        act=Act.QUESTION,
        text=question.text,
        question_id=question.id,
        answer=Answer(manner=Manner.TYPED, text=answer),
    )
    return Brief(
        question=question,
        about=(asked,),
        said=(question.text,),
        follow_ups_left=1,
        seconds_left=600,
        terms=Terms(aim="How people find help when they are stuck"),
    )
