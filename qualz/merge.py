"""Merges: one attempt each to make a Full Session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ForeignKey, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock, erasing, full_session
from qualz.database import db, rows_changed
from qualz.errors import WrongState
from qualz.happening import Happening, Kind
from qualz.leased import Leased
from qualz.manifest import Manifest, hidden, room_to_merge
from qualz.media.ffmpeg import FFmpeg, Stopped
from qualz.media.full_session import CannotMerge, Prepared
from qualz.media.rendition import CannotMake
from qualz.media.storage import DiskFull, Storage
from qualz.recording import CANCELLED, Recording

AWAITS_REST = (
    "An answer that was taken back is in a clip of which more may still arrive. It is erased as "
    "soon as all of it is here, within a week at most."
)
NOT_CANCELLED = (
    "The participant took back an answer, and it is being erased from the recording. That goes on: "
    "wait for it to end."
)


class Merge(Leased):
    __tablename__ = "merges"

    recording_id: Mapped[int] = mapped_column(
        ForeignKey("recordings.id", ondelete="CASCADE"), index=True
    )
    manifest: Mapped[Manifest] = mapped_column(default=list)

    recording: Mapped[Recording] = relationship(back_populates="merges")

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

    def _look_ahead(self) -> None:
        self._locked_recording().manifest()

    def _on_claim(self) -> None:
        recording = self._locked_recording()
        recording.state = Recording.State.MERGING
        self.manifest = recording.manifest()

    def run(
        self,
        *,
        storage: Storage,
        ffmpeg: FFmpeg | None,
        lease_for: timedelta,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the Full Session and publish it, whole or not at all. Ends done or failed.

        1. Take out of the parts what participants took back, for good.
        2. Make and verify it in a private folder, renewing the lease with every step forward.
        3. Rename it to a name that no other attempt uses.
        4. Point the recording to it, if the lease is still ours; else take the file away again.
        """
        if self._is_given_up("The merge"):
            return
        if ffmpeg is None:
            self._fail("The worker found no ffmpeg. Install one, then merge again.")
            return
        prepared = Prepared(storage.path(self.recording.prepared))
        try:
            self._erase(storage, ffmpeg, lease_for)
            if self.recording.holds_taken_back:
                self._fail(AWAITS_REST)
                return
            if storage.free_bytes() < room_to_merge(self.manifest):
                self._fail("The disk is too full to merge. Make room, then merge again.")
                return
            with storage.workspace(f"merge-{self.id}") as workspace:
                made = full_session.make(
                    self.recording,
                    self.manifest,
                    # No other attempt has it.
                    f"{self.id}-{self.attempts}",
                    storage=storage,
                    ffmpeg=ffmpeg,
                    workspace=workspace,
                    prepared=prepared,
                    on_progress=self._telling(lease_for, announce),
                )
        except CannotMerge as cause:
            self._fail(str(cause))
            return
        except CannotMake as cause:
            self._fail(f"{cause} Nothing is played until it can be; merge again.")
            return
        except Stopped:
            self._fail("ffmpeg stopped moving and was ended. The clips are unharmed; merge again.")
            return
        except DiskFull:
            self._fail("The disk filled up during the merge. Make room, then merge again.")
            return
        except FileNotFoundError:
            # Files go when their interview is deleted, and its merges with it.
            self._renew(0.0, lease_for)
            if storage.has_shelf and self.recording.arrives_elsewhere:
                self.put_off("A clip is on its way from the server that received it.")
                return
            raise
        self._publish(made, storage)
        if self.recording.state is Recording.State.READY:
            prepared.forget_pieces()

    def _erase(self, storage: Storage, ffmpeg: FFmpeg, lease_for: timedelta) -> None:
        """What participants took back is in no part any more when they are merged."""

        def on_progress(_: float) -> None:
            self._renew(0.0, lease_for)

        if erasing.erase(self.recording, storage=storage, ffmpeg=ffmpeg, on_progress=on_progress):
            self._change_held(manifest=self.recording.manifest())
            db.session.commit()

    def cancel(self) -> bool:
        """End it because a person wants that; False when it is over already.

        Its worker finds its lease gone at the next report of progress, and ffmpeg dies with that.
        By itself it is not begun again before something new is recorded. Raises `WrongState`
        while it erases what was taken back.
        """
        if self.is_under_way and self.recording.holds_taken_back:
            raise WrongState(NOT_CANCELLED)
        if not self._give_up(CANCELLED):
            return False
        recording = self._locked_recording()
        recording.state, recording.reason = Recording.State.FAILED, CANCELLED
        return True

    def _publish(self, made: full_session.Made, storage: Storage) -> None:
        if not self._end(Merge.State.DONE):
            if made.original:
                storage.delete(made.original)
            self._take_back(made.name, storage)
        db.session.expire_all()
        recording = self._locked_recording()
        self._note_found(made.told)
        planned, wanted = self.manifest, recording.manifest()
        taken_back = recording.holds_taken_back
        # Parts that came or grew in the meantime are found by comparing, not by a flag.
        grown = planned != wanted or taken_back
        hides_enough = hidden(wanted) <= hidden(planned) and not taken_back
        recording.full_session = made.name if hides_enough else None
        recording.full_session_type = made.mime_type if hides_enough else None
        recording.original = made.original or (None if hides_enough else made.name)
        if taken_back:
            recording.original = None
        recording.original_type = made.mime_type if recording.original else None
        recording.report = made.told
        recording.ready_at = clock.now()
        recording.state = Recording.State.STALE if grown else Recording.State.READY
        recording.reason = None
        # A newer one follows at once where it is stale, and is told of then.
        if not grown:
            Happening.note(recording.interview, Kind.READY, f"merge-{self.id}")
        folder = recording.folder
        db.session.commit()
        # The one before, and what a worker that was killed at this very place left behind.
        kept = (None, None) if taken_back else (made.name, made.original)
        storage.delete_fitting(f"{folder}/full-session-*", but=kept[0])
        storage.delete_fitting(f"{folder}/original-*", but=kept[1])

    def _note_found(self, told: dict[str, Any]) -> None:
        """The parts learn how long they really are, and what of them is damaged."""
        parts = {part.public_id: part for part in self.recording.parts}
        for entry in told["parts"]:
            if entry["part"] in parts:
                parts[entry["part"]].note_found(entry)

    def _on_failure(self, reason: str) -> None:
        recording = self._locked_recording()
        # What was missing may have arrived meanwhile: then it is tried again with it.
        grown = recording.manifest() != self.manifest
        recording.state = Recording.State.STALE if grown else Recording.State.FAILED
        recording.reason = None if grown else reason
        # What is to be erased is tried again and again, and told of once.
        is_known = recording.holds_taken_back and _has_failed_before(recording)
        if not grown and not is_known:
            Happening.note(recording.interview, Kind.MERGE_FAILED, f"merge-{self.id}")

    def _locked_recording(self) -> Recording:
        """Locked before its parts are read: one that closes now waits, and then finds us done."""
        return db.session.get_one(
            Recording, self.recording_id, with_for_update=True, populate_existing=True
        )


def _has_failed_before(recording: Recording) -> bool:
    return len(recording.merges) > 1 and recording.merges[-2].state is Leased.State.FAILED
