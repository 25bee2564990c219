"""Forms of the team: an invitation, somebody's role, joining, and who sees a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wtforms import EmailField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import Length, Optional, Regexp

from qualz.dashboard.forms import Summarised, choice, stripped
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A role as it is chosen from one list: whether somebody is a guest is part of it."""

    role: Role
    is_guest: bool = False

    @property
    def value(self) -> str:
        return f"{self.role}-guest" if self.is_guest else self.role.value

    @property
    def name(self) -> str:
        return f"{self.role.capitalize()}, as a guest" if self.is_guest else self.role.capitalize()

    @classmethod
    def of(cls, person: Researcher) -> Standing:
        return cls(role=person.role, is_guest=person.is_guest)

    @classmethod
    def read(cls, value: str) -> Standing:
        word, _, guest = value.partition("-")
        return cls(role=Role(word), is_guest=guest == "guest")


STANDINGS = (
    *(Standing(role=role) for role in Role),
    Standing(role=Role.RESEARCHER, is_guest=True),
    Standing(role=Role.VIEWER, is_guest=True),
)


def standings(by: Researcher) -> list[Standing]:
    """Those that they may give."""
    return [one for one in STANDINGS if one.role in by.role.governs]


class StandingForm(Summarised):
    standing = SelectField("Role")

    def __init__(self, *args: Any, by: Researcher, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standing.choices = [choice(one.value, one.name) for one in standings(by)]

    @property
    def chosen(self) -> Standing:
        return Standing.read(self.standing.data or "")


class InviteForm(StandingForm):
    name = StringField(
        "Name",
        [Length(max=120, message="Keep the name within 120 characters.")],
        filters=[stripped],
    )
    email = EmailField(
        "E-mail address",
        [
            Optional(),
            Regexp(
                r"^[^@\s]+@[^@\s]+$",
                message="Write the whole e-mail address, like name@example.org.",
            ),
            Length(max=254),
        ],
        filters=[stripped],
    )
    studies = SelectMultipleField("Let them into")

    def __init__(self, *args: Any, by: Researcher, of: Sequence[Study] = (), **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        self.studies.choices = [choice(study.public_id, study.name) for study in of]


class AccessForm(Summarised):
    """Who sees a study. `people` are those for whom it makes a difference."""

    seen_by = RadioField(
        "Who sees it",
        choices=[choice("team", "The whole team"), choice("chosen", "Only people chosen below")],
    )
    people = SelectMultipleField("People", coerce=int)

    def __init__(self, *args: Any, of: Sequence[Researcher] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people.choices = [choice(one.id, one.name) for one in of]  # type: ignore[arg-type]
