"""Tags: given to an interview, and a study's tags in one place."""

from __future__ import annotations

from collections.abc import Sequence

from flask import render_template, request
from flask.typing import ResponseReturnValue

from qualz import broadcasts
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, find_study
from qualz.dashboard.partials import refreshed
from qualz.dashboard.removals import renamed
from qualz.database import db, once_more_if_taken
from qualz.errors import NotFound, TagRefused
from qualz.interview import Interview
from qualz.study import Study
from qualz.tag import Colour, Tag


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/tags")
def tags_of(study_id: str, interview_id: str) -> ResponseReturnValue:
    """The dialog in which an interview gets its tags."""
    interview = find_interview(study_id, interview_id)
    return render_template(
        "dashboard/tags/_interview.html",
        study=interview.study,
        interview=interview,
        tags=Tag.all_of(interview.study),
        worn=interview.tags,
    )


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/tags")
def tag_interview(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    once_more_if_taken(lambda: _tag(interview))
    broadcasts.interview_changed(interview)
    return renamed(interview)


def _tag(interview: Interview) -> None:
    interview.hold()
    interview.tags = chosen_tags(interview.study, interview.tags)
    db.session.commit()


def chosen_tags(study: Study, worn: Sequence[Tag]) -> list[Tag]:
    """As the dialog was sent. What somebody else added while it was open stays."""
    form = request.form
    chosen = Tag.chosen(study, form.getlist("tag"), form.get("new", ""))
    shown = {*form.getlist("worn"), *(tag.public_id for tag in chosen)}
    return [*chosen, *(tag for tag in worn if tag.public_id not in shown)]


@dashboard.get("/studies/<study_id>/tags/filter")
def tag_filter(study_id: str) -> ResponseReturnValue:
    """The list's choice of tags, with the one chosen that was."""
    study = find_study(study_id)
    asked = request.args.get("tag", "")
    page = "dashboard/transcripts/_tag_filter.html"
    return refreshed(page, study=study, tags=Tag.all_of(study), asked=asked)


@dashboard.get("/studies/<study_id>/tags")
def tags(study_id: str) -> ResponseReturnValue:
    """The dialog in which a study's tags are renamed and deleted."""
    return _all_of("_dialog", find_study(study_id))


@dashboard.post("/studies/<study_id>/tags/<tag_id>")
def change_tag(study_id: str, tag_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    tag = Tag.of(study, tag_id)
    tag.rename(request.form.get("name", ""))
    tag.colour = request.form.get("colour", tag.colour, type=Colour)
    db.session.commit()
    broadcasts.study_changed(study)
    return _all_of("_list", study)


@dashboard.post("/studies/<study_id>/tags")
def make_tag(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)

    def make() -> None:
        if not Tag.chosen(study, (), request.form.get("new", "")):
            raise TagRefused("A tag needs a name.")
        db.session.commit()

    once_more_if_taken(make)
    broadcasts.study_changed(study)
    return _all_of("_list", study)


@dashboard.delete("/studies/<study_id>/tags/<tag_id>")
def remove_tag(study_id: str, tag_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    try:
        Tag.of(study, tag_id).remove()
        db.session.commit()
        broadcasts.study_changed(study)
    except NotFound:
        # Gone already: that is what was wanted.
        pass
    return _all_of("_list", study)


def _all_of(template: str, study: Study) -> str:
    return render_template(
        f"dashboard/tags/{template}.html",
        study=study,
        tags=Tag.all_of(study),
        uses=Tag.uses(study),
        colours=[colour.value for colour in Colour],
    )
