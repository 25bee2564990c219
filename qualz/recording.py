"""Recordings: an interview's parts together with its Full Session."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz.database import Model, db, rows_changed, word
from qualz.part import Part

if TYPE_CHECKING:
    from qualz.interview import Interview
    from qualz.merge import Merge


# Seconds that may pass between a start of the recorder and the server knowing of it: what is begun
# during a short drop is told after it.
TOLD_WITHIN = 15


class Recording(Model):
    __tablename__ = "recordings"

    class State(StrEnum):
        """How far the Full Session is."""

        NONE = "none"
        WAITING = "waiting"
        MERGING = "merging"
        READY = "ready"
        FAILED = "failed"
        STALE = "stale"

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), unique=True
    )
    state: Mapped[State] = mapped_column(word(State), default=State.NONE, index=True)
    reason: Mapped[str | None] = mapped_column(String(300))
    # The Full Session that can be watched; it stays while a stale one is being made anew.
    full_session: Mapped[str | None] = mapped_column(String(200))
    full_session_type: Mapped[str | None] = mapped_column(String(60))
    report: Mapped[dict[str, Any] | None]
    ready_at: Mapped[datetime | None]

    interview: Mapped[Interview] = relationship(back_populates="recording")
    parts: Mapped[list[Part]] = relationship(
        back_populates="recording", order_by=Part.number, cascade="all, delete-orphan"
    )
    merges: Mapped[list[Merge]] = relationship(
        back_populates="recording", order_by="Merge.id", cascade="all, delete-orphan"
    )

    @property
    def folder(self) -> str:
        return f"interviews/{self.interview.public_id}"

    @property
    def clips(self) -> list[Part]:
        """The parts that hold something to play."""
        return [part for part in self.parts if part.bytes_durable]

    @property
    def latest_merge(self) -> Merge | None:
        return self.merges[-1] if self.merges else None

    @property
    def is_being_made(self) -> bool:
        return self.state in (Recording.State.WAITING, Recording.State.MERGING)

    @property
    def plays_as_one(self) -> bool:
        return self.full_session is not None

    @property
    def seconds(self) -> float:
        """The Full Session's length; before there is one, that of its parts together."""
        if self.report:
            return float(self.report["duration"])
        return sum(part.seconds for part in self.parts)

    def start_part(self, *, key: str, reported_type: str, **known: Any) -> Part:
        """A new part; the same one again when the page repeats itself."""
        for part in self.parts:
            if part.key == key:
                return part
        number = max((part.number for part in self.parts), default=0) + 1
        part = Part(number=number, key=key, reported_type=reported_type, bytes_durable=0, **known)
        self.parts.append(part)
        return part

    def note_reported(self, heartbeat: dict[str, Any]) -> None:
        """Keep with its part what a heartbeat said of it: `part`, its number, and its `ms`."""
        for part in self.parts:
            if part.number == heartbeat.get("part"):
                part.note_recorded(int(heartbeat.get("ms") or 0))

    def manifest(self) -> list[dict[str, Any]]:
        """What a Full Session is made of: each closed part and how much of it was there."""
        return [
            {"part": part.public_id, "bytes": part.bytes_durable}
            for part in self.clips
            if not part.is_open
        ]

    def grow_stale(self) -> None:
        """Something was added. A merge under way finds out by itself when it is done.

        By UPDATE, for the merge may end at this very moment: whichever of the two comes second
        sees what the first one wrote.
        """
        db.session.flush()
        over = (Recording.State.READY, Recording.State.FAILED)
        rows_changed(
            update(Recording)
            .where(Recording.id == self.id, Recording.state.in_(over))
            .values(state=Recording.State.STALE, reason=None)
        )
        db.session.refresh(self, ["state", "reason"])

    def is_due(self, *, hold: timedelta) -> bool:
        """Whether a merge should begin: the participant is not expected, and no byte is."""
        return (
            self.state in (Recording.State.NONE, Recording.State.STALE)
            and self.interview.is_left(hold=hold)
            and not any(part.is_open for part in self.parts)
            and bool(self.manifest())
        )

    def gap_before(self, part: Part) -> float | None:
        """Seconds not recorded between the part before and this one.

        By the participant's clock where it can be believed: the tail of a part that a drop ended
        may have arrived long after, so when it arrived says nothing.
        """
        earlier = [other for other in self.parts if other.number < part.number]
        if not earlier:
            return None
        before = earlier[-1]
        between = (part.started_at - before.started_at).total_seconds()
        if before.recorder_started_at and part.recorder_started_at:
            apart = (part.recorder_started_at - before.recorder_started_at).total_seconds()
            gap = apart - before.recorded
            # Another device's clock may be days off. One device's clocks agree with the server's
            # but for the time that it took to tell of each part.
            if gap >= 0 and abs(apart - between) <= TOLD_WITHIN:
                return gap
        return max(0.0, between - before.recorded)
