"""Merges: one attempt each to make a Full Session."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, db, rows_changed, word
from qualz.media import full_session
from qualz.media.ffmpeg import FFmpeg, Stopped
from qualz.media.storage import DiskFull, Storage
from qualz.recording import Recording

if TYPE_CHECKING:
    from qualz.part import Part

# A merge that takes its worker down is tried again elsewhere, but not for ever.
MOST_ATTEMPTS = 4
LONGEST_REASON = 300
# The parts brought into one layout and the joined file, each half as large again as the parts if
# all were re-encoded, and some air; see `media/full_session.py`.
ROOM_NEEDED = 3.5


class LeaseLost(Exception):
    """Another worker holds this merge now; whatever was made here is thrown away."""


class Merge(Model):
    __tablename__ = "merges"

    class State(StrEnum):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id: Mapped[int] = mapped_column(primary_key=True)
    recording_id: Mapped[int] = mapped_column(
        ForeignKey("recordings.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[State] = mapped_column(word(State), default=State.WAITING, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
    manifest: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]

    recording: Mapped[Recording] = relationship(back_populates="merges")

    # The lease that this worker was given. The column tells who holds the merge by now.
    _held = ""

    @classmethod
    def begin(cls, recording: Recording) -> Merge | None:
        """Put a merge of the recording in line; None while one is. `background.later` rings for it.

        The UPDATE decides between the sweep and a person who asks for it at the same moment.
        """
        db.session.flush()
        under_way = (Recording.State.WAITING, Recording.State.MERGING)
        begun = rows_changed(
            update(Recording)
            .where(Recording.id == recording.id, Recording.state.not_in(under_way))
            .values(state=Recording.State.WAITING, reason=None)
        )
        db.session.refresh(recording, ["state", "reason"])
        if not begun:
            return None
        merge = cls(recording=recording)
        db.session.add(merge)
        return merge

    @classmethod
    def unclaimed(cls) -> list[Merge]:
        """Merges that nobody works on: never begun, or their worker's lease ran out."""
        return list(
            db.session.scalars(
                select(cls).where(
                    or_(
                        cls.state == Merge.State.WAITING,
                        (cls.state == Merge.State.RUNNING) & (cls.leased_until < clock.now()),
                    )
                )
            )
        )

    @classmethod
    def claim(cls, merge_id: int, *, lease_for: timedelta) -> Merge | None:
        """Take the merge for this worker, or answer None when another has it or it is over.

        The UPDATE decides between workers: whoever changes the row has it.
        """
        lease = secrets.token_hex(16)
        claimed = rows_changed(
            update(cls)
            .where(
                cls.id == merge_id,
                or_(
                    cls.state == Merge.State.WAITING,
                    (cls.state == Merge.State.RUNNING) & (cls.leased_until < clock.now()),
                ),
            )
            .values(
                state=Merge.State.RUNNING,
                lease=lease,
                leased_until=clock.now() + lease_for,
                attempts=cls.attempts + 1,
                progress=0.0,
            )
        )
        db.session.commit()
        if claimed != 1:
            return None
        merge = db.session.get_one(cls, merge_id, populate_existing=True)
        merge._held = lease
        merge.recording.state = Recording.State.MERGING
        merge.manifest = merge.recording.manifest()
        db.session.commit()
        return merge

    def run(
        self,
        *,
        storage: Storage,
        ffmpeg: FFmpeg | None,
        lease_for: timedelta,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the Full Session and publish it, whole or not at all. Ends done or failed.

        1. Make and verify it in a private folder, renewing the lease with every step forward.
        2. Rename it to a name that no other attempt uses.
        3. Point the recording to it, if the lease is still ours; else take the file away again.
        """
        if self.attempts > MOST_ATTEMPTS:
            self._fail(self.reason or "The merge stopped its worker several times.")
            return
        if ffmpeg is None:
            self._fail("The worker found no ffmpeg. Install one, then merge again.")
            return
        if storage.free_bytes() < ROOM_NEEDED * sum(entry["bytes"] for entry in self.manifest):
            self._fail("The disk is too full to merge. Make room, then merge again.")
            return

        def on_progress(progress: float) -> None:
            self._renew(progress, lease_for)
            announce()

        parts = self._parts()
        folder = self.recording.folder
        try:
            with storage.workspace(f"merge-{self.id}") as workspace:
                out = workspace / "full-session"
                report = full_session.make(
                    [self._source(part, storage) for part in parts],
                    out,
                    ffmpeg=ffmpeg,
                    workspace=workspace,
                    title=self.recording.interview.title,
                    recorded_at=parts[0].started_at if parts else None,
                    on_progress=on_progress,
                )
                ending = report.mime_type.partition("/")[2]
                name = f"{folder}/full-session-{self.id}-{self.attempts}.{ending}"
                self._renew(1.0, lease_for)
                storage.publish(out, name)
        except full_session.CannotMerge as cause:
            self._fail(str(cause))
            return
        except Stopped:
            self._fail("ffmpeg stopped moving and was ended. The clips are unharmed; merge again.")
            return
        except DiskFull:
            self._fail("The disk filled up during the merge. Make room, then merge again.")
            return
        self._publish(name, report, parts, storage)

    def _parts(self) -> list[Part]:
        chosen = {entry["part"] for entry in self.manifest}
        return [part for part in self.recording.parts if part.public_id in chosen]

    def _source(self, part: Part, storage: Storage) -> full_session.Source:
        return full_session.Source(
            path=storage.path(part.file),
            label=part.label,
            gap_before=self.recording.gap_before(part),
            without_picture=not self.recording.interview.camera.is_allowed,
        )

    def note_trouble(self, cause: Exception) -> None:
        """Something unforeseen. The lease runs out and it is tried again, but not for ever."""
        db.session.rollback()
        rows_changed(
            update(Merge)
            .where(Merge.id == self.id, Merge.lease == self._held)
            .values(reason=f"Something unforeseen happened: {cause!r}"[:LONGEST_REASON])
        )
        db.session.commit()

    def _renew(self, progress: float, lease_for: timedelta) -> None:
        """Say that this worker lives and how far it is. Raises `LeaseLost` when it was given up."""
        renewed = rows_changed(
            update(Merge)
            .where(Merge.id == self.id, Merge.lease == self._held)
            .values(progress=progress, leased_until=clock.now() + lease_for)
        )
        db.session.commit()
        if renewed != 1:
            raise LeaseLost

    def _publish(
        self, name: str, report: full_session.Report, parts: list[Part], storage: Storage
    ) -> None:
        if not self._end(Merge.State.DONE):
            db.session.rollback()
            storage.delete(name)
            raise LeaseLost
        recording = self._locked_recording()
        recording.full_session = name
        recording.full_session_type = report.mime_type
        recording.report = self._told_of_parts(report, parts)
        recording.ready_at = clock.now()
        # Parts that came or grew in the meantime are found by comparing, not by a flag.
        grown = recording.manifest() != self.manifest
        recording.state = Recording.State.STALE if grown else Recording.State.READY
        recording.reason = None
        db.session.commit()
        # The one before, and what a worker that was killed at this very place left behind.
        storage.delete_others(f"{recording.folder}/full-session-*", than=name)

    def _told_of_parts(self, report: full_session.Report, parts: list[Part]) -> dict[str, Any]:
        """The report with each part by its public id, so that a turn can be placed in time.

        The parts learn how long they really are.
        """
        told = report.as_json()
        for entry in told["parts"]:
            part = parts[entry["index"]]
            entry["part"] = part.public_id
            part.probed = {"duration": entry["duration"]}
        return told

    def _fail(self, reason: str) -> None:
        reason = reason[:LONGEST_REASON]
        if self._end(Merge.State.FAILED, reason=reason):
            recording = self._locked_recording()
            # What was missing may have arrived meanwhile: then it is tried again with it.
            grown = recording.manifest() != self.manifest
            recording.state = Recording.State.STALE if grown else Recording.State.FAILED
            recording.reason = None if grown else reason
        db.session.commit()

    def _locked_recording(self) -> Recording:
        """Locked before its parts are read: one that closes now waits, and then finds us done."""
        return db.session.get_one(
            Recording, self.recording_id, with_for_update=True, populate_existing=True
        )

    def _end(self, state: State, reason: str | None = None) -> bool:
        ended = rows_changed(
            update(Merge)
            .where(
                Merge.id == self.id,
                Merge.lease == self._held,
                Merge.state == Merge.State.RUNNING,
            )
            .values(state=state, reason=reason, ended_at=clock.now(), lease=None, progress=1.0)
        )
        return ended == 1
