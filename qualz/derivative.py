"""Derivatives: files made of a Full Session when somebody asks for one, and kept with it.

After a newer Full Session what is waited for is made of that, and the rest is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from sqlalchemy import Select, String, delete, update
from sqlalchemy.orm import Mapped, mapped_column

from qualz.database import db, rows_changed
from qualz.download import Download
from qualz.leased import ANEW, Leased, LeaseLost
from qualz.media.ffmpeg import FFmpeg, Stopped
from qualz.media.rendition import CannotMake
from qualz.media.storage import DiskFull, Storage

if TYPE_CHECKING:
    from qualz.recording import Recording


class Maker(Protocol):
    """Writes it to `out`, which appears only when it was looked at, and answers the ending of its
    name. Raises `CannotMake`, `DiskFull`, `Stopped`, and what `on_progress` raises."""

    def __call__(
        self,
        source: Path,
        out: Path,
        *,
        ffmpeg: FFmpeg,
        workspace: Path,
        on_progress: Callable[[float], None],
    ) -> str: ...


class Derivative(Download):
    __abstract__ = True

    # The Full Session's file, whose name no other one ever has.
    made_of: Mapped[str] = mapped_column(String(200))

    if TYPE_CHECKING:

        @property
        def recording(self) -> Recording: ...

    @property
    def is_current(self) -> bool:
        return self.made_of == self.recording.full_session

    @property
    def is_ready(self) -> bool:
        """Whether it may be handed out: it is there, and of the Full Session that plays."""
        return self.state is Leased.State.DONE and self.is_current

    # ---- asking for it

    def _ask_again(self) -> None:
        """Put it in line once more, unless it is under way or there already."""
        if self.state is Leased.State.FAILED or not self.is_current:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Whoever works on it loses it; a file of the one before is removed by the next.

        Of two who ask at once, one begins it.
        """
        kind = type(self)
        as_it_was = (kind.id == self.id, kind.state == self.state, kind.made_of == self.made_of)
        made_of = self.recording.full_session or ""
        rows_changed(update(kind).where(*as_it_was).values(made_of=made_of, file=None, **ANEW))
        db.session.refresh(self)

    # ---- giving its room back

    def remove(self, storage: Storage) -> None:
        """As `remove_all` does."""
        self.remove_all([self], storage)

    @classmethod
    def remove_all(cls, works: Iterable[Self], storage: Storage) -> None:
        """Cancel them, or give back their room. Whoever works on one finds its lease gone.

        Commits: the rows go before the files, so that none is offered that is not there.
        """
        gone = [(one.id, one._files) for one in works]
        db.session.execute(delete(cls).where(cls.id.in_([number for number, _ in gone])))
        db.session.commit()
        db.session.expire_all()
        for _, files in gone:
            storage.delete_fitting(files)

    @classmethod
    def keep_up(cls, storage: Storage) -> None:
        """After a newer Full Session."""
        for found in db.session.scalars(cls._outdated()).all():
            if found.is_under_way:
                found._begin_anew()
            else:
                found.remove(storage)

    @classmethod
    def _outdated(cls) -> Select[Self]:
        """Those of an earlier Full Session than the one that plays."""
        raise NotImplementedError

    # ---- making it

    def _maker(self) -> Maker:
        """What makes it, as it is asked for. Raises `CannotMake`."""
        raise NotImplementedError

    @staticmethod
    def _room_for(size: int) -> int:
        """Bytes that making it takes meanwhile, of a Full Session of that size."""
        raise NotImplementedError

    def run(
        self,
        *,
        storage: Storage,
        ffmpeg: FFmpeg | None,
        lease_for: timedelta,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Make it and publish it, whole or not at all. Ends done or failed."""
        if self._is_given_up("Making it"):
            return
        if ffmpeg is None:
            self._fail("The worker found no ffmpeg. Install one, then try again.")
            return
        made_of, stem = self.made_of, self._new_name()
        on_progress = self._telling(lease_for, announce)
        try:
            make = self._maker()
            # No transaction stays open while others work.
            db.session.commit()
            storage.demand_room(self._room_for(storage.size(made_of)))
            with storage.workspace(self.__tablename__) as workspace:
                out = workspace / "made-whole"
                ending = make(
                    storage.here(made_of),
                    out,
                    ffmpeg=ffmpeg,
                    workspace=workspace,
                    on_progress=on_progress,
                )
                self._renew(1.0, lease_for)
                name = f"{stem}.{ending}"
                storage.publish(out, name)
        except CannotMake as cause:
            is_there = storage.exists(made_of)
            self._fail(str(cause) if is_there else self._why_it_is_gone(made_of))
        except Stopped:
            self._fail("ffmpeg stopped moving and was ended. The Full Session is unharmed.")
        except DiskFull:
            self._fail("The disk is too full. Make room, then try again.")
        else:
            self._hand_over(name, storage)

    def _why_it_is_gone(self, made_of: str) -> str:
        """Raises `LeaseLost` where a newer Full Session took its place: the sweep has it made of
        that one."""
        db.session.expire_all()
        if self.recording.full_session != made_of:
            raise LeaseLost
        return "The Full Session is not in this server's storage any more."
