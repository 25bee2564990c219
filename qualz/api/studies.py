"""Studies, as another program reads them."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from qualz.api import api, cursors
from qualz.api.access import find_study, researcher
from qualz.api.answers import PageAsked, StudyAnswer, StudyPage
from qualz.api.views import Described, answers
from qualz.study import Study


@api.get("/studies")
@answers(Described(summary="List studies", query=PageAsked, answer=StudyPage))
def studies(asked: PageAsked) -> StudyPage:
    found, after = cursors.page(
        select(Study).where(Study.seen_by(researcher())),
        by=Study.created_at,
        name=Study.public_id,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    return StudyPage(items=[told(one) for one in found], next_cursor=after)


@api.get("/studies/<study_id>")
@answers(Described(summary="Read one study", answer=StudyAnswer))
def study(study_id: str) -> StudyAnswer:
    return told(find_study(study_id))


def told(study: Study) -> StudyAnswer:
    return StudyAnswer(
        id=study.public_id,
        title=study.title,
        state=study.state,
        language=study.language,
        created_at=study.created_at,
        link=f"{address()}/studies/{study.public_id}",
    )


def address() -> str:
    """Where people and programs reach this server."""
    reached: str = current_app.extensions["settings"].address
    return reached
