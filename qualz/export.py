"""Exports: one interview's transcript as files that other programs read.

Times are seconds on the Full Session's clock; where there is none yet, on that of the clips played
one after another.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from qualz import document
from qualz.consent import Consent
from qualz.correction import Correction
from qualz.guise import PLAIN, Guise
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.mask import REDACTED
from qualz.said import Said, clock_time, for_vtt, in_time, one_line, said_in, stamp

# A spreadsheet takes what begins so for a formula (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
MARKDOWN = re.compile(
    r"([\\`*_{}\[\]<>#|~&]|^\s*(?:[-+]|\d+[.)])(?=\s)|^[ \t]*[-=]+(?=[ \t]*$))", re.MULTILINE
)


class Form(StrEnum):
    DOCX = "docx"
    VTT = "vtt"
    SRT = "srt"
    TXT = "txt"
    MD = "md"
    CSV = "csv"
    JSON = "json"

    @property
    def mime_type(self) -> str:
        return TYPES[self]


TYPES = {
    Form.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Form.VTT: "text/vtt",
    Form.SRT: "application/x-subrip",
    Form.TXT: "text/plain",
    Form.MD: "text/markdown",
    Form.CSV: "text/csv",
    Form.JSON: "application/json",
}


def export(interview: Interview, form: Form, guise: Guise = PLAIN) -> bytes:
    """The whole transcript in a form, as the guise shows it; where that is text, as UTF-8."""
    said = list(said_in(interview, guise))
    if form is Form.DOCX:
        return document.write(interview, said, guise)
    written = WRITERS[form](interview, said, guise)
    return written.encode("utf-8-sig" if form is Form.CSV else "utf-8")


# ---- the forms


def _vtt(interview: Interview, said: Sequence[Said], guise: Guise) -> str:
    """https://www.w3.org/TR/webvtt1/ ; who speaks is in voice tags."""
    blocks = [f"WEBVTT - {for_vtt(one_line(guise.title(interview)))}"]
    for number, (begins, ends, one) in enumerate(in_time(said), 1):
        times = f"{stamp(begins, '.')} --> {stamp(ends, '.')}"
        voice = for_vtt(one_line(one.speaker))
        blocks.append(f"{number}\n{times}\n<v {voice}>{for_vtt(_no_blank_lines(one.text))}</v>")
    for one in said:
        if one.begins is None and one.text:
            words = for_vtt(one_line(f"{one.speaker}: {one.text}"))
            blocks.append(f"NOTE Not in the recording. {words}")
    return "\n\n".join(blocks) + "\n"


def _srt(interview: Interview, said: Sequence[Said], guise: Guise) -> str:
    return "\n".join(
        f"{number}\n{stamp(begins, ',')} --> {stamp(ends, ',')}\n"
        f"{_srt_text(f'{one.speaker}: {one.text}')}\n"
        for number, (begins, ends, one) in enumerate(in_time(said), 1)
    )


def _srt_text(text: str) -> str:
    """In one line and without its arrow, for readers that would take words for another cue."""
    return one_line(text).replace("-->", "→")


def _txt(interview: Interview, said: Sequence[Said], guise: Guise) -> str:
    blocks = [one_line(guise.title(interview))]
    for one in said:
        at = "" if one.begins is None else f"[{clock_time(one.begins)}] "
        blocks.append(f"{at}{one.speaker}:\n{one.text}")
    return "\n\n".join(blocks) + "\n"


def _md(interview: Interview, said: Sequence[Said], guise: Guise) -> str:
    blocks = [f"# {_md_text(one_line(guise.title(interview)))}"]
    for one in said:
        at = "" if one.begins is None else f" ({clock_time(one.begins)})"
        paragraphs = _md_text(_no_blank_lines(one.text)).replace("\n", "  \n")
        blocks.append(f"**{_md_text(one_line(one.speaker))}**{at}\n\n{paragraphs}")
    return "\n\n".join(blocks) + "\n"


def _md_text(text: str) -> str:
    return MARKDOWN.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    sign = found[0]
    return f"{sign[:-1]}\\{sign[-1]}"


