"""The people that have personal links, as the Share page lists them: searched, and page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from qualz.personal_link import PersonalLink
from qualz.study import Study

ROWS = 50
LONGEST_QUERY = 200
LAST_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list, from 1, of what fits `q`: `found` in all."""

    links: Sequence[PersonalLink]
    found: int
    q: str
    number: int

    @property
    def last(self) -> int:
        return max(1, -(-self.found // ROWS))


def page_of(study: Study) -> Page:
    """What the address asks for; what is not understood is as if it was not there."""
    q = " ".join(request.values.get("q", "").split())[:LONGEST_QUERY]
    number = min(max(1, request.values.get("page", 1, type=int)), LAST_PAGE)
    links, found = PersonalLink.page_of(study, q=q, page=number, size=ROWS)
    return Page(links, found, q, number)
