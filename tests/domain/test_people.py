"""Lists of people as they are pasted: every good line is taken, every other one is named."""

from __future__ import annotations

import pytest

from qualz import people
from qualz.people import Line, Person, TooMany

JANE = Person("Jane Doe", "jane@example.org")
BO = Person("Bo", "bo@example.org")


@pytest.mark.parametrize(
    "text",
    [
        "Jane Doe,jane@example.org\nBo,bo@example.org",
        "jane@example.org;Jane Doe\r\nbo@example.org;Bo\r\n",
        "Jane Doe\tjane@example.org\nBo\tbo@example.org",
        "\ufeffE-Mail;Name\njane@example.org;Jane Doe\nbo@example.org;Bo",
        "id,First name,Last name,email\n1,Jane,Doe,jane@example.org\n2,Bo,,bo@example.org",
        '"Jane Doe" <jane@example.org>\nBo <bo@example.org>',
        ",\nJane,Doe,jane@example.org\n\n;\nBo,,bo@example.org",
    ],
)
def test_columns_come_in_any_order_with_or_without_a_head(text: str):
    assert people.read(text) == people.People([JANE, BO], [])


def test_what_is_wrong_is_named_by_its_line_and_costs_no_other():
    text = """Jane Doe,jane@example.org
Al,al(at)example@org
"Eve,eve@example.org
-,
jane d,JANE@example.org
Bo,bo@example.org
Kim,kim@example.org,x@y.example
Known,known@example.org"""
    found = people.read(text, frozenset({"known@example.org"}))
    assert found.good[0] == JANE
    assert found.good[-1] == BO
    assert [(line.number, line.reason) for line in found.wrong] == [
        (2, "“al(at)example@org” is no e-mail address"),
        (3, "“Eve,eve@example.org” is no e-mail address"),
        (4, "“-” is no name"),
        (5, "the same as line 1"),
        (7, "there are two e-mail addresses"),
        (8, "has a link in this study already"),
    ]
    assert found.wrong[0] == Line(2, "Al,al(at)example@org", found.wrong[0].reason)


def test_names_alone_are_people_too_and_commas_in_them_are_quoted():
    found = people.read('Jane\n"Doe, John",john@example.org')
    assert found.good == [Person("Jane"), Person("Doe, John", "john@example.org")]


def test_a_list_that_is_too_long_is_refused_whole():
    lines = "\n".join(f"p{number}@example.org" for number in range(people.MOST + 1))
    with pytest.raises(TooMany):
        people.read(lines)
    assert len(people.read("e-mail\n" + lines.rpartition("\n")[0]).good) == people.MOST


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_are_read_as_spreadsheets_write_them(encoding: str):
    assert people.decoded("José;jose@example.org".encode(encoding)).lstrip("\ufeff") == (
        "José;jose@example.org"
    )
