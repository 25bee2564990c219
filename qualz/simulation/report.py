"""What a simulation says at its end, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qualz.simulation.checking import Kept
from qualz.simulation.noticing import Noticed
from qualz.simulation.participant import Participant
from qualz.simulation.tally import Tally, Waits


@dataclass
class Report:
    wanted: int
    seconds: float  # that it took
    processors: float  # that this program kept busy
    tally: Tally
    people: list[Participant]
    kept: list[Kept]
    noticed: Noticed | None

    @property
    def is_well(self) -> bool:
        """Whether everybody got in and nothing that was acknowledged is lost."""
        is_whole = all(kept.lost == 0 and kept.foreign == 0 for kept in self.kept)
        is_noticed = self.noticed is None or self.noticed.missed == 0
        return is_whole and is_noticed and self.tally.entered == self.wanted

    def as_json(self) -> dict[str, Any]:
        tally, parts = self.tally, [part for person in self.people for part in person.parts]
        kinds = sorted({outage.kind for outage in tally.outages})
        return {
            "well": self.is_well,
            "participants": {
                "wanted": self.wanted,
                "entered": tally.entered,
                "ended": tally.ended,
                "answers": tally.answers,
            },
            "seconds": round(self.seconds, 1),
            "parts": len(parts),
            "bytes": {
                "recorded": sum(part.length for part in parts),
                "sent": tally.bytes_sent,
                "requests": tally.requests,
                "acknowledged": sum(part.acknowledged for part in parts),
                "waiting": sum(part.length - part.acknowledged for part in parts),
                "lost": sum(kept.lost for kept in self.kept) if self.kept else None,
            },
            "chunks_acknowledged_after_ms": tally.chunks.as_json(),
            "seconds_safe_after_ms": tally.safe.as_json(),
            "heartbeats_acknowledged_after_ms": tally.heartbeats.as_json(),
            "outages": {
                kind: sum(outage.kind == kind for outage in tally.outages) for kind in kinds
            },
            "drops": self.noticed.as_json() if self.noticed else None,
            "checked": [vars(kept) for kept in self.kept],
            "errors": dict(tally.errors.most_common()),
            "simulator": {
                "busy_processors": round(self.processors, 2),
                "late_ms": tally.late.as_json(),
            },
        }

    def lines(self) -> Iterator[str]:
        tally, told = self.tally, self.as_json()
        sizes = told["bytes"]
        yield f"participants  {tally.entered:,} of {self.wanted:,}, {told['seconds']:,} s in all"
        yield f"answers       {tally.answers:,}"
        yield f"chunks        {_waits(tally.chunks)}"
        yield f"seconds safe  {_waits(tally.safe)}"
        yield f"heartbeats    {_waits(tally.heartbeats)}"
        yield (
            f"bytes         {sizes['recorded']:,} recorded, {sizes['sent']:,} sent in "
            f"{tally.requests:,} requests, "
            f"{sizes['acknowledged']:,} acknowledged, {sizes['waiting']:,} left behind"
        )
        outages = ", ".join(f"{count:,} {kind}" for kind, count in told["outages"].items())
        yield f"outages       {outages or 'none'}"
        yield f"drops noticed {self.noticed or 'not known: that is seen on the server (--here)'}"
        for kept in self.kept:
            foreign = f", {kept.foreign:,} not as recorded" if kept.foreign else ""
            yield (
                f"lost          {kept.lost:,} of the acknowledged bytes{foreign}: {kept.held:,} "
                f"bytes in {kept.parts:,} parts compared with {kept.where}"
            )
        if not self.kept:
            yield "lost          not checked: name --here or --token-file"
        errors = [f"{count:,} × {name}" for name, count in tally.errors.most_common()]
        yield f"errors        {'; '.join(errors) or 'none'}"
        yield f"simulator     {self.processors:.2f} processors, late by {_waits(tally.late)}"


def _waits(waits: Waits) -> str:
    told = waits.as_json()
    if not waits.count:
        return "none"
    return (
        f"{waits.count:,}, p50 {told['p50']} ms, p99 {told['p99']} ms, at most {told['longest']} ms"
    )
