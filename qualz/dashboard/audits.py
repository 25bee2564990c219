"""The audit log as a page: narrowed, page by page, and to take away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from flask import Response, current_app, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select

from qualz.audit_entry import AT_A_TIME, Action, AuditEntry, By
from qualz.dashboard import dashboard
from qualz.database import db
from qualz.errors import NotFound
from qualz.export import defused
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import Study

ROWS = 50
MOST_STUDIES = 200
OTHERS = {
    By.PARTICIPANT: "Participants",
    By.API: "Other programs",
    By.SYSTEM: "Qualz itself",
    By.NOBODY: "Nobody signed in",
}
COLUMNS = [*AuditEntry.TOLD, "hash"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks for. Days are those of UTC; `before` is an entry's number."""

    who: str = ""
    action: Action | None = None
    study: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    @classmethod
    def from_request(cls) -> Self:
        """What is not understood is as if it was not there."""
        asked = request.args
        return cls(
            who=asked.get("who", "", type=_a_person),
            action=asked.get("action", type=Action),
            study=asked.get("study", "").replace("\0", "")[:24],
            since=asked.get("from", type=date.fromisoformat),
            until=asked.get("to", type=date.fromisoformat),
            before=asked.get("before", type=_a_number),
        )

    @property
    def narrows(self) -> bool:
        return any((self.who, self.action, self.study, self.since, self.until))

    def address(self, **other: Any) -> str:
        """As the query of an address."""
        kept = {"who": self.who, "action": self.action, "study": self.study}
        days = {"from": self.since, "to": self.until}
        return urlencode({name: str(to) for name, to in {**kept, **days, **other}.items() if to})

    def narrow(self, found: Select[AuditEntry]) -> Select[AuditEntry]:
        if self.who.isdigit():
            found = found.where(AuditEntry.who_id == int(self.who))
        elif self.who:
            found = found.where(AuditEntry.by == By(self.who))
        if self.action:
            found = found.where(AuditEntry.action == self.action)
        if self.study:
            found = found.where(AuditEntry.study == self.study)
        if self.since:
            found = found.where(AuditEntry.at >= _midnight(self.since))
        if self.until and self.until < date.max:
            found = found.where(AuditEntry.at < _midnight(self.until + timedelta(days=1)))
        return found


@dashboard.get("/settings/audit-log")
def audit_log() -> ResponseReturnValue:
    wanted = Wanted.from_request()
    newest = wanted.narrow(select(AuditEntry)).order_by(AuditEntry.id.desc())
    if wanted.before:
        newest = newest.where(AuditEntry.id < wanted.before)
    found = db.session.scalars(newest.limit(ROWS + 1)).all()
    shown = found[:ROWS]
    people = db.session.scalars(select(Researcher).order_by(Researcher.name)).all()
    studies = select(Study).order_by(Study.id.desc()).limit(MOST_STUDIES)
    return render_template(
        "dashboard/audits/index.html",
        wanted=wanted,
        entries=shown,
        older=shown[-1].id if len(found) > ROWS else None,
        people=people,
        others=OTHERS,
        actions=Action,
        studies=db.session.scalars(studies).all(),
        names=_names_of(shown),
    )


@dashboard.get("/settings/audit-log/exports/<form>")
def export_audit_log(form: str) -> ResponseReturnValue:
    """All entries that match, the oldest first, with the hashes by which they can be checked."""
    if form not in ("csv", "jsonl"):
        raise NotFound("The audit log is exported as csv or as jsonl.")
    written = _as_csv if form == "csv" else _as_lines
    lines = stream_with_context(written(_all(Wanted.from_request())))
    answer: Response = current_app.response_class(
        lines, mimetype="text/csv" if form == "csv" else "application/jsonl"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="audit-log.{form}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _all(wanted: Wanted) -> Iterator[dict[str, Any]]:
    last = 0
    while True:
        next_ones = wanted.narrow(select(AuditEntry)).where(AuditEntry.id > last)
        some = db.session.scalars(next_ones.order_by(AuditEntry.id).limit(AT_A_TIME)).all()
        told = [{**entry.told, "hash": entry.hash} for entry in some]
        # Whoever downloads slowly holds no connection meanwhile.
        db.session.rollback()
        yield from told
        if len(told) < AT_A_TIME:
            return
        last = told[-1]["id"]


def _as_lines(entries: Iterator[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        yield json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n"


def _as_csv(entries: Iterator[dict[str, Any]]) -> Iterator[str]:
    out = io.StringIO(newline="")
    table = csv.writer(out)
    # A spreadsheet takes it for UTF-8 by the mark in front.
    out.write("\ufeff")
    table.writerow(COLUMNS)
    for entry in entries:
        cells = {**entry, "detail": json.dumps(entry["detail"], ensure_ascii=False)}
        table.writerow([defused(str("" if (it := cells[n]) is None else it)) for n in COLUMNS])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def _names_of(entries: Sequence[AuditEntry]) -> dict[str, str]:
    """What the studies and interviews of some entries are called, as far as they are still there.

    Interviews by their number: who they were with is not for everybody who may read the log.
    """
    asked = {public_id for one in entries for public_id in (one.study, one.interview) if public_id}
    named = select(Study).where(Study.public_id.in_(asked))
    studies = {study.public_id: study.name for study in db.session.scalars(named)}
    numbered = select(Interview.public_id, Interview.number).where(Interview.public_id.in_(asked))
    numbers = {name: f"Participant {number}" for name, number in db.session.execute(numbered)}
    return {**studies, **numbers}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _a_person(text: str) -> str:
    """A researcher's number, or a word of `By`."""
    return text if text.isascii() and text.isdigit() and len(text) < 10 else By(text).value


def _a_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)
