"""Moderators: who decides what is said next.

A moderator proposes, from the guide and the turns so far; it keeps no state of its own, so a
reload, a drop or another process changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from qualz.guide import FollowUp, Question

# Until an answer's words are known, its length is estimated from how long it took: English
# conversation runs at about 140 words a minute.
WORDS_PER_SECOND = 140 / 60

NEUTRAL_PROBES = ("Could you tell me a little more about that?", "What makes you say that?")
CLOSING = "That was my last question. Thank you — press Finish when you are ready."
OUT_OF_TIME = (
    "Our time is up. Thank you for everything you told me — press Finish when you are ready."
)
REOPENING = "Welcome back. What would you like to add to what you told me?"


class Act(StrEnum):
    """What a moderator does with an utterance."""

    QUESTION = "question"
    PROBE = "probe"
    REOPENING = "reopening"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """What the moderator says next, and which question of the guide it serves, if any."""

    act: Act
    text: str
    question_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One utterance of the moderator with the answer to it.

    `words` is None while there is no answer yet; `words == 0` is a skipped question.
    """

    act: Act
    text: str
    question_id: str | None
    words: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """All that a decision may rest on."""

    questions: Sequence[Question]
    exchanges: Sequence[Exchange]
    seconds_left: float

    def next_question(self) -> Question | None:
        asked = {exchange.question_id for exchange in self.exchanges}
        return next((question for question in self.questions if question.id not in asked), None)

    def probes_of(self, question_id: str | None) -> list[Exchange]:
        return [
            exchange
            for exchange in self.exchanges
            if exchange.act is Act.PROBE and exchange.question_id == question_id
        ]


class Moderator(Protocol):
    def next_utterance(self, conversation: Conversation) -> Utterance:
        """What to say now. Called only when the last utterance has been answered."""


class ScriptedModerator:
    """Asks the guide's questions in order and follows up by the guide's rules; needs no model."""

    def next_utterance(self, conversation: Conversation) -> Utterance:
        if conversation.seconds_left <= 0:
            return Utterance(act=Act.CLOSING, text=OUT_OF_TIME)
        if probe := self._probe(conversation):
            return probe
        if question := conversation.next_question():
            return Utterance(act=Act.QUESTION, text=question.text, question_id=question.id)
        return Utterance(act=Act.CLOSING, text=CLOSING)

    def _probe(self, conversation: Conversation) -> Utterance | None:
        if not conversation.exchanges:
            return None
        last = conversation.exchanges[-1]
        question = next((q for q in conversation.questions if q.id == last.question_id), None)
        if question is None or not _calls_for_more(question, last.words or 0):
            return None
        asked = conversation.probes_of(question.id)
        if len(asked) >= question.most:
            return None
        said = {exchange.text for exchange in asked}
        for text in (*question.probes, *NEUTRAL_PROBES):
            if text not in said:
                return Utterance(act=Act.PROBE, text=text, question_id=question.id)
        return None


def _calls_for_more(question: Question, words: int) -> bool:
    if words == 0 or question.follow_up is FollowUp.NEVER:
        return False
    return question.follow_up is FollowUp.ALWAYS or words < question.short
