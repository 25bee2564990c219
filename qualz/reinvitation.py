"""Reinvitations: the e-mail that takes a resume link to whom it is for, in the study's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from babel.dates import format_date, format_time

from qualz import wording
from qualz.wording import told

SUBJECT = told("Your interview “%(title)s”: go on where you left off")
HELLO = told("Hello %(name)s,")
HELLO_YOU = told("Hello,")
BODY = told(
    "thank you for taking part in our interview “%(title)s”. With this link you can go on where "
    "you left off, in any browser:"
)
UNTIL = told("It is valid until %(moment)s, and meant for you alone. Everything you said is safe.")


@dataclass(frozen=True, slots=True)
class Reinvitation:
    to: str
    subject: str
    body: str

    @property
    def mailto(self) -> str:
        """As https://www.rfc-editor.org/rfc/rfc6068 has it, with the line breaks of mail."""
        body = quote(self.body.replace("\n", "\r\n"), safe="")
        return (
            f"mailto:{quote(self.to, safe='@')}?subject={quote(self.subject, safe='')}&body={body}"
        )


def reinvitation(
    *, title: str, language: str, address: str, until: datetime, name: str = "", to: str = ""
) -> Reinvitation:
    """`name` and `to`, where they are known of the participant. `address` is the link."""
    locale = wording.spoken(language).replace("-", "_")
    at = format_time(until, "short", locale=locale)
    moment = f"{format_date(until, 'long', locale=locale)}, {at} UTC"

    def say(text: str) -> str:
        words = wording.in_language(text, language)
        return words % {"title": title, "name": name, "moment": moment}

    lines = [say(HELLO) if name else say(HELLO_YOU), say(BODY), address, say(UNTIL)]
    return Reinvitation(to=to, subject=say(SUBJECT), body="\n\n".join(lines) + "\n")
