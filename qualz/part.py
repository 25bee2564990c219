"""Parts: what one unbroken run of a participant's recorder produced."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, db, lightly, rows_changed, word
from qualz.errors import CameraNotAllowed, NotFound, PartClosed
from qualz.media import probe
from qualz.media.storage import Storage

if TYPE_CHECKING:
    from qualz.recording import Recording

# A container names its tracks well within this; a picture is looked for no further in.
HEADER = 64 * 1024


class EndReason(StrEnum):
    """Why a recorder's run ended, in the words of the page or the server."""

    FINISHED = "finished"
    DROP = "drop"
    RELOAD = "reload"
    CLOSED = "closed"
    CRASHED = "crashed"
    DEVICE_CHANGE = "device_change"
    CAMERA_SWITCH = "camera_switch"
    RECORDER_ERROR = "recorder_error"
    GIVEN_UP = "given_up"


# While a body is on its way another request may declare the part's end.
WRITTEN_BY_OTHERS = [
    "bytes_durable",
    "last_byte_at",
    "stored_ms",
    "length",
    "closed_at",
    "end_reason",
    "recorded_ms",
    "delivered_ms",
]

# Whoever stopped the recorder in good order got all that it held. Of the others the timeslice in
# flight never reached the journal.
ORDERLY = (
    EndReason.FINISHED,
    EndReason.DROP,
    EndReason.DEVICE_CHANGE,
    EndReason.CAMERA_SWITCH,
)


class Part(Model):
    __tablename__ = "parts"
    __table_args__ = (
        UniqueConstraint("recording_id", "number"),
        UniqueConstraint("recording_id", "key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"))
    number: Mapped[int]
    # The page's own name for this run, so that a creation sent twice makes one part.
    key: Mapped[str] = mapped_column(String(64))
    reported_type: Mapped[str] = mapped_column(String(120))
    # `Upload-Metadata` as its sender wrote it, which tus gives back to whoever asks.
    metadata_sent: Mapped[str | None] = mapped_column(Text)
    sniffed_type: Mapped[str | None] = mapped_column(String(40))
    device: Mapped[str] = mapped_column(String(16), default="desktop")
    has_camera: Mapped[bool] = mapped_column(default=False)
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

    recording: Mapped[Recording] = relationship(back_populates="parts")

    @classmethod
    def named(cls, recording: Recording, public_id: str) -> Part:
        """The recording's part of that name; `NotFound` for another interview's."""
        found = db.session.scalar(
            select(cls).where(cls.recording_id == recording.id, cls.public_id == public_id)
        )
        if found is None:
            raise NotFound("This interview has no such part.")
        return found

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def label(self) -> str:
        return f"Part {self.number}"

    @property
    def file(self) -> str:
        """Its file's name in storage."""
        ending = "mp4" if "mp4" in self.reported_type else "webm"
        return f"{self.recording.folder}/part-{self.number:03d}-{self.public_id}.{ending}"

    @property
    def content_type(self) -> str:
        """What its bytes are, for a browser that is to play them."""
        container = self.sniffed_type or ("mp4" if "mp4" in self.reported_type else "webm")
        return f"{'video' if self.has_camera else 'audio'}/{container}"

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
    def seconds(self) -> float:
        """How long it plays, as probed, else how long its recorder ran, by whatever clock tells."""
        if self.probed and self.probed.get("duration"):
            return float(self.probed["duration"])
        if self.recorded_ms is not None:
            return self.recorded_ms / 1000
        if self.recorder_started_at and self.recorder_ended_at:
            return max(0.0, (self.recorder_ended_at - self.recorder_started_at).total_seconds())
        return max(0.0, ((self.last_byte_at or self.started_at) - self.started_at).total_seconds())

    def expires_at(self, validity: timedelta) -> datetime:
        """Until when bytes are taken: as long as its interview can be come back to."""
        return self.started_at + validity

    def append(self, data: bytes, *, at: int, storage: Storage, until_ms: int | None = None) -> int:
        """Take bytes at their offset and answer the durable offset after them.

        `until_ms`: up to where on its recorder's clock the part is whole with them.

        Raises `OffsetMismatch` with the true offset, and `CameraNotAllowed` for a picture where
        the study allows none; then nothing of `data` is kept.
        """
        if self.length is not None and at + len(data) > self.length:
            raise PartClosed("This part is complete; nothing can be added to it.")
        file, sniffed = self.file, self.sniffed_type
        if at < HEADER:
            found = self._sniff(storage.head(file, at) + data if at else data)
            sniffed = sniffed or found
        # The disk is waited for without a connection: there are fewer of them than participants.
        db.session.commit()
        durable = storage.append(file, data, at=at)
        if sniffed != self.sniffed_type:
            self.sniffed_type = sniffed
        self.note_durable(durable, until_ms=until_ms)
        return durable

    def note_durable(self, durable: int, *, until_ms: int | None = None) -> None:
        """Write down what the file is known to hold, and up to where on its recorder's clock.

        Only ever upwards: answers may overtake.
        """
        if self.length is None:
            lightly()
        until = {} if until_ms is None else {"stored_ms": until_ms}
        grown = rows_changed(
            update(Part)
            .where(Part.id == self.id, Part.bytes_durable < durable)
            .values(bytes_durable=durable, last_byte_at=clock.now(), **until)
        )
        db.session.refresh(self, WRITTEN_BY_OTHERS)
        if not grown:
            return
        if not self.is_open:
            self.recording.grow_stale()
        elif self.length is not None and durable >= self.length:
            self.close(self.end_reason or EndReason.FINISHED)

    def _sniff(self, head: bytes) -> str | None:
        """The container by its first bytes. Raises `CameraNotAllowed` for a picture."""
        allowed = self.recording.interview.camera.is_allowed
        if not allowed and probe.declares_video(head[:HEADER]):
            raise CameraNotAllowed(
                "The camera is disabled in this study, so a recording with a picture is not taken."
            )
        return probe.sniff(head)

    def declare_end(
        self,
        *,
        length: int,
        reason: EndReason,
        recorder_ended_at: datetime | None = None,
        recorded_ms: int | None = None,
        delivered_ms: int | None = None,
    ) -> None:
        """The recorder has stopped after `length` bytes; the part closes when they are all here.

        `recorded_ms`: its clock when it stopped, `delivered_ms`: at the end of its last byte.
        """
        if self.length is None:
            self.length = length
            self.end_reason = reason
            self.recorder_ended_at = recorder_ended_at
            self.delivered_ms = delivered_ms
            self.note_recorded(recorded_ms)
        if self.is_open and self.bytes_durable >= self.length:
            self.close(reason)

    def note_recorded(self, ms: int | None) -> None:
        """Its recorder ran for so long at least."""
        if ms is not None and ms > (self.recorded_ms or 0):
            self.recorded_ms = ms

    def close(self, reason: EndReason) -> None:
        """Nothing more is waited for. Late bytes are still taken: they make the recording stale."""
        if self.closed_at is None:
            interview = self.recording.interview
            db.session.flush()
            db.session.refresh(interview, ["heartbeat"])
            self.recording.note_reported(interview.heartbeat)
            self.closed_at = clock.now()
            self.end_reason = self.end_reason or reason
            self.recording.grow_stale()
