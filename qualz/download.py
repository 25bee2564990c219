"""Downloads: work that ends in one file in storage, which people take away."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from qualz.database import PublicId, db
from qualz.leased import Leased
from qualz.media.storage import Storage


class Download(Leased):
    """A row of it; `file` and `bytes` are known once it is done."""

    __abstract__ = True

    public_id: Mapped[PublicId]
    file: Mapped[str | None] = mapped_column(String(200))
    bytes: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def _stem(self) -> str:
        """Its own: what the name of each of its files begins with."""
        raise NotImplementedError

    @property
    def _files(self) -> str:
        """All of them: a worker may have published meanwhile, or died before it had tidied up."""
        return f"{self._stem}-*"

    @property
    def _leftovers(self) -> str:
        """The one before, and what a worker that was killed before it had told left behind."""
        return self._files

    def _new_name(self) -> str:
        """One that no other attempt uses, without an ending."""
        return f"{self._stem}-{self._held[1][:8]}"

    def _hand_over(self, name: str, storage: Storage, **more: Any) -> None:
        """Its file is in place: end it, if it is still ours. Commits. Raises `LeaseLost`."""
        if not self._end(Leased.State.DONE, file=name, bytes=storage.size(name), **more):
            self._take_back(name, storage)
        db.session.commit()
        storage.delete_fitting(self._leftovers, but=name)
