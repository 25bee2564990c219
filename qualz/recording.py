"""Recordings: an interview's parts together with its Full Session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz.database import Model, db, rows_changed, word
from qualz.manifest import Manifest
from qualz.media.full_session import Source
from qualz.part import Part

if TYPE_CHECKING:
    from qualz.interview import Interview
    from qualz.media.storage import Storage
    from qualz.merge import Merge
    from qualz.rendition import Rendition


CANCELLED = "Cancelled. The clips are unharmed; merge again when you like."


def folder_of(interview_id: str) -> str:
    """Where the files of an interview lie in storage, by its public id."""
    return f"interviews/{interview_id}"


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
    # The Full Session as it was recorded, where the one that is watched is a redacted copy of it,
    # or is not made yet.
    original: Mapped[str | None] = mapped_column(String(200))
    original_type: Mapped[str | None] = mapped_column(String(60))
    report: Mapped[dict[str, Any] | None]
    ready_at: Mapped[datetime | None] = mapped_column(index=True)
    # The Full Session that poster and peaks were made of.
    illustrated: Mapped[str | None] = mapped_column(String(200))
    # When it was deleted while the transcript stayed; `report` then says where turns were heard.
    deleted_at: Mapped[datetime | None]

    interview: Mapped[Interview] = relationship(back_populates="recording")
    parts: Mapped[list[Part]] = relationship(
        back_populates="recording", order_by=Part.number, cascade="all, delete-orphan"
    )
    merges: Mapped[list[Merge]] = relationship(
        back_populates="recording", order_by="Merge.id", cascade="all, delete-orphan"
    )

    renditions: Mapped[list[Rendition]] = relationship(
        back_populates="recording", cascade="all, delete-orphan"
    )

    @property
    def folder(self) -> str:
        return folder_of(self.interview.public_id)

    @property
    def prepared(self) -> str:
        """Its folder in storage for what was done with parts before their merge."""
        return f"{self.folder}/prepared"

    @property
    def poster(self) -> str | None:
        """The file of a picture that stands for the Full Session; there need not be one."""
        return self._beside_full_session("jpg")

    @property
    def peaks(self) -> str | None:
        """The file that tells how loud the Full Session is; see `media.waveform`."""
        return self._beside_full_session("peaks")

    def _beside_full_session(self, ending: str) -> str | None:
        return self.full_session and f"{self.full_session.rpartition('.')[0]}.{ending}"

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
    def was_cancelled(self) -> bool:
        """Whether there is no newer Full Session because somebody wanted none just then."""
        return self.state is Recording.State.FAILED and self.reason == CANCELLED

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
        self.interview.hold()
        number = max((part.number for part in self.parts), default=0) + 1
        part = Part(number=number, key=key, reported_type=reported_type, bytes_durable=0, **known)
        self.parts.append(part)
        return part

    def note_reported(self, heartbeat: dict[str, Any]) -> None:
        """Keep with its part what a heartbeat said of it: `part`, its number, and its `ms`."""
        for part in self.parts:
            if part.number == heartbeat.get("part"):
                part.note_recorded(int(heartbeat.get("ms") or 0))

    def manifest(self) -> Manifest:
        """What a Full Session is made of: each closed part and how much of it was there."""
        redacted = self._redacted_in_parts()
        return [
            {"part": part.public_id, "bytes": part.bytes_durable}
            | ({"redacted": redacted[part.id]} if part.id in redacted else {})
            for part in self.clips
            if not part.is_open
        ]

    # ---- what not everybody may hear

    def _redacted_in_parts(self) -> dict[int, list[list[Any]]]:
        found: dict[int, list[list[Any]]] = {}
        for turn in self.interview.turns:
            for one in turn.redactions:
                if turn.part_id is not None and one.is_heard:
                    found.setdefault(turn.part_id, []).append(one.as_planned)
                    for again in turn.repetitions:
                        planned = one.as_planned_at(again.begins_ms)
                        found.setdefault(again.part_id, []).append(planned)
        return found

    def _taken_back_in_parts(self) -> set[int]:
        """Parts that still hold an answer which its participant took back."""
        return {
            one.part_id
            for turn in self.interview.turns
            for one in turn.to_erase
            if one.part_id is not None
        }

    @property
    def holds_taken_back(self) -> bool:
        return bool(self._taken_back_in_parts())

    @property
    def awaits_rest(self) -> bool:
        """Whether something is to be erased from a part of which more may come."""
        held = self._taken_back_in_parts()
        return any(part.id in held and part.may_grow for part in self.parts)

    @property
    def withheld(self) -> set[int]:
        """The ids of the parts that are played to nobody as they are."""
        return {*self._redacted_in_parts(), *self._taken_back_in_parts()}

    @property
    def shown_clips(self) -> list[Part]:
        """Those that may be played and taken away."""
        withheld = self.withheld
        return [part for part in self.clips if part.id not in withheld]

    @property
    def is_redacted(self) -> bool:
        return bool(self._redacted_in_parts())

    def withhold(self) -> None:
        """What could be played so far holds what is not to be heard any more: until a Full Session
        without it is there, none is played. To be called after what changed was flushed.

        Locked, for a merge may end at this moment: whoever comes second sees what the first wrote.
        """
        db.session.flush()
        db.session.refresh(self, with_for_update=True)
        if self.full_session and not self.original:
            self.original, self.original_type = self.full_session, self.full_session_type
        self.full_session = self.full_session_type = self.illustrated = None
        self.grow_stale()

    def forget_full_session(self) -> None:
        """Its files are for whoever knows the storage."""
        self.full_session = self.full_session_type = self.illustrated = None
        self.original = self.original_type = None

    def sources(self, parts: Sequence[Part], storage: Storage) -> list[Source]:
        """The parts as they are handed to the merge engine."""
        return [
            Source(
                path=storage.here(part.kept_as),
                label=part.label,
                gap_before=self.gap_before(part),
                without_picture=not self.interview.camera.is_allowed,
                recorded=part.stored or None,
                content=part.content if self._is_as_digested(part, storage) else None,
            )
            for part in parts
        ]

    @property
    def arrives_elsewhere(self) -> bool:
        """Whether a part is in no place yet that each machine reaches. Only with a shelf."""
        return any(part.bytes_durable and part.shelved is None for part in self.parts)

    @staticmethod
    def _is_as_digested(part: Part, storage: Storage) -> bool:
        """A process may have ended between writing bytes and noting them down."""
        return part.content_bytes == part.bytes_durable == storage.size(part.kept_as)

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
            and not self.awaits_rest
            and bool(self.manifest())
        )

    def gap_before(self, part: Part) -> float | None:
        """Seconds not recorded between the part before and this one."""
        earlier = [other for other in self.parts if other.number < part.number]
        return part.gap_after(earlier[-1]) if earlier else None
