"""Highlights: words of a transcript that were marked, in their place and in a list of their own."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from flask import current_app, render_template, request, send_file
from flask.typing import ResponseReturnValue

from qualz import background, broadcasts, codings, file_names
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, find_study, researcher
from qualz.dashboard.corrections import TURN
from qualz.dashboard.partials import is_partial, refreshed
from qualz.dashboard.tags import chosen_tags
from qualz.dashboard.transcripts import refreshed_turns
from qualz.database import db, once_more_if_taken
from qualz.errors import NotFound
from qualz.excerpt import Excerpt
from qualz.highlight import Highlight, pieces
from qualz.interview import Interview
from qualz.study import Study
from qualz.tag import Tag
from qualz.timing import times_of
from qualz.transcript import turn_of

HIGHLIGHT = "/studies/<study_id>/transcripts/<interview_id>/highlights/<highlight_id>"
LONGEST_QUOTE = 50_000
# So many are listed at first, so many more each time, and no more than this.
LISTED, MOST_LISTED = 50, 5_000


@dashboard.get("/studies/<study_id>/highlights")
def highlights(study_id: str) -> ResponseReturnValue:
    """All of a study's, or those of a tag; to HTMX the list alone."""
    study = find_study(study_id)
    if is_partial():
        return _list_of(study)
    page = "dashboard/highlights/index.html"
    return render_template(page, study=study, tab="highlights", **_listed(study))


@dashboard.get("/studies/<study_id>/highlights.csv")
def highlights_as_csv(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    data = codings.table(Highlight.all_of(study, _chosen(Tag.all_of(study)))).encode("utf-8-sig")
    answer = send_file(
        BytesIO(data),
        mimetype="text/csv",
        as_attachment=True,
        download_name=f"{file_names.safe(study.name)} — highlights.csv",
        max_age=0,
    )
    answer.cache_control.private = True
    return answer


def _list_of(study: Study) -> ResponseReturnValue:
    return refreshed("dashboard/highlights/_list.html", study=study, **_listed(study))


def _listed(study: Study) -> dict[str, Any]:
    tags = Tag.all_of(study)
    chosen = _chosen(tags)
    shown = min(max(LISTED, request.values.get("shown", LISTED, type=int)), MOST_LISTED)
    found = Highlight.all_of(study, chosen, most=shown + 1)
    return {
        "highlights": found[:shown],
        "shown": shown,
        "more": shown + LISTED if len(found) > shown else None,
        "tags": tags,
        "chosen": chosen,
        "uses": Tag.uses(study),
    }


def _chosen(tags: Sequence[Tag]) -> Tag | None:
    """The one that the address names."""
    asked = request.values.get("tagged", "")
    return next((tag for tag in tags if tag.public_id == asked), None)


@dashboard.get(f"{TURN}/highlights/new")
def new_highlight(study_id: str, interview_id: str, number: int) -> ResponseReturnValue:
    """The dialog, with the words from `start` to `end` chosen, or all of the turn's."""
    interview = find_interview(study_id, interview_id)
    turn = turn_of(interview, number)
    start = min(request.args.get("start", 0, type=int), len(turn.words))
    end = request.args.get("end", len(turn.words), type=int)
    return render_template(
        "dashboard/highlights/_new.html",
        study=interview.study,
        interview=interview,
        turn=turn,
        start=max(0, start),
        quote=turn.words[max(0, start) : max(0, end)],
        tags=Tag.all_of(interview.study),
        worn=[],
    )


@dashboard.post(f"{TURN}/highlights")
def mark(study_id: str, interview_id: str, number: int) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)

    def mark() -> None:
        turn = turn_of(interview, number)
        start = request.form.get("start", 0, type=int)
        quote = request.form.get("quote", "")[:LONGEST_QUOTE]
        _note(Highlight.mark(turn, start, quote, by=researcher()), interview.study)

    once_more_if_taken(mark)
    broadcasts.interview_changed(interview)
    return refreshed_turns(interview)


@dashboard.get(HIGHLIGHT)
def highlight(study_id: str, interview_id: str, highlight_id: str) -> ResponseReturnValue:
    """The dialog in which its tags and its comment are changed."""
    interview = find_interview(study_id, interview_id)
    found = Highlight.of(interview, highlight_id)
    return render_template(
        "dashboard/highlights/_edit.html",
        study=interview.study,
        interview=interview,
        highlight=found,
        tags=Tag.all_of(interview.study),
        worn=found.tags,
        on=request.args.get("on", ""),
        tagged=request.args.get("tagged", ""),
        shown=request.args.get("shown", ""),
    )


@dashboard.post(HIGHLIGHT)
def change_highlight(study_id: str, interview_id: str, highlight_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    once_more_if_taken(lambda: _note(Highlight.of(interview, highlight_id), interview.study))
    broadcasts.interview_changed(interview)
    return _answer(interview)


@dashboard.delete(HIGHLIGHT)
def remove_highlight(study_id: str, interview_id: str, highlight_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    try:
        found = Highlight.of(interview, highlight_id)
    except NotFound:
        # Gone already: that is what was wanted.
        return _answer(interview)
    if found.excerpt:
        found.excerpt.remove(current_app.extensions["storage"])
    found.remove()
    db.session.commit()
    broadcasts.interview_changed(interview)
    return _answer(interview)


def _note(highlight: Highlight, study: Study) -> None:
    form = request.form
    tags = chosen_tags(study, highlight.tags)
    highlight.note(form.get("comment", ""), tags, instead_of=form.get("instead_of"))
    db.session.commit()


def _answer(interview: Interview) -> ResponseReturnValue:
    """The list that it was done in: the study's, else the interview's own."""
    if request.values.get("on") == "study":
        return _list_of(interview.study)
    return refreshed_turns(interview)


# ---- excerpts


@dashboard.get(f"{HIGHLIGHT}/excerpt")
def excerpt(study_id: str, interview_id: str, highlight_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    return render_template(
        "dashboard/highlights/_excerpt.html",
        study=interview.study,
        interview=interview,
        highlight=Highlight.of(interview, highlight_id),
    )


@dashboard.post(f"{HIGHLIGHT}/excerpt")
def ask_for_excerpt(study_id: str, interview_id: str, highlight_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)

    def ask() -> None:
        asked = Excerpt.ask(Highlight.of(interview, highlight_id))
        if asked.is_under_way:
            background.later("excerpt", asked.id)
        db.session.commit()

    # Asked for in two tabs at once: one is enough.
    once_more_if_taken(ask)
    return excerpt(study_id, interview_id, highlight_id)


@dashboard.delete(f"{HIGHLIGHT}/excerpt")
def remove_excerpt(study_id: str, interview_id: str, highlight_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    if found := Highlight.of(interview, highlight_id).excerpt:
        found.remove(current_app.extensions["storage"])
    return excerpt(study_id, interview_id, highlight_id)


@dashboard.app_context_processor
def _pieces() -> dict[str, object]:
    return {"pieces_of": pieces, "times_of": times_of}
