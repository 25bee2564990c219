"""Codings: a study's highlights with their tags, as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from qualz.export import defused
from qualz.guise import PLAIN, Guise
from qualz.highlight import Highlight

COLUMNS = (
    *("interview", "number", "turn", "speaker", "begins", "ends", "quote", "text_has_changed"),
    *("tags", "comment", "by", "made_at", "interview_tags"),
)


def table(highlights: Iterable[Highlight], guise: Guise = PLAIN) -> str:
    """CSV with a row a highlight; times are seconds of the Full Session."""
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for one in highlights:
        turn = one.turn
        interview, span = turn.interview, one.span
        cells = [
            guise.label(interview),
            str(interview.number),
            str(turn.position),
            turn.speaker,
            *("" if span is None else f"{at:.3f}" for at in (span or (0, 0))),
            guise.quote(one),
            "yes" if one.at is None else "",
            "; ".join(tag.name for tag in one.tags),
            guise.words(one.comment, interview),
            one.by,
            one.made_at.isoformat(),
            "; ".join(tag.name for tag in interview.tags),
        ]
        rows.writerow(map(defused, cells))
    return out.getvalue()
