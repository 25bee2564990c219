"""An interview's log in memory: the real rules and fold, without a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qualz import rules
from qualz.ai.scripted import ScriptedModerator
from qualz.conversation import Act, Conversation, Kind, Manner, Terms
from qualz.guide import Question
from qualz.moderator import Moderator, Utterance

Decide = Callable[[Conversation, Sequence[Question], Moderator], Utterance]


@dataclass
class Talk:
    """Speaks and listens as `Interview` does. `seconds_an_answer` lets the time go by."""

    questions: Sequence[Question]
    moderator: Moderator = field(default_factory=ScriptedModerator)
    terms: Terms = field(default_factory=Terms)
    seconds_an_answer: float = 10
    decide: Decide = rules.decide
    events: list[tuple[Kind, Mapping[str, Any]]] = field(default_factory=list)
    at: float = 0

    def __post_init__(self) -> None:
        # As it stands, kept beside the log as a process would that has not died meanwhile.
        self.now = Conversation.of(self.events)
        if not self.events:
            self.happens(Kind.BEGAN, self.terms.as_json())

    def happens(self, kind: Kind, payload: Mapping[str, Any]) -> None:
        self.events.append((kind, payload))
        self.now = self.now.after(kind, payload)

    @property
    def said(self) -> list[str]:
        return [payload["text"] for kind, payload in self.events if kind is Kind.SAID]

    def hears(self) -> str:
        """What the moderator says now; decided anew only when that has been answered."""
        talk = self.now
        if talk.awaits_moderator:
            said = self.decide(talk, self.questions, self.moderator)
            told = {"turn": self._turns + 1, "act": said.act, "text": said.text, "at": self.at}
            told |= {"question": said.question_id, "kind": said.kind, "origin": said.origin}
            self.happens(Kind.SAID, {**told, **said.notes})
        last = self.now.last
        assert last is not None
        return last.text

    def answers(
        self,
        text: str = "",
        manner: Manner = Manner.TYPED,
        seconds: float | None = None,
        choice: str | None = None,
    ) -> str:
        """Answer what stands, and hear what comes next."""
        to = self.now.last
        assert to is not None
        self.at += self.seconds_an_answer if seconds is None else seconds
        if self.now.takes(f"key-{to.turn}", to.turn):
            told = {"to": to.turn, "turn": self._turns + 1, "key": f"key-{to.turn}"}
            told |= {"manner": manner.value, "text": text, "seconds": seconds or 0, "at": self.at}
            told |= {"choice": choice} if choice else {}
            self.happens(Kind.ANSWERED, told)
        return self.hears()

    @property
    def is_closed(self) -> bool:
        last = self.now.last
        return last is not None and last.act is Act.CLOSING

    @property
    def _turns(self) -> int:
        return sum(kind in (Kind.SAID, Kind.ANSWERED) for kind, _ in self.events)


def heard_after(
    *answers: str,
    questions: Sequence[Question],
    moderator: Moderator | None = None,
    **terms: Any,
) -> list[str]:
    """All that the moderator says when it is answered so."""
    talk = Talk(questions, moderator or ScriptedModerator(), Terms(**terms))
    talk.hears()
    for answer in answers:
        talk.answers(answer, Manner.TYPED if answer else Manner.SKIPPED)
    return talk.said
