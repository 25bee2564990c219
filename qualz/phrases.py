"""Phrases: what simulated participants say in a language, read from `persona_phrases/*.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Self

FOLDER = Path(__file__).parent / "persona_phrases"
# As many of them as there are kinds of questions that can bring one.
LEAST_FACTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Of one language. `facts`, `filler`, `mixed` and `turns_round` stand inside an answer, the
    others are whole ones. `stops` is said of a sudden, `stops_here` where one is asked."""

    code: str
    stops: str
    stops_here: str
    goes_on: str
    turns_round: str
    facts: tuple[str, ...]
    filler: tuple[str, ...]
    short: tuple[str, ...]
    lost: tuple[str, ...]
    evasive: tuple[str, ...]
    rude: tuple[str, ...]
    mixed: tuple[str, ...]

    @classmethod
    def of(cls, language: str) -> Phrases:
        """In that language; in English where there are none."""
        known = _all()
        return known.get(language.split("-")[0].casefold(), known["en"])

    @classmethod
    def known(cls) -> list[Phrases]:
        return list(_all().values())

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """Raises `ValueError`, saying what is missing, too many, empty or no text."""
        names = [one.name for one in fields(cls)]
        if odd := sorted(set(names) ^ set(kept)):
            raise ValueError(f"missing or unknown: {', '.join(odd)}")
        several = {one.name for one in fields(cls) if one.type != "str"}
        for name in names:
            given = kept[name]
            if isinstance(given, list) != (name in several):
                raise ValueError(f"{name} is {'no' if name in several else 'a'} list")
            texts = given if name in several else [given]
            if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
                raise ValueError(f"{name} is empty or no text")
        if len(set(kept["facts"])) < LEAST_FACTS:
            raise ValueError(f"fewer than {LEAST_FACTS} facts")
        found: dict[str, Any] = dict(kept)
        return cls(**found | {name: tuple(kept[name]) for name in several})


@cache
def _all() -> dict[str, Phrases]:
    """By language, each file read once."""
    found = {}
    for path in sorted(FOLDER.glob("*.toml")):
        try:
            found[path.stem] = Phrases.read(tomllib.loads(path.read_text(encoding="utf-8")))
        except ValueError as cause:
            raise ValueError(f"{path.name}: {cause}") from None
    return found
