"""Questions: what is asked, how, of whom, and what may follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

# What a condition may rest on besides the answers to choose from.
WAS_ANSWERED, WAS_SKIPPED = "answered", "skipped"


class FollowUp(StrEnum):
    NEVER = "never"
    IF_SHORT = "if_short"
    ALWAYS = "always"


class Wording(StrEnum):
    """Who words a question: the guide to the letter, or a moderator that leads over to it."""

    VERBATIM = "verbatim"
    FREE = "free"


class Kind(StrEnum):
    """What a participant is shown beside a question."""

    IMAGE = "image"
    VIDEO = "video"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """Shown beside a question. `source` is a name in the storage, or for a link an address; `alt`
    says what there is to see to those who do not see it."""

    kind: Kind
    source: str
    alt: str = ""

    @property
    def file(self) -> str:
        """What a file is called in its study's folder; an address is none."""
        return "" if self.kind is Kind.LINK else self.source.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One answer to choose. One that `ends` ends the interview, kindly: it is about others."""

    id: str
    text: str
    ends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """An earlier question and what of its answer: ids of options, or the two words above."""

    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question and when the moderator asks for more.

    `short` is the number of words below which an answer counts as short; `most` is how many
    follow-ups may be asked; `probes` are the researcher's own follow-up questions, in order.
    One that is not `must_ask` is left out when time is short, those of the highest `priority`
    number first; `seconds` is what it may take; about a `sensitive` one little is asked and
    nothing quoted; `goals` are what its answer should tell, which only a model reads. With
    `options` one of them is chosen; `show_if` says after which answers it is asked at all.
    """

    id: str
    text: str
    follow_up: FollowUp = FollowUp.IF_SHORT
    short: int = 12
    most: int = 1
    probes: tuple[str, ...] = field(default=())
    must_ask: bool = True
    priority: int = 2
    seconds: float | None = None
    sensitive: bool = False
    goals: tuple[str, ...] = field(default=())
    wording: Wording = Wording.VERBATIM
    options: tuple[Option, ...] = field(default=())
    show_if: Condition | None = None
    stimulus: Stimulus | None = None

    def calls_for_more(self, words: int) -> bool:
        """By its own rule. `words` are all that were said to it so far; 0 is a skip."""
        if words == 0 or self.follow_up is FollowUp.NEVER:
            return False
        # The answers to choose from are short because the guide has them so.
        is_short = words < self.short and not self.options
        return self.follow_up is FollowUp.ALWAYS or is_short

    @property
    def screens(self) -> bool:
        """Whether some of its answers end the interview."""
        return any(option.ends for option in self.options)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Question:
        """Fields that an earlier version had not are as they are by default."""
        given = {one.name: kept[one.name] for one in fields(cls) if one.name in kept}
        shown, condition = given.get("stimulus"), given.get("show_if")
        return cls(
            **given
            | {
                "follow_up": FollowUp(kept["follow_up"]),
                "wording": Wording(given.get("wording", Wording.VERBATIM)),
                "probes": tuple(given.get("probes", ())),
                "goals": tuple(given.get("goals", ())),
                "options": tuple(Option(**one) for one in given.get("options", ())),
                "stimulus": Stimulus(**shown | {"kind": Kind(shown["kind"])}) if shown else None,
                "show_if": _condition(condition) if condition else None,
            }
        )

    def as_json(self) -> dict[str, Any]:
        """What is as by default is left out, but for what every version has written."""
        always = {"id", "text", "follow_up", "short", "most", "probes", "must_ask", "priority"}
        always |= {"seconds", "sensitive", "goals"}
        kept = {
            name: value
            for name, value in asdict(self).items()
            if name in always or value != getattr(Question(id="", text=""), name)
        }
        kept |= {"probes": list(self.probes), "goals": list(self.goals)}
        if self.options:
            kept["options"] = [asdict(option) for option in self.options]
        if self.show_if:
            kept["show_if"]["answers"] = list(self.show_if.answers)
        return kept


def _condition(kept: Mapping[str, Any]) -> Condition:
    return Condition(question=kept["question"], answers=tuple(kept["answers"]))
