"""The form of the Share page: whom the link lets in, until when, and what it carries along."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wtforms import DateTimeLocalField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange, Optional

from qualz import embedding
from qualz.dashboard.forms import Summarised, WholeNumberField, stripped
from qualz.passenger import LONGEST_ADDRESS, MOST, is_name, is_safe_address
from qualz.study import Study

FORMAT = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


class MomentField(DateTimeLocalField):
    """A moment in UTC, to the minute; empty is allowed."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, [Optional()], format=FORMAT, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Write day and time like 2026-11-30T18:00.") from None

    @property
    def moment(self) -> datetime | None:
        return self.data.replace(tzinfo=UTC) if self.data else None


class ShareForm(Summarised):
    quota = WholeNumberField(
        "Most completed interviews",
        error="Write a whole number, like 20, or leave it empty.",
        validators=[Optional(), NumberRange(1, 100_000, "Choose from 1 to 100,000 interviews.")],
    )
    opens_at = MomentField("Opens")
    closes_at = MomentField("Closes")
    access_code = StringField(
        "Access code",
        [Length(max=64, message="Keep the code within 64 characters.")],
        filters=[stripped],
    )
    parameters = TextAreaField("Parameters of the link to keep", filters=[stripped])
    embedders = TextAreaField(
        "Sites that may show the interview inside their pages", filters=[stripped]
    )
    redirect = StringField(
        "Where participants go on afterwards",
        [Length(max=LONGEST_ADDRESS, message="Keep the address within 1,000 characters.")],
        filters=[stripped],
    )

    @classmethod
    def of(cls, study: Study) -> ShareForm:
        known: dict[str, Any] = {
            name: getattr(study, name) for name in ("quota", "access_code", "redirect")
        }
        known |= {name: getattr(study, name) for name in ("opens_at", "closes_at")}
        lines = {name: "\n".join(getattr(study, name)) for name in ("parameters", "embedders")}
        return cls(data=known | lines)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys((self.parameters.data or "").replace(",", " ").split()))

    @property
    def origins(self) -> dict[str, str | None]:
        """What was typed, and the origin that it is."""
        typed = (self.embedders.data or "").replace(",", " ").split()
        return {text: embedding.origin_of(text) for text in typed}

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        opens, closes = self.opens_at.moment, self.closes_at.moment
        if opens and closes and closes <= opens:
            self.closes_at.errors = ["It would close before it opens. Choose a later moment."]
        if wrong := [name for name in self.names if not is_name(name)]:
            self.parameters.errors = [
                f"“{wrong[0][:40]}” is no name: use letters, digits, - and _."
            ]
        elif len(self.names) > MOST:
            self.parameters.errors = [f"Keep at most {MOST} parameters."]
        if strange := [text for text, origin in self.origins.items() if origin is None]:
            self.embedders.errors = [
                f"“{strange[0][:60]}” is no site: write it like https://www.example.org."
            ]
        elif len(self.origins) > embedding.MOST:
            self.embedders.errors = [f"Name at most {embedding.MOST} sites."]
        if self.redirect.data and not is_safe_address(self.redirect.data):
            self.redirect.errors = ["Write the whole address; it has to begin with https://."]
        return not self.errors

    def save(self, study: Study) -> None:
        study.quota = self.quota.data
        study.opens_at, study.closes_at = self.opens_at.moment, self.closes_at.moment
        study.access_code = self.access_code.data or ""
        study.parameters = self.names
        study.embedders = list(dict.fromkeys(filter(None, self.origins.values())))
        study.redirect = self.redirect.data or ""
