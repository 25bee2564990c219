"""Transcripts: an interview's turns on the Full Session's clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qualz.interview import Interview
from qualz.turn import Speaker, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One turn and where it is heard: seconds into the Full Session and into its own clip.

    Both are None for what has no place in the recording; `at` alone is None while there is no
    Full Session that holds the part.
    """

    turn: Turn
    at: float | None
    at_in_clip: float | None

    @property
    def by_moderator(self) -> bool:
        return self.turn.speaker is Speaker.MODERATOR


def lines(interview: Interview) -> Iterator[Line]:
    starts = _starts(interview)
    for turn in interview.turns:
        within = _seconds_into_part(turn)
        start = starts.get(turn.part.public_id) if turn.part else None
        yield Line(
            turn=turn,
            at=None if start is None or within is None else start + within,
            at_in_clip=within,
        )


def _starts(interview: Interview) -> dict[str, float]:
    """Where each part begins in the Full Session, by the part's public id."""
    report = interview.recording.report
    if not report:
        return {}
    return {e["part"]: e["start"] for e in report["parts"] if e["start"] is not None}


def _seconds_into_part(turn: Turn) -> float | None:
    if turn.part is None:
        return None
    if turn.begins_ms is not None:
        return turn.begins_ms / 1000
    # The moderator speaks by the server's clock; the part began on it too, within a moment.
    return max(0.0, (turn.said_at - turn.part.started_at).total_seconds())
