"""Conversations: where an interview stands, folded from its events and from nothing else.

The log is the truth. `Conversation.of` reads it from the start, `after` takes one event more; the
same events always give the same conversation, in any process, on any day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from qualz.ai.language import Language, count_words

# Until an answer's words are known, its length is estimated from how long it took: English
# conversation runs at about 140 words a minute.
WORDS_PER_SECOND = 140 / 60


class Kind(StrEnum):
    """What can happen in a conversation."""

    BEGAN = "began"
    ANSWERED = "answered"
    HEARD = "heard"
    DECIDING = "deciding"
    SAID = "said"
    ENDED = "ended"
    REOPENED = "reopened"


class Act(StrEnum):
    """What a moderator does with an utterance."""

    QUESTION = "question"
    PROBE = "probe"
    # A fixed answer to what was asked of the moderator itself, or to a wish to stop.
    REPLY = "reply"
    # A fixed text after signs of distress.
    SAFEGUARD = "safeguard"
    REOPENING = "reopening"
    CLOSING = "closing"


class Manner(StrEnum):
    """How an answer was given."""

    TYPED = "typed"
    SPOKEN = "spoken"
    SKIPPED = "skipped"


class Probing(StrEnum):
    """Where a study's follow-up questions come from."""

    # From what the participant said, by the moderator.
    ADAPTIVE = "adaptive"
    # The same ones in the same order for everybody, so that answers can be compared.
    STANDARDISED = "standardised"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an interview was begun under. Fixed then: later changes are for those after it.

    `seconds` is the time limit, `most_follow_ups` the limit in all; `ending` is the study's last
    word, said where the language has no closing of its own.
    """

    language: str = "en"
    seconds: float = 1800
    probing: Probing = Probing.ADAPTIVE
    most_follow_ups: int = 30
    aim: str = ""
    ending: str = ""
    guide: str = ""

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Terms:
        """Fields that a later version has added are passed over."""
        known = {one.name for one in fields(cls)} & kept.keys()
        given = {name: kept[name] for name in known}
        return cls(**given | {"probing": Probing(given.get("probing", Probing.ADAPTIVE))})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def speech(self) -> Language:
        return Language.of(self.language, ending=self.ending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`seconds` is how long a spoken one took, `at` the recorded time of the interview then."""

    manner: Manner
    text: str = ""
    seconds: float = 0
    at: float = 0
    # Whether its text is a machine's draft of what was said.
    is_draft: bool = False
    # The id of the option that was chosen: then the text is the guide's.
    choice: str | None = None

    @property
    def own_words(self) -> str:
        """What may be read for what a participant wants: a chosen “No” declines nothing."""
        return "" if self.choice else self.text

    @property
    def words(self) -> int:
        """How many words, or about how many while nobody has heard it yet."""
        if self.manner is Manner.SKIPPED:
            return 0
        if self.manner is Manner.SPOKEN and not self.text:
            return max(1, round(self.seconds * WORDS_PER_SECOND))
        return count_words(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One utterance of the moderator, by its turn in the transcript, and the answer to it."""

    turn: int
    act: Act
    text: str
    question_id: str | None
    kind: str | None = None
    at: float = 0
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """All that a decision may rest on."""

    terms: Terms
    exchanges: tuple[Exchange, ...] = ()
    keys: frozenset[str] = frozenset()
    # Seconds since 1970 until which the answer to come is left to whoever is asking a model.
    deciding_until: float | None = None
    ended: str | None = None

    @classmethod
    def of(cls, events: Iterable[tuple[Kind, Mapping[str, Any]]]) -> Conversation:
        found = cls(terms=Terms())
        for kind, payload in events:
            found = found.after(kind, payload)
        return found

    def after(self, kind: Kind, payload: Mapping[str, Any]) -> Conversation:
        """The conversation once that has happened."""
        return getattr(self, f"_{kind.value}")(payload)  # type: ignore[no-any-return]

    # ---- what it answers

    @property
    def last(self) -> Exchange | None:
        return self.exchanges[-1] if self.exchanges else None

    @property
    def awaits_moderator(self) -> bool:
        """Whether the moderator is to speak: at the start, and once they were answered."""
        return self.last is None or self.last.answer is not None

    @property
    def is_closed(self) -> bool:
        return self.last is not None and self.last.act is Act.CLOSING

    @property
    def spent(self) -> float:
        """Seconds of the interview, as they were recorded when somebody last spoke."""
        if self.last is None:
            return 0
        return max(self.last.at, self.last.answer.at if self.last.answer else 0)

    def takes(self, key: str, turn: int) -> bool:
        """Whether an answer to that turn is still wanted, and is not one that is kept already."""
        last = self.last
        stands = last is not None and last.answer is None and last.turn == turn
        return stands and not self.is_closed and key not in self.keys

    def about(self, question_id: str | None) -> list[Exchange]:
        """What was said to one question, in order."""
        return [one for one in self.exchanges if one.question_id == question_id]

    @property
    def probes(self) -> list[Exchange]:
        return [one for one in self.exchanges if one.act is Act.PROBE]

    @property
    def asked(self) -> list[str | None]:
        return [one.question_id for one in self.exchanges if one.act is Act.QUESTION]

    # ---- what happens

    def _began(self, payload: Mapping[str, Any]) -> Conversation:
        return replace(self, terms=Terms.from_json(payload))

    def _said(self, payload: Mapping[str, Any]) -> Conversation:
        said = Exchange(
            turn=payload["turn"],
            act=Act(payload["act"]),
            text=payload["text"],
            question_id=payload.get("question"),
            kind=payload.get("kind"),
            at=payload.get("at", 0),
        )
        return replace(self, exchanges=(*self.exchanges, said), deciding_until=None)

    def _answered(self, payload: Mapping[str, Any]) -> Conversation:
        answer = Answer(
            manner=Manner(payload["manner"]),
            text=payload.get("text", ""),
            seconds=payload.get("seconds", 0),
            at=payload.get("at", 0),
            choice=payload.get("choice"),
        )
        *before, last = self.exchanges
        return replace(
            self,
            exchanges=(*before, replace(last, answer=answer)),
            keys=self.keys | {payload["key"]},
        )

    def _heard(self, payload: Mapping[str, Any]) -> Conversation:
        """Somebody has listened to a spoken answer; `to` is the turn that it answers."""
        return replace(self, exchanges=tuple(_hear(one, payload) for one in self.exchanges))

    def _deciding(self, payload: Mapping[str, Any]) -> Conversation:
        return replace(self, deciding_until=payload["until"])

    def _ended(self, payload: Mapping[str, Any]) -> Conversation:
        return replace(self, ended=payload["how"])

    def _reopened(self, _payload: Mapping[str, Any]) -> Conversation:
        return replace(self, ended=None)


def _hear(one: Exchange, payload: Mapping[str, Any]) -> Exchange:
    if one.turn != payload["to"] or one.answer is None:
        return one
    is_draft = payload.get("is_draft", True)
    return replace(one, answer=replace(one.answer, text=payload["text"], is_draft=is_draft))
