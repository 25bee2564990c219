"""The moderator with a language model behind it. Whatever the model does, it has a proposal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from qualz.ai import contract
from qualz.ai.breaker import Breaker
from qualz.ai.endpoint import EndpointError, Messages, TooLong
from qualz.ai.linter import complaints
from qualz.ai.scripted import ScriptedModerator
from qualz.conversation import Manner
from qualz.moderator import Brief, Moderator, Proposal

log = logging.getLogger(__name__)

# How long a participant is kept waiting, in seconds: who speaks expects an answer sooner.
FOR_TYPED, FOR_SPOKEN = 12.0, 6.0
# A second try has to be worth it.
LEAST = 1.0
SHORTENED = 1500


class Model(Protocol):
    """What completes a chat. See `Endpoint`."""

    model: str

    def complete(self, messages: Messages, schema: dict[str, Any], *, within: float) -> str: ...


class _Unusable(Exception):
    """The model gave nothing that can be asked; `why` in short words."""

    def __init__(self, why: list[str], *, wanted_probe: bool = False) -> None:
        super().__init__(", ".join(why))
        self.why, self.wanted_probe = why, wanted_probe


@dataclass
class LanguageModelModerator(Moderator):
    """Asks a model once, and once more if what came cannot be used; then the script decides."""

    model: Model
    breaker: Breaker = field(default_factory=Breaker)
    now: Callable[[], float] = time.monotonic

    @property
    def patience(self) -> float:
        return 0.0 if self.breaker.is_open else FOR_TYPED

    def propose(self, brief: Brief) -> Proposal:
        if self.breaker.is_open:
            return _by_script(brief, ["model rests"])
        answer = brief.about[-1].answer
        if answer is not None and answer.manner is Manner.SPOKEN and not answer.text:
            return _by_script(brief, ["not heard yet"])
        try:
            proposal = self._by_model(brief)
        except EndpointError as cause:
            self._note_failure(cause.reason)
            return _by_script(brief, [f"model {cause.reason}"])
        except _Unusable as cause:
            self._note_failure(str(cause))
            if cause.wanted_probe:
                # It wanted to know more and found no words: the guide's, or neutral ones, will do.
                return Proposal(wants_probe=True, why=tuple(cause.why))
            return _by_script(brief, cause.why)
        self.breaker.worked()
        return proposal

    def _note_failure(self, reason: str) -> None:
        log.warning("The language model was not used: %s", reason)
        self.breaker.failed()

    def _by_model(self, brief: Brief) -> Proposal:
        answer = brief.about[-1].answer
        is_spoken = answer is not None and answer.manner is Manner.SPOKEN
        until = self.now() + (FOR_SPOKEN if is_spoken else FOR_TYPED)
        sent = contract.messages(brief)
        try:
            text = self._complete(sent, until)
        except TooLong:
            sent = contract.messages(brief, longest=SHORTENED)
            text = self._complete(sent, until)
        reply, wrong = judge(text, brief)
        repaired: list[str] = []
        if wrong and until - self.now() > LEAST:
            repaired = wrong
            text = self._complete([*sent, *contract.repair(text, wrong)], until)
            reply, wrong = judge(text, brief)
        if reply is None or wrong:
            why = [f"model: {reason}" for reason in dict.fromkeys([*repaired, *wrong])]
            raise _Unusable(why, wanted_probe=reply is not None)
        if "injection" in reply.flags:
            # What it made of an instruction to itself is not to be trusted.
            return replace(_by_script(brief, ["model: injection"]), flags=reply.flags)
        notes: dict[str, Any] = {"model": self.model.model, "prompt": contract.digest(sent)}
        notes |= {"repaired": repaired} if repaired else {}
        return reply.proposal(**notes)

    def _complete(self, sent: Messages, until: float) -> str:
        left = until - self.now()
        if left <= 0:
            raise EndpointError("timed out")
        return self.model.complete(sent, contract.SCHEMA, within=left)


def judge(text: str, brief: Brief) -> tuple[contract.Reply | None, list[str]]:
    """The reply, if it is one, and what is wrong with it."""
    try:
        reply = contract.read(text, brief)
    except contract.Broken as broken:
        return None, [str(broken)]
    if not reply.wants_probe:
        return reply, []
    hidden = [*brief.hidden, brief.terms.aim, *brief.question.goals]
    wrong = complaints(
        reply.utterance, brief.terms.speech, said=brief.said, hidden=filter(None, hidden)
    )
    return reply, wrong


def _by_script(brief: Brief, why: list[str]) -> Proposal:
    proposal = ScriptedModerator().propose(brief)
    return replace(proposal, why=(*why, *proposal.why))
