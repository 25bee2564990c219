"""Documents: an interview's transcript as a Word file, to read, to print and to comment on."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

import docx
from docx.document import Document
from docx.oxml import OxmlElement
from docx.shared import Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from qualz.guise import Guise
from qualz.interview import Interview
from qualz.said import Said, clock_time, for_xml, one_line

SOFT = RGBColor(0x5F, 0x66, 0x70)
RIGHT_TO_LEFT = {"R", "AL"}
# Of a paragraph's properties those that ours have and that must come later: the order is fixed.
AFTER_BIDI = ("w:spacing", "w:ind", "w:jc", "w:outlineLvl", "w:rPr", "w:sectPr")


def write(interview: Interview, said: Sequence[Said], guise: Guise) -> bytes:
    """The document. Whatever was said is text in it, never markup."""
    document = docx.Document()
    document.styles["Normal"].paragraph_format.space_after = Pt(4)
    properties = document.core_properties
    # Longer ones are refused.
    properties.title = for_xml(one_line(guise.title(interview)))[:255]
    properties.author, properties.comments = "Qualz", ""
    properties.language = interview.study.language
    properties.created = properties.modified = _without_zone(interview.consented_at)
    _written(document.add_heading(level=0), guise.title(interview))
    for name, fact in _facts(interview, guise):
        line = document.add_paragraph()
        line.paragraph_format.space_after = Pt(0)
        _soft(line, f"{name}: ")
        _written(line, fact)
    for one in said:
        _add(document, one)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _facts(interview: Interview, guise: Guise) -> list[tuple[str, str]]:
    clock = "the Full Session’s" if interview.recording.report else "the clips, one after another"
    return [
        ("Interview", f"{guise.label(interview)}, {interview.state}"),
        ("Begun", f"{interview.consented_at:%Y-%m-%d %H:%M} UTC"),
        ("Language", interview.study.language),
        ("Length", clock_time(interview.recording.seconds)),
        ("Times", clock),
    ]


def _add(document: Document, one: Said) -> None:
    """Who spoke and when, which stays on the page of what was said; then every line of it."""
    heading = document.add_paragraph()
    heading.paragraph_format.keep_with_next = True
    heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(10), Pt(0)
    _written(heading, one_line(one.speaker)).bold = True
    at = "not in the recording" if one.begins is None else clock_time(one.begins)
    _soft(heading, f"  {at}")
    if one.is_draft:
        _soft(heading, "  draft").italic = True
    for line in one.text.splitlines() or [""]:
        _written(document.add_paragraph(), line)


def _soft(paragraph: Paragraph, text: str) -> Run:
    run = paragraph.add_run(text)
    run.font.color.rgb = SOFT
    return run


def _written(paragraph: Paragraph, text: str) -> Run:
    text = for_xml(text)
    run = paragraph.add_run(text)
    if _begins_at_the_right(text):
        paragraph._p.get_or_add_pPr().insert_element_before(OxmlElement("w:bidi"), *AFTER_BIDI)
        run.font.rtl = True
    return run


def _begins_at_the_right(text: str) -> bool:
    """By its first letter, as browsers do (https://www.unicode.org/reports/tr9/#P2)."""
    directions = (unicodedata.bidirectional(char) for char in text)
    return next((one in RIGHT_TO_LEFT for one in directions if one in {"L", "R", "AL"}), False)


def _without_zone(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
