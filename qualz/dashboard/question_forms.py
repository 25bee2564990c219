"""One question as a form, and the section that it stands in."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length, NumberRange

from qualz.dashboard.forms import MinutesField, WholeNumberField, choice, one_newline, stripped
from qualz.guide import Section
from qualz.question import (
    WAS_ANSWERED,
    WAS_SKIPPED,
    Condition,
    FollowUp,
    Kind,
    Option,
    Question,
    Stimulus,
    Wording,
)
from qualz.stimuli import TYPES

MOST_PROBES, MOST_GOALS, MOST_OPTIONS = 10, 10, 30
LONGEST_OPTION = 200
NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
SOURCE = re.compile(rf"stimuli/[A-Za-z0-9_-]+/[0-9a-f]{{64}}\.(?:{'|'.join(TYPES)})")
IMPORTANCE = {
    "must": "Always",
    "1": "If there is time: important",
    "2": "If there is time: useful",
    "3": "If there is time: nice to have",
}


def new_id() -> str:
    return secrets.token_hex(4)


class SectionForm(Form):
    """A heading between questions: those below it, as far as the next one, are its own."""

    is_section = True
    title = StringField(
        "Section",
        [Length(max=120, message="Keep the section's name within 120 characters.")],
        filters=[stripped],
    )

    def __init__(self, id: str, typed: MultiDict[str, str] | None = None, **known: Any) -> None:
        super().__init__(typed, prefix=f"section-{id}-", **known)
        self.id = id

    @classmethod
    def of(cls, section: Section) -> SectionForm:
        return cls(section.id, title=section.title)

    @property
    def name(self) -> str:
        """Its name among the rows."""
        return f"s:{self.id}"


@dataclass(slots=True)
class OptionRow:
    """One answer to choose from, as it is typed."""

    id: str
    text: str = ""
    ends: bool = False


class QuestionForm(Form):
    is_section = False
    text = TextAreaField(
        "Question",
        [
            DataRequired("Write the question, or remove it."),
            Length(max=1000, message="Keep the question within 1,000 characters."),
        ],
        filters=[one_newline],
    )
    follow_up = SelectField(
        "Follow up",
        choices=[
            choice(FollowUp.IF_SHORT, "when the answer is short"),
            choice(FollowUp.ALWAYS, "always"),
            choice(FollowUp.NEVER, "never"),
        ],
        coerce=FollowUp,
    )
    short = WholeNumberField(
        "Short is below",
        error="Write a whole number of words, like 12.",
        validators=[NumberRange(2, 500, "Choose from 2 to 500 words.")],
        default=12,
    )
    most = WholeNumberField(
        "At most",
        error="Write a whole number of follow-ups, like 1.",
        validators=[NumberRange(1, 10, "Choose from 1 to 10 follow-ups.")],
        default=1,
    )
    probes = TextAreaField("Your own follow-up questions", filters=[one_newline])
    answers = SelectField(
        "Answered",
        choices=[choice("open", "in their own words"), choice("chosen", "from a list")],
        default="open",
    )
    importance = SelectField(
        "Ask it",
        choices=[choice(value, label) for value, label in IMPORTANCE.items()],
        default="must",
    )
    minutes = MinutesField("Time for it", error="Write minutes, like 2 or 1.5, or leave it empty.")
    wording = SelectField(
        "Wording",
        choices=[
            choice(Wording.VERBATIM, "Exactly as written"),
            choice(Wording.FREE, "A model may lead over to it"),
        ],
        coerce=Wording,
        default=Wording.VERBATIM,
    )
    goals = TextAreaField("What the answer should tell", filters=[one_newline])
    sensitive = BooleanField("Sensitive: at most one follow-up, and nothing is quoted")
    shown = SelectField(
        "Show beside it",
        choices=[
            choice("nothing", "nothing"),
            choice("file", "a picture or film"),
            choice("link", "a link"),
        ],
        default="nothing",
    )
    source = StringField(filters=[stripped])
    link = StringField("Address", filters=[stripped])
    alt = StringField(
        "In words, for those who do not see it",
        [Length(max=300, message="Keep the description within 300 characters.")],
        filters=[stripped],
    )
    after = SelectField("Ask it only after", validate_choice=False, choices=[], default="")

    def __init__(self, id: str, typed: MultiDict[str, str] | None = None, **known: Any) -> None:
        super().__init__(typed, prefix=f"question-{id}-", **known)
        self.id = id
        self.options = _typed_options(self, typed) if typed else list[OptionRow]()
        self.after_answers = typed.getlist(f"question-{id}-after_answers") if typed else []
        self.seen = typed.get(f"question-{id}-seen", "") if typed else ""
        # The questions before it, which its condition may rest on; its guide's form tells.
        self.earlier: Sequence[QuestionForm] = ()

    @classmethod
    def of(cls, question: Question) -> QuestionForm:
        known = question.as_json() | {"probes": "\n".join(question.probes)}
        known |= {"goals": "\n".join(question.goals), "wording": question.wording}
        known |= {"answers": "chosen" if question.options else "open"}
        known["importance"] = "must" if question.must_ask else str(min(3, question.priority))
        known["minutes"] = question.seconds and question.seconds / 60
        if shown := question.stimulus:
            is_link = shown.kind is Kind.LINK
            known |= {"shown": "link" if is_link else "file", "alt": shown.alt}
            known["link" if is_link else "source"] = shown.source
        if question.show_if:
            known["after"] = question.show_if.question
        form = cls(question.id, None, **{k: v for k, v in known.items() if k != "id"})
        form.options = [OptionRow(one.id, one.text, one.ends) for one in question.options]
        form.after_answers = list(question.show_if.answers) if question.show_if else []
        return form

    @property
    def name(self) -> str:
        return self.id

    @property
    def is_blank(self) -> bool:
        return not (self.text.data or self.probes.data)

    @property
    def own_probes(self) -> tuple[str, ...]:
        return _lines(self.probes.data)

    @property
    def answers_on(self) -> list[tuple[str, str]]:
        """What a condition on this question may rest on: values and words."""
        offered = [(one.id, one.text) for one in self.options if one.text]
        chosen = offered if self.answers.data == "chosen" else []
        return [*chosen, (WAS_ANSWERED, "any answer"), (WAS_SKIPPED, "it was skipped")]

    @property
    def rests_on(self) -> QuestionForm | None:
        return next((one for one in self.earlier if one.id == self.after.data), None)

    @property
    def condition_digest(self) -> str:
        """Of what its condition can be made of, as the page should show it."""
        seen = [(one.id, one.text.data, one.answers_on) for one in self.earlier]
        told = json.dumps([seen, self.after.data, self.after_answers])
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    @property
    def in_short(self) -> list[str]:
        """What is set below “More”, in a word each."""
        words = [self.importance.data != "must" and "if there is time"]
        words.append(self.minutes.data and f"{self.minutes.data:g} min")
        words.append(self.answers.data == "chosen" and "answers from a list")
        words.append({"file": "picture or film", "link": "link"}.get(self.shown.data))
        words.append(self.after.data and "only after some answers")
        words.append(self.wording.data is Wording.FREE and "free wording")
        words += [self.sensitive.data and "sensitive", self.goals.data and "goals"]
        return [word for word in words if word]

    def validate_probes(self, _field: TextAreaField) -> None:
        if len(self.own_probes) > MOST_PROBES:
            raise ValidationError(f"Give at most {MOST_PROBES} follow-up questions.")
        if any(len(probe) > 500 for probe in self.own_probes):
            raise ValidationError("Keep each follow-up question within 500 characters.")

    def validate_goals(self, _field: TextAreaField) -> None:
        goals = _lines(self.goals.data)
        if len(goals) > MOST_GOALS or any(len(goal) > 300 for goal in goals):
            raise ValidationError(f"Give at most {MOST_GOALS} goals of 300 characters.")

    def validate_answers(self, _field: SelectField) -> None:
        if self.answers.data != "chosen":
            return
        texts = [one.text for one in self.options if one.text]
        if len(texts) < 2:
            raise ValidationError("Give two answers or more to choose from.")
        if len(texts) > MOST_OPTIONS or len(set(texts)) < len(texts):
            raise ValidationError(f"Give each answer once, and at most {MOST_OPTIONS}.")

    def validate_shown(self, _field: SelectField) -> None:
        if self.shown.data == "file" and not SOURCE.fullmatch(self.source.data or ""):
            raise ValidationError("Choose the picture or film, or show nothing.")

    def validate_link(self, _field: StringField) -> None:
        parts = urlsplit(self.link.data or "")
        if self.shown.data == "link" and not (parts.scheme in ("http", "https") and parts.netloc):
            raise ValidationError("Write the whole address, like https://example.org/page.")

    def validate_after(self, _field: SelectField) -> None:
        if self.after.data and not self.after_answers:
            raise ValidationError("Tick the answers after which it is asked.")

    def validate(self, extra_validators: Any = None) -> bool:
        """What the follow-up rule makes idle is not on the page, so it is never what is wrong."""
        idle = {FollowUp.NEVER: ("short", "most"), FollowUp.ALWAYS: ("short",)}
        for name in idle.get(self.follow_up.data, ()):
            field = self[name]
            if field.process_errors or not _fits(field):
                field.data, field.raw_data, field.process_errors = field.default, None, []
        return super().validate(extra_validators)

    def question(self) -> Question:
        importance, minutes = self.importance.data, self.minutes.data
        offered = self.options if self.answers.data == "chosen" else []
        on, answers = self.after.data, tuple(self.after_answers)
        return Question(
            id=self.id,
            text=self.text.data or "",
            follow_up=self.follow_up.data or FollowUp.IF_SHORT,
            short=self.short.data or 12,
            most=self.most.data or 1,
            probes=self.own_probes,
            must_ask=importance == "must",
            priority=int(importance) if importance in ("1", "2", "3") else 2,
            seconds=round(minutes * 60, 1) if minutes else None,
            sensitive=bool(self.sensitive.data),
            goals=_lines(self.goals.data),
            wording=self.wording.data,
            options=tuple(Option(id=o.id, text=o.text, ends=o.ends) for o in offered if o.text),
            show_if=Condition(question=on, answers=answers) if on and answers else None,
            stimulus=self.stimulus,
        )

    @property
    def stimulus(self) -> Stimulus | None:
        alt, source = self.alt.data or "", self.source.data or ""
        if self.shown.data == "link":
            return Stimulus(kind=Kind.LINK, source=self.link.data or "", alt=alt)
        if self.shown.data != "file" or not SOURCE.fullmatch(source):
            return None
        kind = Kind(TYPES[source.rpartition(".")[2]].partition("/")[0])
        return Stimulus(kind=kind, source=source, alt=alt)


def _typed_options(form: QuestionForm, typed: MultiDict[str, str]) -> list[OptionRow]:
    names = typed.getlist(f"question-{form.id}-option")
    prefix = f"question-{form.id}-option-"
    return [
        OptionRow(
            id=name,
            text=" ".join(typed.get(f"{prefix}{name}-text", "").split())[:LONGEST_OPTION],
            ends=f"{prefix}{name}-ends" in typed,
        )
        for name in dict.fromkeys(filter(NAME.fullmatch, names))
    ]


def _lines(text: str | None) -> tuple[str, ...]:
    lines = (line.strip() for line in (text or "").splitlines())
    return tuple(line for line in lines if line)


def _fits(field: Any) -> bool:
    low_high = next(check for check in field.validators if isinstance(check, NumberRange))
    return field.data is not None and low_high.min <= field.data <= low_high.max
