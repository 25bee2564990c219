"""Personas: simulated participants, for trying a guide before anybody is asked.

Each holds a few facts on every question. One comes unasked, the others only to a follow-up that
fits: one that takes up the persona's own words, one that asks for more, one that asks for reasons.
A follow-up about nothing that was said brings nothing. They are drawn by a seed, speak the guide's
language where there are phrases in it and else English, and are no model of anybody.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from qualz.ai.language import fold
from qualz.conversation import Act, Exchange, Manner
from qualz.phrases import Phrases
from qualz.question import Option, Question

# Words a minute. In British English interviews people spoke at 160 to 210, in lectures at 125 to
# 160 (Tauroza and Allison, Speech rates in British English, Applied Linguistics 11, 1990).
SLOWEST, QUICKEST = 125, 210
# Seconds from the end of a question to the answer, to choose from a list, and to look at something.
THINKING, CHOOSING, LOOKING = (1.0, 5.0), (4.0, 12.0), (5.0, 20.0)


@dataclass(frozen=True, slots=True)
class Style:
    """`share` of all participants; how many filler phrases come with a fact; how often somebody
    evades, skips or wants to stop; how likely a fitting follow-up brings its fact."""

    name: str
    share: int
    filler: tuple[int, int]
    evades: float = 0.02
    skips: float = 0.02
    stops: float = 0.0
    tells: float = 0.9


STYLES = (
    Style("terse", 25, (0, 0)),
    Style("rambling", 30, (8, 20), tells=0.95),
    Style("evasive", 15, (1, 4), evades=0.4, skips=0.1, tells=0.5),
    Style("contradictory", 10, (3, 8)),
    Style("hostile", 10, (0, 1), evades=0.25, skips=0.2, stops=0.03, tells=0.4),
    Style("code-switching", 10, (3, 8)),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a persona says. `seconds` from when the moderator begins to speak."""

    text: str
    manner: Manner
    seconds: float
    choice: str | None = None


@dataclass
class Persona:
    chance: random.Random
    style: Style
    phrases: Phrases
    told: int = 0
    # By question: what is still to be told to which kind of follow-up, and what was said.
    _held: dict[str, dict[str, str]] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, seed: int, language: str = "en") -> Persona:
        """The same person by the same seed, whatever the language."""
        chance = random.Random(seed)  # nosec B311 # invents people, not secrets
        style = chance.choices(STYLES, [style.share for style in STYLES])[0]
        return cls(chance, style, Phrases.of(language))

    def replies(
        self, heard: Exchange, question: Question | None, options: tuple[Option, ...]
    ) -> Reply:
        """To what the moderator said last."""
        pace = self.chance.uniform(SLOWEST, QUICKEST) / 60
        before = len(heard.text.split()) / pace + self.chance.uniform(*THINKING)
        if question and question.stimulus and heard.act is Act.QUESTION:
            before += self.chance.uniform(*LOOKING)
        if options:
            option = self.chance.choice(options)
            after = before + self.chance.uniform(*CHOOSING)
            return Reply(option.text, Manner.TYPED, after, option.id)
        if heard.act in (Act.QUESTION, Act.PROBE) and self._happens(self.style.skips):
            return Reply("", Manner.SKIPPED, before)
        text = self._text(heard, question)
        return Reply(text, Manner.TYPED, before + len(text.split()) / pace)

    def _text(self, heard: Exchange, question: Question | None) -> str:
        if question is None or heard.act not in (Act.QUESTION, Act.PROBE):
            return self.phrases.stops_here if self._is_hostile else self.phrases.goes_on
        if self._happens(self.style.stops):
            return self.phrases.stops
        if self._happens(self.style.evades):
            evasions = self.phrases.rude if self._is_hostile else self.phrases.evasive
            return self.chance.choice(evasions)
        fact = self._fact(heard, question)
        text = self._phrased(fact)
        self._said[question.id] = f"{self._said.get(question.id, '')} {text}"
        return text

    def _fact(self, heard: Exchange, question: Question) -> str | None:
        held = self._held.setdefault(question.id, self._all_facts())
        kind = self._kind_of(heard, question)
        if kind is None or (kind != "question" and not self._happens(self.style.tells)):
            return None
        fact = held.pop(kind, None)
        self.told += fact is not None
        return fact

    def _all_facts(self) -> dict[str, str]:
        kinds = ("question", "words", "more", "reason")
        return dict(zip(kinds, self.chance.sample(self.phrases.facts, len(kinds)), strict=True))

    def _kind_of(self, heard: Exchange, question: Question) -> str | None:
        """What a fitting follow-up asks for, by what it says; None for one that does not fit."""
        if heard.act is Act.QUESTION:
            return "question"
        quoted = re.search(r"[“«„]\s*([^”»“]+?)\s*[”»“]", heard.text)
        if quoted:
            return "words" if fold(quoted[1]) in fold(self._said.get(question.id, "")) else None
        if heard.kind == "reason":
            return "reason"
        fits = heard.kind in ("elaborate", "example", "sequence") or heard.text in question.probes
        return "more" if fits else None

    def _phrased(self, fact: str | None) -> str:
        if fact is None:
            return self.chance.choice(self.phrases.lost)
        if self.style.name == "terse":
            return self.chance.choice([_sentence(fact), self.chance.choice(self.phrases.short)])
        filler = self.chance.choices(self.phrases.filler, k=self.chance.randint(*self.style.filler))
        if self.style.name == "code-switching":
            filler.insert(0, self.chance.choice(self.phrases.mixed))
        if self.style.name == "contradictory":
            filler.append(self.phrases.turns_round)
        return _sentence(", ".join([fact, *filler]))

    @property
    def _is_hostile(self) -> bool:
        return self.style.name == "hostile"

    def _happens(self, likely: float) -> bool:
        return self.chance.random() < likely


def _sentence(text: str) -> str:
    """With a capital in front; those inside, as of nouns in German, stay."""
    return f"{text[:1].upper()}{text[1:]}."
