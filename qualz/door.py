"""Doors: whether a study takes new participants at the moment, and what it says where it does not.

Only who is new stands at the door. Who is inside already, or comes by a resume link, goes on
whatever becomes of the study.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import TYPE_CHECKING

from qualz.wording import told

if TYPE_CHECKING:
    from qualz.study import Study

NOT_YET = (
    told("Not open yet"),
    told("This study is not open yet. Ask whoever sent you the link."),
)
PAUSED = (
    told("Taking a break"),
    told("This study is paused for now. Keep the link and try it again later: it stays the same."),
)
CLOSED = (
    told("This study is closed"),
    told("It takes no more participants. Thank you for your interest."),
)


FULL = (
    told("This study is full"),
    told("This study is full, thank you. Enough people have taken part already."),
)


def shut_because(study: Study, *, completed: int, at: datetime) -> tuple[str, str] | None:
    """A heading and a sentence for participants; None while the door is open at that moment.

    Those who are inside are not counted, so that a few more than the quota may complete.
    """
    match study.state:
        case study.State.LIVE:
            return _shut_by_itself(study, completed, at)
        case study.State.DRAFT:
            return NOT_YET
        case study.State.PAUSED:
            return PAUSED
        case _:
            return CLOSED


def _shut_by_itself(study: Study, completed: int, at: datetime) -> tuple[str, str] | None:
    if study.opens_at and at < study.opens_at:
        return NOT_YET
    if study.closes_at and at >= study.closes_at:
        return CLOSED
    return FULL if study.quota and completed >= study.quota else None


def opens_to(study: Study, code: str) -> bool:
    """Whether that is the access code, however it is capitalised; any is where there is none."""
    wanted, given = (" ".join(one.split()).casefold() for one in (study.access_code, code))
    return not wanted or hmac.compare_digest(wanted.encode(), given.encode())
