"""Forms of somebody's own account: passwords and codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from qualz.dashboard.forms import Summarised, stripped
from qualz.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD, what_is_wrong

LENGTHS = [
    Length(
        min=SHORTEST_PASSWORD,
        message=f"Use at least {SHORTEST_PASSWORD} characters. Four words do well.",
    ),
    Length(max=LONGEST_PASSWORD, message=f"Use at most {LONGEST_PASSWORD} characters."),
]


def _new_password() -> PasswordField:
    return PasswordField("New password", [InputRequired("Choose a password."), *LENGTHS])


class ForgottenForm(Summarised):
    email = EmailField(
        "E-mail address",
        [DataRequired("Give the e-mail address that you sign in with."), Length(max=254)],
        filters=[stripped],
    )


class NewPasswordForm(Summarised):
    """`about`: what anybody may know of its owner."""

    new_password = _new_password()

    def validate(self, extra_validators: Any = None, *, about: Iterable[str] = ()) -> bool:
        super().validate(extra_validators)
        field = self.new_password
        if not field.errors and (said := what_is_wrong(field.data or "", about=about)):
            field.errors = [said]
        return not self.errors


class ChangePasswordForm(NewPasswordForm):
    password = PasswordField(
        "Current password",
        [InputRequired("Give your current password."), Length(max=LONGEST_PASSWORD)],
    )
    # After the other one, as on the page.
    new_password = _new_password()

    def say_no(self) -> None:
        self.password.errors = ["That is not your current password. Try once more."]


def _code() -> StringField:
    return StringField(
        "Code",
        [
            DataRequired("Give the code that your app shows now."),
            Length(max=40, message="A code has six digits, a recovery code 16 characters."),
        ],
        filters=[stripped],
    )


class CodeForm(Summarised):
    code = _code()

    def say_no(self, why: str) -> None:
        self.code.errors = [why]


class ProofForm(Summarised):
    """Asked once more before something is changed that protects the account. Who has no second
    step is asked for no code."""

    password = PasswordField(
        "Your password", [InputRequired("Give your password."), Length(max=LONGEST_PASSWORD)]
    )
    code = _code()

    def say_no(self) -> None:
        self.password.errors = ["That is not your password. Try once more."]

    def say_no_to_code(self, why: str) -> None:
        self.code.errors = [why]
