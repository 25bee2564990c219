"""Forms: what may be typed where, and what is said when it does not fit.

Cross-site requests are refused for the whole app by CSRFProtect, so the forms need no token field
of their own; the templates send the token along.
"""

from __future__ import annotations

from typing import Any

from wtforms import (
    EmailField,
    Form,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Regexp

from qualz.dashboard.languages import LANGUAGES
from qualz.researcher import SHORTEST_PASSWORD
from qualz.study import Camera, Study

LONGEST_PASSWORD = 256


def stripped(text: str | None) -> str:
    return (text or "").strip()


def one_newline(text: str | None) -> str:
    """Browsers send line breaks as CR LF; they are kept as LF."""
    return stripped(text).replace("\r\n", "\n")


def choice(value: str, label: str) -> Any:
    return SelectChoice(value, label)


class WholeNumberField(IntegerField):
    def __init__(self, label: str, *, error: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.error = error

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([stripped(value) for value in valuelist])
        except ValueError:
            raise ValueError(self.error) from None


class Summarised(Form):
    @property
    def summary(self) -> list[tuple[str, str]]:
        """Every field that is wrong, by the id to jump to, in the order of the page."""
        return [(_target(field), str(field.errors[0])) for field in self if field.errors]


def _target(field: Any) -> str:
    """A group of radio buttons is not itself focusable; its first button is."""
    return f"{field.id}-0" if isinstance(field, RadioField) else str(field.id)


class SignInForm(Summarised):
    email = EmailField("E-mail address", [DataRequired("Give your e-mail address.")])
    password = PasswordField(
        "Password", [InputRequired("Give your password."), Length(max=LONGEST_PASSWORD)]
    )

    def say_no(self) -> None:
        """The same words whether the address or the password is wrong."""
        self.email.errors = ["That address and password do not go together. Try once more."]


class AccountForm(Summarised):
    name = StringField(
        "Your name",
        [DataRequired("Give your name, as your team knows you."), Length(max=120)],
        filters=[stripped],
    )
    email = EmailField(
        "E-mail address",
        [
            DataRequired("Give the e-mail address that you will sign in with."),
            Regexp(
                r"^[^@\s]+@[^@\s]+$",
                message="Write the whole e-mail address, like name@example.org.",
            ),
            Length(max=254),
        ],
        filters=[stripped],
    )
    password = PasswordField(
        "Password",
        [
            InputRequired("Choose a password."),
            Length(
                min=SHORTEST_PASSWORD,
                message=f"Use at least {SHORTEST_PASSWORD} characters. Four words do well.",
            ),
            Length(max=LONGEST_PASSWORD, message=f"Use at most {LONGEST_PASSWORD} characters."),
        ],
    )

    @property
    def given(self) -> dict[str, str]:
        return {field.name: field.data or "" for field in self}


class StepForm(Summarised):
    """A step of the wizard whose fields are a study's own, by the same names."""

    def save(self, study: Study) -> None:
        self.populate_obj(study)

    def says_the_same_as(self, study: Study) -> bool:
        return all(getattr(study, field.name) == field.data for field in self)


class BasicsForm(StepForm):
    title = StringField(
        "Title",
        [
            DataRequired("Give the study a title. Participants see it."),
            Length(max=200, message="Keep the title within 200 characters."),
        ],
        filters=[stripped],
    )
    objective = TextAreaField(
        "Objective",
        [Length(max=4000, message="Keep the objective within 4,000 characters.")],
        filters=[one_newline],
    )
    language = SelectField(
        "Language", choices=[choice(code, name) for code, name in LANGUAGES.items()]
    )
    consent_text = TextAreaField(
        "Consent text",
        [
            DataRequired("Say what participants agree to. Nobody is recorded without it."),
            Length(max=10_000, message="Keep the consent text within 10,000 characters."),
        ],
        filters=[one_newline],
    )


class ConfigureForm(StepForm):
    camera = RadioField(
        "Participant camera",
        choices=[
            choice(Camera.DISABLED, "Camera disabled"),
            choice(Camera.OFF_BY_DEFAULT, "Camera enabled, off by default"),
            choice(Camera.ON_BY_DEFAULT, "Camera enabled, on by default"),
        ],
        coerce=Camera,
    )
    time_limit_minutes = WholeNumberField(
        "Time limit",
        error="Write the time limit as a whole number of minutes, like 30.",
        validators=[
            InputRequired("Say how many minutes an interview may take."),
            NumberRange(1, 240, "The time limit can be from 1 to 240 minutes."),
        ],
    )
    ending_text = TextAreaField(
        "What participants see at the end",
        [
            DataRequired("Write a last word. A thank-you is enough."),
            Length(max=4000, message="Keep the ending within 4,000 characters."),
        ],
        filters=[one_newline],
    )
