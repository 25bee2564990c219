"""People: a list of names and e-mail addresses, as it is pasted or comes out of a spreadsheet.

A list is read line by line, so that what is wrong with one says nothing about the next.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST = 5000
LONGEST_NAME = 120
LONGEST_EMAIL = 254
SEPARATORS = "\t;,"
EMAIL = re.compile(r"[^@\s<>(),;:\"\[\]\\]+@[^@\s<>(),;:\"\[\]\\]+\.[^@\s<>(),;:\"\[\]\\.]+")
# As mail programs write an address: “Jane Doe <jane@example.org>”.
WRITTEN_OUT = re.compile(r"\s*\"?([^<>\"]*?)\"?\s*<\s*([^<>\s]+)\s*>\s*")

# What heads of columns are called, in the languages that there are pages in.
NAMES = {"name", "full name", "participant", "vor- und nachname", "nom", "nombre", "nome"}
FIRST_NAMES = {"first name", "firstname", "first", "given name", "vorname", "prénom", "prenom"}
LAST_NAMES = {"last name", "lastname", "last", "surname", "family name", "nachname", "apellidos"}
EMAILS = {"e-mail", "email", "mail", "e-mail address", "email address", "e-mail-adresse"} | {
    "correo",
    "correo electrónico",
    "courriel",
    "adresse e-mail",
    "endereço de e-mail",
}


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str = ""

    @property
    def key(self) -> str:
        """By which somebody is told from others: the address, else the name."""
        return (self.email or self.name).casefold()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list, numbered from 1, that nobody can be taken from, and why."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class People:
    good: Sequence[Person]
    wrong: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which cells are what; `emails` is None where nobody has said."""

    names: tuple[int, ...] = ()
    emails: int | None = None


class TooMany(Exception):
    """More lines than are taken at a time."""


def decoded(data: bytes) -> str:
    """A file's text, in whatever way spreadsheets have written it."""
    for marks, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(marks):
            return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def read(text: str, known: frozenset[str] = frozenset()) -> People:
    """The people of a list, each once, in its order. `known` are the keys of who is there already.

    Raises `TooMany`. Columns are told by their head, else by what is in them.
    """
    lines = [
        (number, line.strip().strip("\ufeff"))
        for number, line in enumerate(text.replace("\0", "").splitlines(), 1)
        if line.strip(f" {SEPARATORS}\ufeff")
    ]
    separator = _separator([line for _, line in lines])
    head = _head(_cells(lines[0][1], separator)) if lines else None
    if len(lines) - (head is not None) > MOST:
        raise TooMany(f"{len(lines)} lines")
    good: list[Person] = []
    wrong: list[Line] = []
    seen: dict[str, int] = {}
    for number, line in lines[1:] if head else lines:
        try:
            person = _person(_cells(line, separator), head)
            if person.key in known:
                raise ValueError("has a link in this study already")
            if person.key in seen:
                raise ValueError(f"the same as line {seen[person.key]}")
        except ValueError as cause:
            wrong.append(Line(number, line, str(cause)))
        else:
            seen[person.key] = number
            good.append(person)
    return People(good, wrong)


def checked(name: str, email: str) -> Person:
    """Raises `ValueError`, whose words say what is wrong, where that is nobody."""
    name = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    email = email.strip()
    if email and not EMAIL.fullmatch(email):
        raise ValueError(f"“{email[:60]}” is no e-mail address")
    if not email and not name:
        raise ValueError("there is neither a name nor an e-mail address")
    if name and not any(char.isalnum() for char in name):
        raise ValueError(f"“{name[:60]}” is no name")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"the name is longer than {LONGEST_NAME} characters")
    if len(email) > LONGEST_EMAIL:
        raise ValueError(f"the address is longer than {LONGEST_EMAIL} characters")
    return Person(name, email)


def _separator(lines: Sequence[str]) -> str:
    """What most lines hold; of two in as many the one that rarely stands in a name."""
    held = {sign: sum(sign in line for line in lines) for sign in SEPARATORS}
    return max(SEPARATORS, key=lambda sign: held[sign])


def _cells(line: str, separator: str) -> list[str]:
    # Each line alone: a quotation mark that is never closed swallows no other.
    try:
        row = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        # Longer than a cell may be.
        row = [line]
    return [cell.strip() for cell in row]


def _head(cells: Sequence[str]) -> Columns | None:
    words = [cell.casefold() for cell in cells]
    if any("@" in word for word in words):
        return None
    names = [at for at, word in enumerate(words) if word in NAMES]
    if not names:
        names = [at for kind in (FIRST_NAMES, LAST_NAMES) for at in _places(words, kind)]
    emails = list(_places(words, EMAILS))
    if not names and not emails:
        return None
    return Columns(tuple(names), emails[0] if emails else None)


def _places(words: Sequence[str], kind: set[str]) -> Iterator[int]:
    return (at for at, word in enumerate(words) if word in kind)


def _person(cells: Sequence[str], head: Columns | None) -> Person:
    if head:
        name = " ".join(cells[at] for at in head.names if at < len(cells))
        has_email = head.emails is not None and head.emails < len(cells)
        return checked(name, cells[head.emails or 0] if has_email else "")
    filled = [cell for cell in cells if cell]
    if len(filled) == 1 and (found := WRITTEN_OUT.fullmatch(filled[0])):
        return checked(found[1], found[2])
    emails = [cell for cell in filled if "@" in cell]
    names = [cell for cell in filled if "@" not in cell]
    if len(emails) > 1:
        raise ValueError("there are two e-mail addresses")
    if len(names) > 2:
        raise ValueError("there is more than a name and an e-mail address; name the columns")
    return checked(" ".join(names), emails[0] if emails else "")
