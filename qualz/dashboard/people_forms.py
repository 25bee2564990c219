"""The forms that make personal links: of one person, and of a list."""

from __future__ import annotations

from typing import Any

from wtforms import FileField, StringField, TextAreaField
from wtforms.validators import Length

from qualz import people
from qualz.dashboard.forms import Summarised, stripped
from qualz.people import LONGEST_EMAIL, LONGEST_NAME, MOST, People, Person, TooMany


class PersonForm(Summarised):
    name = StringField(
        "Name",
        [Length(max=LONGEST_NAME, message=f"Keep the name within {LONGEST_NAME} characters.")],
        filters=[stripped],
        id="person-name",
    )
    email = StringField(
        "E-mail address (optional)",
        [Length(max=LONGEST_EMAIL, message="Keep the address within 254 characters.")],
        filters=[stripped],
        id="person-email",
    )
    person: Person

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        try:
            self.person = people.checked(self.name.data or "", self.email.data or "")
        except ValueError as cause:
            wrong = self.email if "address" in str(cause) and self.email.data else self.name
            wrong.errors = [f"{str(cause)[:1].upper()}{str(cause)[1:]}."]
        return not self.errors

    def refuse_known(self) -> None:
        self.email.errors = ["This address has a link in this study already; see the list below."]


class ListForm(Summarised):
    text = TextAreaField("People, one a line", id="people-text")
    file = FileField("Or a CSV file", id="people-file")

    def people_in(self, file: bytes, known: frozenset[str]) -> People | None:
        """What the list or the file holds; None, and errors, where it is not to be read."""
        text = self.text.data or ""
        if text.strip() and file:
            self.file.errors = ["Send the list or the file, one after the other."]
            return None
        try:
            found = people.read(people.decoded(file) if file else text, known)
        except TooMany as cause:
            self.text.errors = [f"There are {cause}. Make links for {MOST:,} people at a time."]
            return None
        if not found.good and not found.wrong:
            self.text.errors = ["Write at least one name or e-mail address."]
            return None
        return found
