"""Parts: what one unbroken run of a participant's recorder produced."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    false,
    select,
    update,
)
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.orm.exc import StaleDataError

from qualz import clock
from qualz.database import PublicId, db, lightly, rows_changed
from qualz.errors import CameraNotAllowed, Elsewhere, NotARecording, NotFound, PartClosed
from qualz.extent import LONGEST_MS, EndReason, Extent
from qualz.media import probe
from qualz.media.storage import OffsetMismatch, Storage

if TYPE_CHECKING:
    from qualz.recording import Recording

__all__ = ["LONGEST_MS", "EndReason", "Part"]

# A container names its tracks well within this; a picture is looked for no further in.
HEADER = 64 * 1024
# For as long as a resume link lives, the browser that recorded may come back with the rest.
LATE_WITHIN = timedelta(weeks=1)
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
    "is_sealed",
    "shelved",
]


def demand_here(found: int, *, acknowledged: int, storage: Storage) -> None:
    """Where another machine has a part, fewer bytes than were acknowledged must not be told of: its
    recorder has nothing before them any more. Raises `Elsewhere`."""
    if storage.has_shelf and found < acknowledged:
        raise Elsewhere(
            "The rest of this part lies on another server just now. Try again in a moment."
        )


def demand_no_picture(head: bytes) -> None:
    """Of a part's first bytes. Raises `CameraNotAllowed`."""
    if probe.declares_video(head[:HEADER]):
        raise CameraNotAllowed(
            "The camera is disabled in this study, so a recording with a picture is not taken."
        )


def file_of(folder: str, number: int, public_id: str, reported_type: str) -> str:
    ending = "mp4" if "mp4" in reported_type else "webm"
    return f"{folder}/part-{number:03d}-{public_id}.{ending}"


def is_part(name: str) -> bool:
    """Whether a name in storage is a part's, before it was shelved or after."""
    return name.rpartition("/")[2].startswith("part-")


class Part(Extent):
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
    # A digest of its first so many bytes, by which work that was done on them is found again.
    content: Mapped[str | None] = mapped_column(String(64))
    content_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    # Its name on the shelf, once all of it is there; None where there is no shelf, too.
    shelved: Mapped[str | None] = mapped_column(String(200))
    # An answer in it was erased: what its recorder still has would not fit what it became.
    is_sealed: Mapped[bool] = mapped_column(default=False, server_default=false())

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
        return file_of(self.recording.folder, self.number, self.public_id, self.reported_type)

    @property
    def kept_as(self) -> str:
        """The name in storage to read it by."""
        return self.shelved or self.file

    @property
    def content_type(self) -> str:
        """What its bytes are, for a browser that is to play them."""
        container = self.sniffed_type or ("mp4" if "mp4" in self.reported_type else "webm")
        return f"{'video' if self.has_camera else 'audio'}/{container}"

    @property
    def may_grow(self) -> bool:
        """Whether its browser may still send what is missing of it: later answers, perhaps."""
        if self.is_whole or self.is_sealed:
            return False
        return (self.last_byte_at or self.started_at) > clock.now() - LATE_WITHIN

    def append(self, data: bytes, *, at: int, storage: Storage, until_ms: int | None = None) -> int:
        """Take bytes at their offset and answer the durable offset after them.

        `until_ms`: up to where on its recorder's clock the part is whole with them.

        Raises `OffsetMismatch` with the true offset, `CameraNotAllowed` for a picture where the
        study allows none, `NotARecording` for what is surely none, and `NotFound` where the part
        was deleted meanwhile; then nothing of `data` is kept.
        """
        is_full = self.length is not None and at + len(data) > self.length
        if is_full or self.is_sealed:
            raise PartClosed("This part is complete; nothing can be added to it.")
        file, sniffed = self.file, self.sniffed_type
        if at < HEADER:
            found = self._sniff(storage.head(file, at) + data if at else data)
            sniffed = sniffed or found
        # The disk is waited for without a connection: there are fewer of them than participants.
        db.session.commit()
        try:
            durable = storage.append(file, data, at=at)
        except OffsetMismatch as cause:
            demand_here(cause.size, acknowledged=self.bytes_durable, storage=storage)
            raise
        try:
            self.note_appended(durable, until_ms=until_ms, sniffed=sniffed)
        except (InvalidRequestError, StaleDataError) as cause:
            # Its row went while the disk was written to.
            storage.delete(file)
            raise NotFound("This part has been deleted.") from cause
        return durable

    def note_appended(
        self, durable: int, *, until_ms: int | None, sniffed: str | None = None
    ) -> None:
        """Write down what was appended to the file. Raises `PartClosed`."""
        if sniffed and sniffed != self.sniffed_type:
            self.sniffed_type = sniffed
        self.note_durable(durable, until_ms=until_ms)
        if self.is_sealed:
            # An answer was erased just then, and what came is in no file any more.
            raise PartClosed("This part is complete; nothing can be added to it.")

    def note_durable(self, durable: int, *, until_ms: int | None = None) -> None:
        """Write down what the file is known to hold, and up to where on its recorder's clock.

        Only ever upwards: answers may overtake.
        """
        if self.length is None:
            lightly()
        until = {} if until_ms is None else {"stored_ms": until_ms}
        grown = rows_changed(
            update(Part)
            .where(Part.id == self.id, Part.bytes_durable < durable, Part.is_sealed.is_(False))
            .values(bytes_durable=durable, last_byte_at=clock.now(), shelved=None, **until)
        )
        db.session.refresh(self, WRITTEN_BY_OTHERS)
        if not grown:
            return
        if not self.is_open:
            self.recording.grow_stale()
        elif self.length is not None and durable >= self.length:
            self.close(self.end_reason or EndReason.FINISHED)

    def _sniff(self, head: bytes) -> str | None:
        """The container by its first bytes. Raises `CameraNotAllowed` for a picture, and
        `NotARecording` for what is surely none."""
        if foreign := probe.foreign(head[:HEADER]):
            raise NotARecording(
                f"That is {foreign}. Only recordings are taken here, WebM or MP4 as browsers make "
                "them. Nothing of it was kept."
            )
        if not self.recording.interview.camera.is_allowed:
            demand_no_picture(head)
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
        if self.length is None and not self.is_sealed:
            self.length = length
            self.end_reason = reason
            self.recorder_ended_at = recorder_ended_at
            self.delivered_ms = delivered_ms
            self.note_recorded(recorded_ms)
            self.recording.interview.know_end_of(self)
        if self.is_open and self.length is not None and self.bytes_durable >= self.length:
            self.close(reason)

    def become(self, size: int, container: str | None) -> None:
        """Its file was replaced by one without what was taken back. What is missing of it stays
        missing."""
        if self.length is not None:
            self.length = size if self.is_whole else size + 1
        self.bytes_durable, self.is_sealed = size, True
        self.content, self.content_bytes = None, 0
        self.sniffed_type = container or self.sniffed_type

    def close(self, reason: EndReason) -> None:
        """Nothing more is waited for. Late bytes are still taken: they make the recording stale."""
        if self.closed_at is None:
            interview = self.recording.interview
            db.session.flush()
            db.session.refresh(interview, ["heartbeat"])
            self.recording.note_reported(interview.heartbeat)
            self.closed_at = clock.now()
            self.end_reason = self.end_reason or reason
            interview.know_end_of(self)
            self.recording.grow_stale()
