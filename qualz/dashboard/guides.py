"""The guide as a form: rows in the order of the page, each by a name of its own.

A row is a question or the heading of a section. `question` lists their names; those of headings
begin with `s:`.
"""

from __future__ import annotations

from collections.abc import Iterator

from werkzeug.datastructures import MultiDict

from qualz.dashboard.question_forms import NAME, QuestionForm, SectionForm, new_id
from qualz.guide import Section
from qualz.study import Study

MOST_QUESTIONS = 100


class GuideForm:
    """The wizard's second step."""

    def __init__(self, typed: MultiDict[str, str] | None = None, *, obj: Study | None = None):
        self.errors: dict[str, list[str]] = {}
        if typed:
            names = dict.fromkeys(typed.getlist("question"))
            self.rows = [row for name in names if (row := _row(name, typed))]
        else:
            self.rows = _rows_of(obj.guide.sections if obj else [])
        if not self.questions:
            self.rows.append(QuestionForm(new_id()))
        for place, row in enumerate(self.questions):
            row.earlier = [one for one in self.questions[:place] if not one.is_blank]

    @property
    def questions(self) -> list[QuestionForm]:
        return [row for row in self.rows if isinstance(row, QuestionForm)]

    def number_of(self, row: QuestionForm) -> int:
        return self.questions.index(row) + 1

    def questions_in(self, section: SectionForm) -> int:
        """How many questions stand below a heading, as far as the next one."""
        count = 0
        for row in self.rows[self.rows.index(section) + 1 :]:
            if isinstance(row, SectionForm):
                break
            count += 1
        return count

    def validate(self) -> bool:
        """Rows left blank are passed over, unless there is no other."""
        rows = self.questions
        written = [row for row in rows if not row.is_blank] or rows[:1]
        for row in self.rows:
            if isinstance(row, SectionForm) or row in written:
                row.validate()
        self.errors = {id: [text] for id, text in self._wrong(written)}
        return not self.errors

    @property
    def summary(self) -> list[tuple[str, str]]:
        return [(id, texts[0]) for id, texts in self.errors.items()]

    def save(self, study: Study) -> None:
        study.revise_guide(self.sections())

    def says_the_same_as(self, study: Study) -> bool:
        return self.sections() == study.guide.sections

    def sections(self) -> list[Section]:
        """As they stand on the page. Headings without a name and a question are passed over."""
        held: list[tuple[str, str, list[QuestionForm]]] = [("", "", [])]
        for row in self.rows:
            if isinstance(row, SectionForm):
                held.append((row.id, row.title.data or "", []))
            elif not row.is_blank:
                held[-1][2].append(row)
        return [
            Section(id=id, title=title, questions=tuple(row.question() for row in rows))
            for id, title, rows in held
            if rows
        ]

    def _wrong(self, written: list[QuestionForm]) -> Iterator[tuple[str, str]]:
        if len(written) == 1 and written[0].is_blank:
            written[0].text.errors = ["Write at least one question before you share the study."]
        if len(written) > MOST_QUESTIONS:
            yield written[-1].text.id, f"A guide holds at most {MOST_QUESTIONS} questions."
        for row in self.rows:
            if isinstance(row, SectionForm):
                yield from self._wrong_with(row)
                continue
            for field in row if row in written else ():
                if field.errors:
                    yield field.id, f"Question {self.number_of(row)}: {field.errors[0]}"

    def _wrong_with(self, section: SectionForm) -> Iterator[tuple[str, str]]:
        if self.questions_in(section) and not section.title.data:
            section.title.errors = ["Name the section, or remove it."]
        elif section.title.data and not self.questions_in(section):
            section.title.errors = ["Write a question below it, or remove the section."]
        if section.title.errors:
            yield (
                section.title.id,
                f"Section “{section.title.data or ''}”: {section.title.errors[0]}",
            )


def _row(name: str, typed: MultiDict[str, str]) -> QuestionForm | SectionForm | None:
    id = name.removeprefix("s:")
    if not NAME.fullmatch(id):
        return None
    return SectionForm(id, typed) if name.startswith("s:") else QuestionForm(id, typed)


def _rows_of(sections: list[Section]) -> list[QuestionForm | SectionForm]:
    rows: list[QuestionForm | SectionForm] = []
    for section in sections:
        if section.title:
            rows.append(SectionForm.of(section))
        rows += [QuestionForm.of(question) for question in section.questions]
    return rows
