"""Extents: how much of a part there is, in bytes and in seconds, and what is missing or damaged."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from qualz import clock
from qualz.database import Model, word

# No recorder runs for longer than a day, whatever its page says.
LONGEST_MS = 24 * 60 * 60 * 1000
# Seconds that may pass between a start of the recorder and the server knowing of it: what is begun
# during a short drop is told after it.
TOLD_WITHIN = 15


class EndReason(StrEnum):
    """Why a recorder's run ended, in the words of the page or the server."""

    FINISHED = "finished"
    DROP = "drop"
    RELOAD = "reload"
    CLOSED = "closed"
    CRASHED = "crashed"
    DEVICE_CHANGE = "device_change"
    CAMERA_SWITCH = "camera_switch"
    SLOW_LINE = "slow_line"
    PAUSE = "pause"
    RECORDER_ERROR = "recorder_error"
    GIVEN_UP = "given_up"
    LIMIT = "limit"


# Whoever stopped the recorder in good order got all that it held. Of the others the timeslice in
# flight never reached the journal.
ORDERLY = (
    EndReason.FINISHED,
    EndReason.DROP,
    EndReason.DEVICE_CHANGE,
    EndReason.CAMERA_SWITCH,
    EndReason.SLOW_LINE,
    EndReason.PAUSE,
)


class Extent(Model):
    """What of a part is about how much of it there is."""

    __abstract__ = True

    # By the server's clock when the upload was created and closed; by the participant's clock
    # when the recorder started and stopped.
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    recorder_started_at: Mapped[datetime | None]
    recorder_ended_at: Mapped[datetime | None]
    last_byte_at: Mapped[datetime | None]
    bytes_durable: Mapped[int] = mapped_column(BigInteger, default=0)
    length: Mapped[int | None] = mapped_column(BigInteger)
    # On the recorder's own clock, as the page tells: how long it ran, up to where its `length`
    # bytes reach, and up to where the durable ones do.
    recorded_ms: Mapped[int | None]
    delivered_ms: Mapped[int | None]
    stored_ms: Mapped[int | None]
    end_reason: Mapped[EndReason | None] = mapped_column(word(EndReason))
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    probed: Mapped[dict[str, Any] | None]
    damage: Mapped[str | None] = mapped_column(String(200))

    @property
    def is_whole(self) -> bool:
        """Whether all that its recorder delivered is here."""
        return self.length is not None and self.bytes_durable >= self.length

    @property
    def recorded(self) -> float:
        """Seconds that its recorder ran, as it last said."""
        return self.seconds if self.recorded_ms is None else self.recorded_ms / 1000

    @property
    def stored(self) -> float:
        """Seconds of its recorder's clock that are durable here, as far as its page told."""
        return ((self.delivered_ms if self.is_whole else self.stored_ms) or 0) / 1000

    @property
    def missing(self) -> float | None:
        """Seconds that were recorded and are not here; None where its recorder never said."""
        if self.is_whole and self.end_reason in ORDERLY:
            return 0.0
        if self.recorded_ms is None:
            return None
        return max(0.0, self.recorded_ms / 1000 - self.stored)

    @property
    def holes(self) -> list[tuple[float, float | None, str]]:
        """What came but is damaged, as a merge found out: from which second of the part on, for
        how many (None: nobody knows), and why."""
        found = (self.probed or {}).get("holes", [])
        return [(hole["start"], hole["seconds"], hole["reason"]) for hole in found]

    @property
    def playable(self) -> float:
        """Seconds that are in the Full Session, as the last merge found out."""
        return float((self.probed or {}).get("duration") or 0.0)

    @property
    def damaged(self) -> float | None:
        """Seconds that came but cannot be played; None where nobody can say how many."""
        known = [seconds for _, seconds, _ in self.holes if seconds is not None]
        return sum(known) if len(known) == len(self.holes) else None

    def note_found(self, entry: dict[str, Any]) -> None:
        """Keep what a merge found out about it, in the words of its report."""
        left_out = entry["left_out"]
        self.probed = {"duration": entry["duration"], "holes": entry["holes"]}
        if left_out:
            lost = [{"start": 0.0, "seconds": self.stored or None, "reason": left_out}]
            self.probed = {"duration": 0.0, "holes": lost}
        told = [reason for _, _, reason in self.holes]
        self.damage = "; ".join(dict.fromkeys(told))[:200] or None

    @property
    def seconds(self) -> float:
        """How long it plays, as probed, else how long its recorder ran, by whatever clock tells."""
        if self.probed and self.probed.get("duration"):
            return float(self.probed["duration"])
        if self.recorded_ms is not None:
            return self.recorded_ms / 1000
        if self.recorder_started_at and self.recorder_ended_at:
            return max(0.0, (self.recorder_ended_at - self.recorder_started_at).total_seconds())
        return max(0.0, ((self.last_byte_at or self.started_at) - self.started_at).total_seconds())

    def gap_after(self, before: Extent) -> float:
        """Seconds not recorded between the one before and this.

        By the participant's clock where it can be believed: the tail of a part that a drop ended
        may have arrived long after, so when it arrived says nothing.
        """
        between = (self.started_at - before.started_at).total_seconds()
        if before.recorder_started_at and self.recorder_started_at:
            apart = (self.recorder_started_at - before.recorder_started_at).total_seconds()
            gap = apart - before.recorded
            # Another device's clock may be days off. One device's clocks agree with the server's
            # but for the time that it took to tell of each part.
            if gap >= 0 and abs(apart - between) <= TOLD_WITHIN:
                return gap
        return max(0.0, between - before.recorded)

    def note_recorded(self, ms: int | None) -> None:
        """Its recorder ran for so long at least."""
        if ms is not None and ms > (self.recorded_ms or 0):
            self.recorded_ms = ms
