"""The guide as a form: question rows in the order of the page, each by a name of its own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form, SelectField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length, NumberRange

from qualz.dashboard.forms import WholeNumberField, choice, one_newline
from qualz.guide import FollowUp, Question
from qualz.study import Study

MOST_QUESTIONS = 100
MOST_PROBES = 10
NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")


def new_question_id() -> str:
    return secrets.token_hex(4)


class QuestionForm(Form):
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

    def __init__(self, id: str, typed: MultiDict[str, str] | None = None, **known: Any) -> None:
        super().__init__(typed, prefix=f"question-{id}-", **known)
        self.id = id

    @classmethod
    def of(cls, question: Question) -> QuestionForm:
        known = question.as_json() | {"probes": "\n".join(question.probes)}
        return cls(question.id, None, **{k: v for k, v in known.items() if k != "id"})

    @property
    def is_blank(self) -> bool:
        return not (self.text.data or self.probes.data)

    @property
    def own_probes(self) -> tuple[str, ...]:
        lines = (line.strip() for line in (self.probes.data or "").splitlines())
        return tuple(line for line in lines if line)

    def validate_probes(self, _field: TextAreaField) -> None:
        if len(self.own_probes) > MOST_PROBES:
            raise ValidationError(f"Give at most {MOST_PROBES} follow-up questions.")
        if any(len(probe) > 500 for probe in self.own_probes):
            raise ValidationError("Keep each follow-up question within 500 characters.")

    def validate(self, extra_validators: Any = None) -> bool:
        """What the follow-up rule makes idle is not on the page, so it is never what is wrong."""
        idle = {FollowUp.NEVER: ("short", "most"), FollowUp.ALWAYS: ("short",)}
        for name in idle.get(self.follow_up.data, ()):
            field = self[name]
            if field.process_errors or not _fits(field):
                field.data, field.raw_data, field.process_errors = field.default, None, []
        return super().validate(extra_validators)

    def question(self) -> Question:
        return Question(
            id=self.id,
            text=self.text.data or "",
            follow_up=self.follow_up.data,
            short=self.short.data or 12,
            most=self.most.data or 1,
            probes=self.own_probes,
        )


class GuideForm:
    """The wizard's second step. `question` lists the rows' names in the order of the page."""

    def __init__(self, typed: MultiDict[str, str] | None = None, *, obj: Study | None = None):
        self.errors: dict[str, list[str]] = {}
        if typed:
            names = dict.fromkeys(filter(NAME.fullmatch, typed.getlist("question")))
            self.rows = [QuestionForm(name, typed) for name in names]
        else:
            questions = obj.guide.questions if obj else []
            self.rows = [QuestionForm.of(question) for question in questions]
        self.rows = self.rows or [QuestionForm(new_question_id())]

    def validate(self) -> bool:
        """Rows left blank are passed over, unless there is no other."""
        written = [row for row in self.rows if not row.is_blank] or self.rows[:1]
        for row in written:
            row.validate()
        self.errors = {id: [text] for id, text in self._wrong(written)}
        return not self.errors

    @property
    def summary(self) -> list[tuple[str, str]]:
        return [(id, texts[0]) for id, texts in self.errors.items()]

    def save(self, study: Study) -> None:
        study.revise_guide(self._questions())

    def says_the_same_as(self, study: Study) -> bool:
        return self._questions() == study.guide.questions

    def _questions(self) -> list[Question]:
        return [row.question() for row in self.rows if not row.is_blank]

    def _wrong(self, rows: list[QuestionForm]) -> Iterator[tuple[str, str]]:
        if len(rows) == 1 and rows[0].is_blank:
            rows[0].text.errors = ["Write at least one question before you share the study."]
        if len(rows) > MOST_QUESTIONS:
            yield rows[-1].text.id, f"A guide holds at most {MOST_QUESTIONS} questions."
        for row in rows:
            number = self.rows.index(row) + 1
            for field in row:
                if field.errors:
                    yield field.id, f"Question {number}: {field.errors[0]}"


def _fits(field: Any) -> bool:
    low_high = next(check for check in field.validators if isinstance(check, NumberRange))
    return field.data is not None and low_high.min <= field.data <= low_high.max


@dataclass(frozen=True, slots=True)
class Rearranged:
    typed: dict[str, list[str]]
    anchor: str


def rearranged(typed: dict[str, list[str]], go: str) -> Rearranged | None:
    """The rows after one of their own buttons was pressed in a browser that runs no scripts.

    `go` is `add`, or `up:`, `down:` or `remove:` with a row's name; None for anything else.
    """
    what, _, name = go.partition(":")
    names = list(typed.get("question", []))
    if what == "add":
        name = new_question_id()
        names.append(name)
    elif what not in ("up", "down", "remove") or name not in names:
        return None
    else:
        here = names.index(name)
        names.remove(name)
        if what != "remove":
            names.insert(max(0, here - 1) if what == "up" else here + 1, name)
    rest = {key: texts for key, texts in typed.items() if key != "go"}
    return Rearranged({**rest, "question": names}, f"question-{name}")
