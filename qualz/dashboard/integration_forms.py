"""Forms of what connects other programs: webhooks, and tokens for the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length

from qualz.dashboard.forms import Summarised, choice, stripped
from qualz.happening import Kind
from qualz.webhook import LONGEST_URL


class WebhookForm(Summarised):
    """Where happenings are sent, and which. Whether one may post there the courier says."""

    url = StringField(
        "Address",
        [
            DataRequired("Give the address that is to be told."),
            Length(max=LONGEST_URL, message="Keep the address within 1,000 characters."),
        ],
        filters=[stripped],
    )
    kinds = SelectMultipleField(
        "Tell it of", choices=[choice(kind.value, kind.value) for kind in Kind]
    )

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        if not self.kinds.data:
            self.kinds.errors = ["Choose at least one of these."]
        return not self.errors

    @property
    def chosen(self) -> list[Kind]:
        return [Kind(value) for value in self.kinds.data or ()]


class TokenForm(Summarised):
    """A token for the API: what it is for, and until when it is good."""

    name = StringField(
        "Name",
        [
            DataRequired("Give it the name of what will use it."),
            Length(max=120, message="Keep the name within 120 characters."),
        ],
        filters=[stripped],
    )
    days = SelectField(
        "Valid for",
        choices=[
            choice("30", "30 days"),
            choice("90", "90 days"),
            choice("365", "One year"),
            choice("", "Until revoked"),
        ],
        default="90",
    )

    @property
    def validity(self) -> timedelta | None:
        return timedelta(days=int(self.days.data)) if self.days.data else None
