"""What a list of interviews is asked for: by its address, or by a form."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from flask import request
from sqlalchemy import ColumnElement, Select, and_, func, not_, select

from qualz.database import db
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.search import found_by
from qualz.tag import Tag

LONGEST_QUERY = 200
LONGEST_TAG = 24
MOST_MINUTES = 24 * 60


class Order(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    ACTIVE = "active"
    LONGEST = "longest"
    NAME = "name"


ORDERS = {
    Order.NEWEST: "Newest first",
    Order.OLDEST: "Oldest first",
    Order.ACTIVE: "Last active first",
    Order.LONGEST: "Longest first",
    Order.NAME: "By name",
}
STATES = {
    Interview.State.LIVE: "Live",
    Interview.State.INTERRUPTED: "Interrupted",
    Interview.State.COMPLETED: "Completed",
    Interview.State.ABANDONED: "Abandoned",
    Interview.State.JOINED: "Joined",
    Interview.State.WITHDRAWN: "Withdrawn",
}


class Picture(StrEnum):
    """Whether any of an interview was recorded with the camera."""

    WITH = "with"
    WITHOUT = "without"


PICTURES = {Picture.WITH: "With camera", Picture.WITHOUT: "Sound only"}
PLACE = re.compile(r"(?:[0-9a-f]{1,1000}-)?[0-9]{1,9}", re.ASCII)


def _a_place(text: str) -> str:
    if not PLACE.fullmatch(text):
        raise ValueError(text)
    return text


def _minutes(text: str) -> int:
    """A whole number of them, above 0."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_MINUTES):
        raise ValueError(text)
    return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks for. `first` is the place of a page's first row; see `rows`. Days are
    those of UTC; `longer` and `shorter` are minutes."""

    q: str = ""
    state: Interview.State | None = None
    tag: str = ""
    since: date | None = None
    until: date | None = None
    longer: int | None = None
    shorter: int | None = None
    camera: Picture | None = None
    sort: Order = Order.NEWEST
    first: str | None = None

    @classmethod
    def from_request(cls) -> Wanted:
        """What is not understood is as if it was not there: addresses are typed, too."""
        asked = request.values
        return cls(
            q=" ".join(asked.get("q", "").split())[:LONGEST_QUERY],
            state=asked.get("state", type=Interview.State),
            tag=asked.get("tag", "").replace("\0", "")[:LONGEST_TAG],
            since=asked.get("from", type=date.fromisoformat),
            until=asked.get("to", type=date.fromisoformat),
            longer=asked.get("longer", type=_minutes),
            shorter=asked.get("shorter", type=_minutes),
            camera=asked.get("camera", type=Picture),
            sort=asked.get("sort", Order.NEWEST, type=Order),
            first=asked.get("first", type=_a_place),
        )

    @property
    def narrows(self) -> bool:
        return any(self._filters.values())

    @property
    def asked(self) -> str:
        """What decides which interviews match, whatever their order, in words of an address."""
        return urlencode({name: str(to) for name, to in self._filters.items() if to})

    @property
    def _filters(self) -> dict[str, Any]:
        return {
            "q": self.q,
            "state": self.state,
            "tag": self.tag,
            "from": self.since,
            "to": self.until,
            "longer": self.longer,
            "shorter": self.shorter,
            "camera": self.camera,
        }

    def address(self, **other: str | None) -> dict[str, str]:
        """As parameters of an address, those alone that say something."""
        usual = {"sort": Order.NEWEST.value}
        known = {**self._filters, "sort": self.sort, "first": self.first, **other}
        return {name: str(to) for name, to in known.items() if to and to != usual.get(name)}

    @property
    def chips(self) -> list[tuple[str, dict[str, str]]]:
        """Each filter in words, with the address without it. What is searched for is not among
        them: it stands in its field."""
        told = {
            "state": self.state and STATES.get(self.state, self.state.capitalize()),
            "tag": self.tag and _tag_in_words(self.tag),
            "from": self.since and f"From {_day(self.since)}",
            "to": self.until and f"Until {_day(self.until)}",
            "longer": self.longer and f"Longer than {self.longer} min",
            "shorter": self.shorter and f"Shorter than {self.shorter} min",
            "camera": self.camera and PICTURES[self.camera],
        }
        whole = replace(self, first=None)
        return [
            (words, {name: to for name, to in whole.address().items() if name != about})
            for about, words in told.items()
            if words
        ]

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Of interviews, those that match."""
        for condition in self._conditions():
            query = query.where(condition)
        ids = found_by(self.q)
        return query if ids is None else query.where(Interview.id.in_(ids))

    def _conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.state:
            found.append(Interview.state == self.state)
        if self.tag:
            found.append(Interview.tags.any(Tag.public_id == self.tag))
        if self.since:
            found.append(Interview.consented_at >= _midnight(self.since))
        if self.until and self.until < date.max:
            found.append(Interview.consented_at < _midnight(self.until + timedelta(days=1)))
        if self.longer:
            found.append(length > 60 * self.longer)
        if self.shorter:
            found.append(length < 60 * self.shorter)
        if self.camera:
            is_seen = _has_part(Part.has_camera.is_(True))
            found.append(
                is_seen if self.camera is Picture.WITH else and_(_has_part(), not_(is_seen))
            )
        return found


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _tag_in_words(public_id: str) -> str:
    name = db.session.scalar(select(Tag.name).where(Tag.public_id == public_id))
    return f"Tag: {name}" if name else "A tag that is gone"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _has_part(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether anything was recorded that fits."""
    mine = select(Part.id).join(Recording, Part.recording_id == Recording.id)
    return mine.where(
        Recording.interview_id == Interview.id, Part.bytes_durable > 0, *conditions
    ).exists()


def _length() -> ColumnElement[Any]:
    """Seconds, as `Recording.seconds`; none where nothing was recorded."""
    told = func.coalesce(Part.recorded_ms, Part.stored_ms, 0) / 1000.0
    one = func.coalesce(Part.probed["duration"].as_float(), told)
    parts = select(func.sum(one)).where(Part.recording_id == Recording.id, Part.bytes_durable > 0)
    whole = func.coalesce(
        Recording.report["duration"].as_float(), parts.correlate(Recording).scalar_subquery()
    )
    mine = select(whole).where(Recording.interview_id == Interview.id)
    return mine.correlate(Interview).scalar_subquery()


length = _length()
