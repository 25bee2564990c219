"""Bundles: many interviews of a study in one file to take away, made in the background.

A bundle is whole or not there. An interview that is deleted while it is made is left out; one that
is deleted afterwards takes the bundle along, for it is to be gone from this server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock, dossier, making, packing, project
from qualz.database import Model, db, rows_changed, word
from qualz.download import Download
from qualz.errors import NotFound, NothingToExport
from qualz.interview import Interview
from qualz.leased import MOST_ATTEMPTS, Leased
from qualz.media.disk import disk_full
from qualz.media.storage import DiskFull, Storage
from qualz.signs import Signs
from qualz.study import Study

if TYPE_CHECKING:
    from pathlib import Path

    from qualz.media.ffmpeg import FFmpeg

# Until then it takes its room twice; it can be made anew.
KEPT_FOR = timedelta(days=7)
DELETED = (
    "An interview in it was deleted or redacted since, so it was removed from this server. Export "
    "again."
)


class Bundled(Model):
    """An interview that was chosen for a bundle; it goes when either of them does."""

    __tablename__ = "bundled"

    bundle_id: Mapped[int] = mapped_column(
        ForeignKey("bundles.id", ondelete="CASCADE"), primary_key=True
    )
    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Bundle(Download):
    __tablename__ = "bundles"

    class Kind(StrEnum):
        FILES = "files"
        PROJECT = "project"
        # All that is held about a participant; see `dossier`.
        PERSON = "person"

    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    kind: Mapped[Kind] = mapped_column(word(Kind))
    # `packing.Wanted` as it was chosen.
    wanted: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # How many interviews were asked for, and how many are in it.
    asked: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)

    study: Mapped[Study] = relationship()

    # ---- asking for it

    @classmethod
    def ask(
        cls, study: Study, kind: Kind, wanted: packing.Wanted, interviews: Sequence[int]
    ) -> Bundle:
        """Put a bundle of those interviews, by their ids, in line. Raises `NothingToExport`."""
        if not interviews:
            raise NothingToExport("There is no interview to export. Choose some.")
        if wanted.is_empty and kind is cls.Kind.FILES:
            raise NothingToExport("Choose at least one form of the transcript, or the recording.")
        bundle = cls(study=study, kind=kind, wanted=wanted.as_json(), asked=len(interviews))
        db.session.add(bundle)
        db.session.flush()
        rows = [{"bundle_id": bundle.id, "interview_id": one} for one in interviews]
        db.session.execute(insert(Bundled), rows)
        return bundle

    @classmethod
    def of(cls, study: Study, public_id: str) -> Bundle:
        """The study's bundle of that name; `NotFound` for another's, or one removed."""
        found = db.session.scalar(
            select(cls).where(cls.study_id == study.id, cls.public_id == public_id)
        )
        if found is None:
            raise NotFound("This study has no such export any more.")
        return found

    @classmethod
    def all_of(cls, study: Study) -> list[Bundle]:
        """The newest first."""
        mine = select(cls).where(cls.study_id == study.id).order_by(cls.id.desc())
        return list(db.session.scalars(mine))

    @staticmethod
    def folder_of(study: Study) -> str:
        return f"exports/{study.public_id}"

    @property
    def is_ready(self) -> bool:
        """Whether it may be handed out: it is there, and so is every interview in it."""
        return self.state is Leased.State.DONE and self._left() >= self.held

    @property
    def goes_at(self) -> datetime | None:
        return self.ended_at + KEPT_FOR if self.ended_at else None

    def _left(self) -> int:
        counted = select(func.count()).where(Bundled.bundle_id == self.id)
        return db.session.scalar(counted) or 0

    @property
    def ending(self) -> str:
        return "qdpx" if self.kind is Bundle.Kind.PROJECT else "zip"

    # ---- giving its room back

    def remove(self, storage: Storage) -> None:
        """Cancel it, or give back its room. Whoever works on it finds its lease gone. Commits."""
        folder, files = self.folder_of(self.study), self._files
        db.session.execute(delete(Bundle).where(Bundle.id == self.id))
        db.session.commit()
        storage.delete_fitting(files)
        storage.delete_if_empty(folder)

    @classmethod
    def keep_up(cls, storage: Storage) -> None:
        """Remove what was there for long enough, and what holds an interview that is gone."""
        over = cls.state.in_([Leased.State.DONE, Leased.State.FAILED])
        old = select(cls).where(over, cls.ended_at < clock.now() - KEPT_FOR)
        for bundle in db.session.scalars(old).all():
            bundle.remove(storage)
        left = select(func.count()).where(Bundled.bundle_id == cls.id).scalar_subquery()
        outdated = select(cls).where(cls.state == Leased.State.DONE, cls.held > left)
        for bundle in db.session.scalars(outdated).all():
            bundle._withdraw(storage)

    @staticmethod
    def let_go_of(interview: Interview) -> None:
        """It is not any more what was packed. Exports that are there lose it, and with it their
        file; one that is being written is begun anew. With the present transaction."""
        chosen = select(Bundled.bundle_id).where(Bundled.interview_id == interview.id)
        # First those under way: one that ends at this moment is there then.
        db.session.execute(
            update(Bundle)
            .where(Bundle.id.in_(chosen), Bundle.state == Leased.State.RUNNING)
            .values(state=Leased.State.WAITING, lease=None, attempts=0),
            execution_options={"synchronize_session": False},
        )
        there = select(Bundle.id).where(Bundle.state == Leased.State.DONE)
        held = (Bundled.interview_id == interview.id, Bundled.bundle_id.in_(there))
        db.session.execute(
            delete(Bundled).where(*held), execution_options={"synchronize_session": False}
        )

    def _withdraw(self, storage: Storage) -> None:
        rows_changed(
            update(Bundle)
            .where(Bundle.id == self.id, Bundle.state == Leased.State.DONE)
            .values(state=Leased.State.FAILED, reason=DELETED, file=None)
        )
        files = self._files
        db.session.commit()
        storage.delete_fitting(files)

    @property
    def _stem(self) -> str:
        return f"{self.folder_of(self.study)}/{self.id}"

    # ---- making it

    def run(
        self,
        *,
        storage: Storage,
        lease_for: timedelta,
        ffmpeg: FFmpeg | None = None,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Write it and publish it, whole or not at all. Ends done or failed.

        The MP4s and sounds that are missing are made before, and stay.
        """
        if self._is_given_up("Making it"):
            return
        wanted, name = packing.Wanted.from_json(self.wanted), f"{self._new_name()}.{self.ending}"
        signs = Signs(self._telling(lease_for, announce), storage)
        try:
            making.make_missing(
                self._interviews(),
                wanted.renditions,
                storage=storage,
                ffmpeg=ffmpeg,
                lease_for=lease_for,
                on_progress=signs.make,
            )
            with storage.workspace("bundle") as workspace, disk_full():
                out = workspace / "bundle"
                packed = self._pack(out, wanted, storage, signs)
                self._publish(out, name, packed, storage)
        except DiskFull:
            self._fail("The disk is too full for this export. Make room, then export again.")
        except NothingToExport as cause:
            self._fail(str(cause))

    def _pack(self, out: Path, wanted: packing.Wanted, storage: Storage, signs: Signs) -> list[int]:
        """Anew where an interview was deleted that is in it already; who goes on deleting is told
        in the end."""
        packed: list[int] = []
        for _ in range(MOST_ATTEMPTS):
            interviews = self._interviews()
            measure = dossier if self.kind is Bundle.Kind.PERSON else packing
            signs.expect(measure.bytes_of(interviews, wanted, storage, signs.give))
            packed = PACKERS[self.kind](
                out, interviews, wanted, study=self.study, storage=storage, on_bytes=signs.give
            )
            signs.give(0)
            if self._left() >= len(packed):
                break
        return packed

    def _interviews(self) -> list[int]:
        """Those chosen that are still there, by their ids."""
        chosen = select(Interview.id).join(Bundled, Bundled.interview_id == Interview.id)
        is_there = Interview.is_preview.is_(False) & Interview.withdrawn_at.is_(None)
        mine = chosen.where(Bundled.bundle_id == self.id, is_there)
        return list(db.session.scalars(mine.order_by(Interview.number)))

    def _publish(self, out: Path, name: str, packed: Sequence[int], storage: Storage) -> None:
        storage.publish(out, name)
        self._hand_over(name, storage, held=len(packed))
        # What was deleted while it was written is in it: the sweep takes it back as well.
        if not self.is_ready:
            self._withdraw(storage)


PACKERS = {
    Bundle.Kind.FILES: packing.pack,
    Bundle.Kind.PROJECT: project.pack,
    Bundle.Kind.PERSON: dossier.pack,
}
