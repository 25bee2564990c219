"""Moderators: who proposes what is said next. `rules.py` decides.

A moderator keeps no state of an interview: it is told all there is to know in a `Brief`, so a
reload, a drop or another process changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from qualz.conversation import Act, Exchange, Terms
from qualz.question import Question


class Origin(StrEnum):
    """Whose words an utterance is in."""

    GUIDE = "guide"
    SCRIPT = "script"
    MODEL = "model"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """What the moderator says next, and which question of the guide it serves, if any.

    `kind` is the kind of a probe or the name of a fixed text; `notes` is kept in the log with it,
    so that every follow-up can be explained.
    """

    act: Act
    text: str
    question_id: str | None = None
    origin: Origin = Origin.SCRIPT
    kind: str | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def noting(self, notes: Mapping[str, Any]) -> Utterance:
        return replace(self, notes={name: note for name, note in notes.items() if note})


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """All that a moderator is told: one question, what was said about it, and its limits.

    `hidden` are the questions that are still to come, for what not to ask; `lead_over_to` is the
    next one where it may be asked in other words.
    """

    question: Question
    about: tuple[Exchange, ...]
    said: tuple[str, ...]
    follow_ups_left: int
    seconds_left: float
    terms: Terms
    hidden: tuple[str, ...] = ()
    lead_over_to: str = ""

    @property
    def words(self) -> int:
        """How much was said about the question so far."""
        return sum(one.answer.words for one in self.about if one.answer)

    @property
    def probes(self) -> list[Exchange]:
        return [one for one in self.about if one.act is Act.PROBE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a moderator would say. Without a probe it would go on, by `lead` in its own words.

    `is_fixed` marks one that may be asked where all are asked the same; `flags` can only make the
    rules more careful; `why` says what was given up on the way, and goes into the log.
    """

    wants_probe: bool = False
    text: str = ""
    lead: str = ""
    kind: str = "elaborate"
    origin: Origin = Origin.SCRIPT
    is_fixed: bool = False
    flags: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


class Moderator(Protocol):
    @property
    def patience(self) -> float:
        """The most seconds that `propose` may take; 0 where it answers at once."""

    def propose(self, brief: Brief) -> Proposal:
        """Called only when the last utterance has been answered, and a follow-up is allowed or the
        next question may be led over to."""
