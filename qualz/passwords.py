"""Passwords that are among the first to be tried. How they are kept is `researcher`'s concern.

Length and this are all that is asked for: no digits, no signs, no change every so often
(NIST SP 800-63B, 3.1.1.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
# What is left has to be worth guessing once everything that is known beforehand is taken out.
FEWEST_OWN = 6
FEWEST_DIFFERENT = 5
# Runs of these in either direction say nothing.
ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
)
SHORTEST_RUN = 4
KNOWN = ("password", "passwort", "passwd", "letmein", "welcome", "iloveyou", "changeme", "qualz")

COMMON = "This password is among those that are tried first. Choose another; four words do well."
ABOUT_YOU = "This password is little more than your name or address. Choose one that says neither."


def what_is_wrong(password: str, *, about: Iterable[str] = ()) -> str:
    """Why this password would be guessed, in a sentence; an empty text where it would not.

    `about`: what anybody may know of its owner, such as name and e-mail address.
    """
    plain = password.casefold()
    if plain in _common() or len(set(plain)) < FEWEST_DIFFERENT or _is_repeated(plain):
        return COMMON
    left = _without(plain, KNOWN)
    if len(_without_runs(left)) < FEWEST_OWN:
        return COMMON
    if len(_without_runs(_without(left, _words(about)))) < FEWEST_OWN:
        return ABOUT_YOU
    return ""


@cache
def _common() -> frozenset[str]:
    lines = (Path(__file__).parent / "common_passwords.txt").read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _is_repeated(plain: str) -> bool:
    """A piece of up to four characters, again and again."""
    return any(plain == (plain[:size] * len(plain))[: len(plain)] for size in range(1, 5))


def _words(about: Iterable[str]) -> Iterator[str]:
    for one in about:
        yield from sorted(re.split(r"[\W_]+", one.casefold()), key=len, reverse=True)


def _without(plain: str, words: Iterable[str]) -> str:
    for word in words:
        if len(word) > 2:
            plain = plain.replace(word, "")
    return plain


def _without_runs(plain: str) -> str:
    for row in (one for forth in ROWS for one in (forth, forth[::-1])):
        for size in range(len(row), SHORTEST_RUN - 1, -1):
            for start in range(len(row) - size + 1):
                plain = plain.replace(row[start : start + size], "")
    return re.sub(r"\W", "", plain)
