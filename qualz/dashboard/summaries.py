"""Summaries: the studies that a researcher may see, as their list shows, searches and narrows them
to a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import request
from sqlalchemy import ColumnElement, and_, func, select

from qualz.dashboard.chips import STUDIES
from qualz.database import db
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import Study

LONGEST_QUERY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    study: Study
    interviews: int
    live: int
    completed: int
    interrupted: int
    last_activity: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Of the studies that they may see, those that the address asks for; archived ones only by
    their state."""

    q: str
    state: Study.State | None
    summaries: Sequence[Summary]
    all: int
    archived: int

    @property
    def narrows(self) -> bool:
        return bool(self.q or self.state)

    @property
    def states(self) -> dict[str, str]:
        return {state.value: chip.word for state, chip in STUDIES.items()}


def shelf_of(researcher: Researcher) -> Shelf:
    q = " ".join(request.args.get("q", "").split())[:LONGEST_QUERY]
    state = request.args.get("state", type=Study.State)
    summaries = summaries_of(researcher)
    return Shelf(
        q=q,
        state=state,
        summaries=[one for one in summaries if _fits(one.study, q, state)],
        all=len(summaries),
        archived=sum(one.study.state is Study.State.ARCHIVED for one in summaries),
    )


def _fits(study: Study, q: str, state: Study.State | None) -> bool:
    """Here and not in the database: SQLite knows no capitals but those of English."""
    is_wanted = study.state is not Study.State.ARCHIVED if state is None else study.state is state
    name = study.name.casefold()
    return is_wanted and all(word in name for word in q.casefold().split())


def summaries_of(researcher: Researcher) -> list[Summary]:
    """The studies that they may see, the one where something happened last first. One query."""
    rows = db.session.execute(
        select(
            Study,
            func.count(Interview.id),
            _count(Interview.state == Interview.State.LIVE),
            _count(Interview.state == Interview.State.COMPLETED),
            _count(Interview.state == Interview.State.INTERRUPTED),
            func.max(func.coalesce(Interview.last_seen_at, Interview.consented_at)),
        )
        .outerjoin(Interview, and_(Interview.study_id == Study.id, Interview.is_preview.is_(False)))
        .where(Study.seen_by(researcher))
        .group_by(Study.id)
    )
    found = [
        Summary(
            study=study,
            interviews=interviews,
            live=live,
            completed=completed,
            interrupted=interrupted,
            last_activity=max(filter(None, (seen, study.created_at))),
        )
        for study, interviews, live, completed, interrupted, seen in rows
    ]
    return sorted(found, key=lambda summary: summary.last_activity, reverse=True)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(Interview.id).filter(condition)
