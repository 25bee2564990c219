"""Languages: what the moderator can say and tell apart in each, read from `languages/*.toml`.

A language without a file of its own still works: buttons, the guide's own words, and the study's
own last word. Nothing is probed for, quoted or told apart in it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "languages"
WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
STRAIGHT = str.maketrans("‘’ʼ`´", "'''''")
# Scripts that leave no space between words: about two signs make one.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# Longer utterances are about something else, even where they hold such words.
MOST_WORDS = {"stop": 8, "declines": 8, "unclear": 12, "human": 12, "distress": 10_000}
QUIET = (
    *("closing", "out_of_time", "screened_out", "reopening", "going_on", "safeguard"),
    *("stopping", "stopped", "human", "unclear", "opening_line", "where_line", "quote_line"),
    "added_line",
)


def fold(text: str) -> str:
    """Small letters, straight apostrophes, single spaces: what patterns are matched against."""
    text = unicodedata.normalize("NFC", text).casefold()
    return " ".join(text.translate(STRAIGHT).split())


def words_of(text: str) -> list[str]:
    return WORD.findall(fold(text))


def count_words(text: str) -> int:
    """How many words a text has; about how many where they are written without spaces."""
    signs = len(UNSPACED.findall(text))
    return len(WORD.findall(UNSPACED.sub(" ", text))) + (signs + 1) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language. `said` are whole sentences, `probes` follow-up questions by their kind."""

    code: str
    is_known: bool = True
    said: Mapping[str, str]
    probes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    intents: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    linter: Mapping[str, re.Pattern[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, code: str, *, ending: str = "") -> Language:
        """The language of that code. `ending`: the study's own last word, for unknown ones."""
        found = _read(code.split("-")[0].casefold())
        if found.is_known or not ending:
            return found
        ends = dict.fromkeys(("closing", "out_of_time", "screened_out"), ending)
        return replace(found, said={**found.said, **ends})

    @classmethod
    def known(cls) -> list[Language]:
        return [_read(path.stem) for path in _files()]

    def means(self, intent: str, text: str) -> bool:
        """Whether somebody says that they want to stop, do not know, and the like."""
        pattern = self.intents.get(intent)
        if pattern is None or not text or count_words(text) > MOST_WORDS[intent]:
            return False
        return any(pattern.search(sentence) for sentence in _sentences(text))

    def content(self, text: str) -> list[str]:
        """The words of a text that carry its meaning, in order."""
        return [word for word in words_of(text) if word not in self.words.get("stop", ())]

    def has(self, kind: str, text: str) -> bool:
        return not self.words.get(kind, frozenset()).isdisjoint(words_of(text))


def _sentences(text: str) -> list[str]:
    """The folded text and each of its sentences without its last sign: `^` and `$` mean those."""
    parts = (part.strip(" ,;:-–—\"'") for part in re.split(r"[.!?…\n]+", fold(text)))
    return [sentence for sentence in (fold(text), *parts) if sentence]


@cache
def _files() -> list[Path]:
    return sorted(FOLDER.glob("*.toml"))


@cache
def _read(code: str) -> Language:
    path = FOLDER / f"{code}.toml"
    if not re.fullmatch(r"[a-z]{2,3}", code) or not path.is_file():
        english = _read("en").said
        return Language(code=code, is_known=False, said={name: english[name] for name in QUIET})
    kept: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return Language(
        code=code,
        said=kept["said"],
        probes={kind: tuple(texts) for kind, texts in kept["probes"].items()},
        words={kind: frozenset(fold(texts).split()) for kind, texts in kept["words"].items()},
        intents=_patterns(kept["intents"]),
        linter=_patterns(kept["linter"]),
    )


def _patterns(kept: dict[str, Any]) -> dict[str, re.Pattern[str]]:
    # Folding writes ß as ss.
    found = {}
    for name, given in kept.items():
        alternatives = [given] if isinstance(given, str) else given
        joined = "|".join(f"(?:{one.replace('ß', 'ss')})" for one in alternatives)
        found[name] = re.compile(joined)
    return found
