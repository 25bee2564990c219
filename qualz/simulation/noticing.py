"""When the server noticed that its simulated participants were gone: asked of its database."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from qualz.database import db
from qualz.drop import Drop
from qualz.interview import Interview
from qualz.simulation.tally import Outage, Waits

# Seconds. Whoever is away for so long must have been noticed; §11 of the design asks for 5.
LONG = 6.0


@dataclass
class Noticed:
    """`long`: outages of six seconds and more; `missed`: those of them that nobody noticed."""

    waits: Waits = field(default_factory=Waits)
    long: int = 0
    missed: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "noticed_after_ms": self.waits.as_json(),
            "outages_of_6_s_or_more": self.long,
            "missed": self.missed,
        }

    def __str__(self) -> str:
        told = self.waits.as_json()
        if not self.waits.count:
            return f"none, of {self.long:,} of {LONG:.0f} s or more"
        return (
            f"{self.waits.count:,}, p50 {told['p50']} ms, p99 {told['p99']} ms, at most "
            f"{told['longest']} ms after the last sign of life; missed {self.missed:,} of "
            f"{self.long:,} of {LONG:.0f} s or more"
        )


def noticed(outages: list[Outage]) -> Noticed:
    """An application context is needed, and that the server's clock is the one of this machine."""
    drops: dict[str, list[tuple[float, float, float]]] = {}
    ids = sorted({outage.interview for outage in outages})
    for at in range(0, len(ids), 500):
        found = (
            select(Interview.public_id, Drop.left_at, Drop.noticed_at, Drop.returned_at)
            .join(Drop, Drop.interview_id == Interview.id)
            .where(Interview.public_id.in_(ids[at : at + 500]))
        )
        for interview, left_at, noted_at, returned_at in db.session.execute(found):
            returned = returned_at.timestamp() if returned_at else math.inf
            drop = (left_at.timestamp(), noted_at.timestamp(), returned)
            drops.setdefault(interview, []).append(drop)
    told = Noticed()
    for interview in ids:
        for left, noted, _ in drops.get(interview, []):
            told.waits.note(noted - left)
    for outage in outages:
        if outage.seconds >= LONG:
            told.long += 1
            # Who is back for less than a heartbeat has, for the server, been away all the time.
            told.missed += not any(
                left < outage.ended and returned > outage.began
                for left, _, returned in drops.get(outage.interview, [])
            )
    return told