def _csv(interview: Interview, said: Sequence[Said], guise: Guise) -> str:
    out = io.StringIO(newline="")
    table = csv.writer(out)
    columns = ["number", "begins", "ends", "speaker", "act", "manner", "question", "text"]
    carried = guise.parameters(interview)
    table.writerow([*columns, *map(defused, carried)])
    for one in said:
        turn = one.turn
        words = [one.speaker, turn.act or "", turn.manner or "", turn.question_id or "", one.text]
        times = ["" if at is None else f"{at:.3f}" for at in (one.begins, one.ends)]
        table.writerow([turn.position, *times, *map(defused, [*words, *carried.values()])])
    return out.getvalue()


def defused(cell: str) -> str:
    """No formula: an apostrophe makes it text to every spreadsheet."""
    return f"'{cell}" if FORMULA.match(cell.lstrip(" ")) else cell


def _json(interview: Interview, said: Sequence[Said], guise: Guise) -> str:
    has_full_session = bool(interview.recording.report)
    kept: dict[str, Any] = {
        "study": interview.study.title,
        "interview": guise.label(interview),
        "id": interview.public_id,
        "language": interview.study.language,
        "parameters": guise.parameters(interview),
        "tags": [tag.name for tag in interview.tags],
        "consented_at": interview.consented_at.isoformat(),
        "consent": _agreed(interview.consent),
        "clock": "full session" if has_full_session else "clips one after another",
        "seconds": interview.recording.seconds,
        "turns": [_told(one, guise) for one in said],
    }
    return json.dumps(kept, ensure_ascii=False, indent=2) + "\n"


def _agreed(consent: Consent | None) -> dict[str, Any] | None:
    if consent is None:
        return None
    return {
        "version": consent.text.version,
        "sha256": consent.text.digest,
        "shown": consent.text.shown,
        "recording": consent.to_recording,
        "camera": consent.to_camera,
        "given_at": consent.given_at.isoformat(),
    }


def _told(one: Said, guise: Guise) -> dict[str, Any]:
    turn = one.turn
    interview = turn.interview
    return {
        "number": turn.position,
        "speaker": turn.speaker,
        "name": one.speaker,
        "act": turn.act,
        "manner": turn.manner,
        "question": turn.question_id,
        "begins": one.begins,
        "ends": one.ends,
        "said_at": turn.said_at.isoformat(),
        "text": guise.turn(turn),
        "redacted": len(turn.redactions),
        "taken_back": turn.taken_back_at is not None,
        "correction": _corrected(turn.correction, guise),
        "highlights": [_marked(highlight, guise) for highlight in turn.highlights],
        "comments": [
            {
                "text": guise.words(comment.text, interview),
                "by": comment.by,
                "at": comment.made_at.isoformat(),
            }
            for comment in turn.comments
        ],
    }


def _marked(highlight: Highlight, guise: Guise) -> dict[str, Any]:
    """`at` counts characters of the text, and is None where it has changed since; `begins` and
    `ends` are seconds of the Full Session."""
    span = highlight.span
    return {
        "quote": guise.quote(highlight),
        "at": guise.place(highlight),
        "begins": span and span[0],
        "ends": span and span[1],
        "tags": [tag.name for tag in highlight.tags],
        "comment": guise.words(highlight.comment, highlight.turn.interview),
        "by": highlight.by,
        "made_at": highlight.made_at.isoformat(),
    }


def _corrected(correction: Correction | None, guise: Guise) -> dict[str, Any] | None:
    """What the text would be without it, and who made it when."""
    if correction is None:
        return None
    return {
        "original": REDACTED
        if correction.turn.redactions
        else guise.words(correction.turn.text, correction.turn.interview),
        "by": correction.by,
        "at": correction.made_at.isoformat(),
    }


WRITERS: dict[Form, Callable[[Interview, Sequence[Said], Guise], str]] = {
    Form.VTT: _vtt,
    Form.SRT: _srt,
    Form.TXT: _txt,
    Form.MD: _md,
    Form.CSV: _csv,
    Form.JSON: _json,
}


# ---- small things


def _no_blank_lines(text: str) -> str:
    """A blank line ends a cue."""
    return "\n".join(line for line in text.splitlines() if line.strip())
