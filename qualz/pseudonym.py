"""Pseudonyms: exports in which participants are called P01, P02 … by the order of their interviews.

Names, e-mail addresses and the link's parameters are replaced wherever they are told of, and inside
what was said where they occur as whole words. What nobody wrote down – a nickname, a name that was
misspelt or misheard, a place, an employer – stays, and so do voices and faces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from qualz.database import db
from qualz.guise import Guise
from qualz.interview import Interview
from qualz.people import EMAIL
from qualz.personal_link import PersonalLink
from qualz.study import Study

WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
# Shorter ones are initials and particles, which would be found everywhere.
SHORTEST = 3
# What has more words, or words in small letters, is a description and no name.
MOST_WORDS = 4
SOMEBODY, ADDRESS = "[name]", "[e-mail]"
# Of a parameter's value, that is looked for in what was said.
SHORTEST_VALUE = 4

Key = tuple[str, ...]

NOT_CAUGHT = (
    "Replaced are the names and addresses that Qualz knows: of interviews and of personal links, "
    "and the parameters of links. Not caught are nicknames, misspelt or misheard names, names "
    "inside words or in writing without spaces, tags, and whatever else tells who somebody is: "
    "places, employers, stories. Read what you pass on."
)


class Pseudonyms(Guise):
    """Those of one study, as it is at the moment."""

    def __init__(self, study: Study) -> None:
        self._names: dict[int, dict[Key, str]] = {}
        self._everybodys: dict[Key, str] = {}
        self._addresses: dict[str, str] = {}
        for number, name, address in _known(study):
            called = _called(number)
            for key in _keys(name):
                self._names.setdefault(number, {})[key] = called
                known = self._everybodys.setdefault(key, called)
                if known != called:
                    # Two of that name: which of them is meant nobody can say.
                    self._everybodys[key] = SOMEBODY
            if address:
                self._addresses.setdefault(address.casefold(), called)

    def label(self, interview: Interview) -> str:
        return _called(interview.number)

    def parameters(self, interview: Interview) -> dict[str, Any]:
        return dict.fromkeys(interview.parameters, _called(interview.number))

    def words(self, text: str, interview: Interview) -> str:
        text = EMAIL.sub(self._address, text)
        for value in sorted(map(str, interview.parameters.values()), key=len, reverse=True):
            if len(value) >= SHORTEST_VALUE:
                whole = rf"(?<!\w){re.escape(value)}(?!\w)"
                text = re.sub(whole, _called(interview.number), text, flags=re.IGNORECASE)
        return self._without_names(text, interview)

    def _place(self, text: str, at: int, quote: str, interview: Interview) -> int | None:
        shown, sought = self.words(text, interview), self.words(quote, interview)
        start = len(self.words(text[:at], interview))
        found = start if shown.startswith(sought, start) else shown.find(sought)
        return None if found < 0 else found

    def _address(self, found: re.Match[str]) -> str:
        address = found[0].rstrip("!?'’…*_")
        return self._addresses.get(address.casefold(), ADDRESS) + found[0][len(address) :]

    def _without_names(self, text: str, interview: Interview) -> str:
        own = self._names.get(interview.number, {})
        words, out, end = list(WORD.finditer(text)), [], 0
        at = 0
        while at < len(words):
            count, called = self._found(words[at : at + MOST_WORDS], text, own)
            if called:
                out += [text[end : words[at].start()], called]
                end = words[at + count - 1].end()
            at += count
        return "".join([*out, text[end:]])

    def _found(
        self, words: list[re.Match[str]], text: str, own: dict[Key, str]
    ) -> tuple[int, str | None]:
        """The longest name that begins there: of how many words, and what stands for it."""
        for count in range(len(words), 0, -1):
            some = words[:count]
            between = [text[a.end() : b.start()] for a, b in pairwise(some)]
            # A single word in small letters is a word: “will” is no Will.
            if any(gap.strip() for gap in between) or (count == 1 and some[0][0][0].islower()):
                continue
            key = tuple(word[0].casefold() for word in some)
            for tried in (key, _without_genitive(key)):
                if called := own.get(tried) or self._everybodys.get(tried):
                    return count, called + _genitive(key, tried)
        return 1, None


def _known(study: Study) -> Iterator[tuple[int, str, str]]:
    """Interviews' numbers with what they and their people are called."""
    mine = (Interview.study_id == study.id, Interview.is_preview.is_(False))
    for number, name in db.session.execute(select(Interview.number, Interview.name).where(*mine)):
        if name and "@" in name:
            yield number, "", name
        elif name and _may_be_a_name(name):
            yield number, name, ""
    links = select(Interview.number, PersonalLink.name, PersonalLink.email).join(
        PersonalLink, PersonalLink.interview_id == Interview.id
    )
    for number, name, address in db.session.execute(links.where(*mine)):
        yield number, name, address


def _may_be_a_name(called: str) -> bool:
    """What a researcher calls an interview may as well describe it."""
    return len(WORD.findall(called)) <= MOST_WORDS and not called[0].islower()


def _keys(name: str) -> Iterator[Key]:
    words = tuple(found[0].casefold() for found in WORD.finditer(name))
    if len("".join(words)) > 1:
        yield words
    yield from ((word,) for word in words if len(word) >= SHORTEST)


def _without_genitive(key: Key) -> Key:
    return (*key[:-1], re.sub(r"['’]s?$", "", key[-1]))


def _genitive(key: Key, tried: Key) -> str:
    return key[-1][len(tried[-1]) :]


def _called(number: int) -> str:
    return f"P{number:02}"
