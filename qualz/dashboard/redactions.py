"""Redactions: words that are covered in a transcript and taken out of what is played."""

from __future__ import annotations

from contextlib import suppress

from flask import render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from qualz import broadcasts, redacting
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, researcher
from qualz.dashboard.corrections import TURN
from qualz.dashboard.highlights import LONGEST_QUOTE
from qualz.dashboard.originals import demand_originals, note_seen
from qualz.dashboard.transcripts import refreshed_turns
from qualz.errors import NotAllowed, NotFound
from qualz.mask import BLOCKS
from qualz.redaction import LONGEST_REASON, Treatment
from qualz.transcript import turn_of

REDACTION = "/studies/<study_id>/transcripts/<interview_id>/redactions/<redaction_id>"


@dashboard.get(f"{TURN}/redactions/new")
def new_redaction(study_id: str, interview_id: str, number: int) -> ResponseReturnValue:
    """The dialog, with the words from `start` to `end` chosen, or all of the turn's."""
    interview = find_interview(study_id, interview_id)
    turn = turn_of(interview, number)
    start = max(0, min(request.args.get("start", 0, type=int), len(turn.words)))
    end = request.args.get("end", len(turn.words), type=int)
    return render_template(
        "dashboard/redactions/_new.html",
        study=interview.study,
        interview=interview,
        turn=turn,
        start=start,
        quote=turn.words[start : max(0, end)],
    )


@dashboard.post(f"{TURN}/redactions")
def redact(study_id: str, interview_id: str, number: int) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    asked = request.form
    redacting.redact(
        turn_of(interview, number),
        asked.get("start", 0, type=int),
        asked.get("quote", "")[:LONGEST_QUOTE],
        by=researcher(),
        treatment=asked.get("treatment", Treatment.SILENCE, type=Treatment),
        covers_picture="picture" in asked,
        reason=asked.get("reason", "")[:LONGEST_REASON],
    )
    broadcasts.interview_changed(interview)
    return refreshed_turns(interview)


@dashboard.delete(REDACTION)
def undo_redaction(study_id: str, interview_id: str, redaction_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    # Where it is gone already, that is what was wanted.
    with suppress(NotFound):
        found = redacting.of(interview, redaction_id)
        if not redacting.may_undo(researcher(), found):
            raise NotAllowed(
                "Owners and admins can undo this. Whoever redacts something can do so for "
                "15 minutes."
            )
        redacting.undo(found)
    broadcasts.interview_changed(interview)
    return refreshed_turns(interview)


@dashboard.post(f"{REDACTION}/original")
def show_original(study_id: str, interview_id: str, redaction_id: str) -> ResponseReturnValue:
    """The words, to who may read them; that they were shown is written down."""
    interview = find_interview(study_id, interview_id)
    demand_originals(interview)
    found = redacting.of(interview, redaction_id)
    note_seen(interview, "the words")
    return render_template("dashboard/redactions/_original.html", redaction=found)


@dashboard.app_template_filter()
def covered(text: str) -> Markup:
    """With its blocks read aloud as a word; no letter moves, for the page counts them."""
    shown = Markup('<span class="redacted" role="img" aria-label="redacted">{}</span>')
    marked, at = Markup(), 0
    for block in BLOCKS.finditer(text):
        marked += escape(text[at : block.start()]) + shown.format(block[0])
        at = block.end()
    return marked + escape(text[at:])
