"""Shelving: what participants sent goes from the machine that received it to the shelf.

Each machine looks after its own spool. One that was away goes on where it was when it returns.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from qualz import clock
from qualz.database import db, rows_changed
from qualz.interview import Interview
from qualz.media.shelf import OutOfReach
from qualz.part import Part
from qualz.receipt import A_STATEMENT, Receipt
from qualz.recording import Recording, folder_of

if TYPE_CHECKING:
    from qualz.media.shelved import ShelvedStorage

log = logging.getLogger(__name__)

# A part that was called back and did not grow within that time goes again.
AT_REST = timedelta(hours=1)


def shelve_closed(storage: ShelvedStorage) -> None:
    """Put the closed parts that this machine received on the shelf. Commits after each.

    Raises `OutOfReach`: the others wait as well.
    """
    for part_id in unshelved():
        try:
            shelve_part(part_id, storage)
        except OutOfReach:
            raise
        except Exception:
            # One that cannot go is not to keep all the others here.
            log.exception("A part could not be shelved; the next round tries again.")
            db.session.rollback()


def unshelved() -> list[int]:
    """Closed parts that lie on no shelf, by their ids."""
    closed = (Part.closed_at.is_not(None), Part.shelved.is_(None), Part.bytes_durable > 0)
    return list(db.session.scalars(select(Part.id).where(*closed).order_by(Part.id)))


def shelve_part(part_id: int, storage: ShelvedStorage) -> bool:
    """Put it there; whether it is there now. False where another machine holds it, and where more
    of it arrived meanwhile. Raises `OutOfReach`."""
    part = db.session.get(Part, part_id, populate_existing=True)
    if part is None:
        return False
    file, size = part.file, part.bytes_durable
    db.session.commit()
    spooled = storage.spooled(file)
    if spooled < size:
        return False
    if spooled > size:
        # A process ended between writing and noting it down.
        size = storage.sync(file)
        part.note_durable(size)
        db.session.commit()
    kept = storage.shelve(file)
    unchanged = (Part.id == part_id, Part.bytes_durable == size, Part.shelved.is_(None))
    is_shelved = rows_changed(update(Part).where(*unchanged).values(shelved=kept)) == 1
    db.session.commit()
    if is_shelved:
        storage.settle(file, kept, size)
    else:
        _take_back(part_id, kept, storage)
    return is_shelved


def _take_back(part_id: int, kept: str, storage: ShelvedStorage) -> None:
    """Nobody must name it any more, or ever: it may hold what was deleted. Where the part only grew
    it is shelved anew, and with that the rest of it goes."""
    row = db.session.execute(select(Part.shelved).where(Part.id == part_id)).one_or_none()
    db.session.commit()
    if row is None or row.shelved not in (None, kept):
        storage.delete(kept)


def tidy(storage: ShelvedStorage) -> None:
    """Have this machine hold no more than it has to."""
    storage.forget_copies()
    here = sorted(storage.interviews_here())
    for start in range(0, len(here), A_STATEMENT):
        some = here[start : start + A_STATEMENT]
        _forget_deleted(some, storage)
        _put_back(some, storage)


def _forget_deleted(here: list[str], storage: ShelvedStorage) -> None:
    """What another machine deleted: `removal.go_on` looks what of it goes."""
    deleted = select(Receipt.interview).where(Receipt.interview.in_(here))
    gone = [folder_of(public_id) for public_id in db.session.scalars(deleted) if public_id]
    db.session.commit()
    meant = storage.meant_to_go(since=clock.now())
    if new := [folder for folder in gone if folder not in meant]:
        storage.mean_to_delete(*new)


def _put_back(here: list[str], storage: ShelvedStorage) -> None:
    """What was called back from the shelf, and did not grow."""
    heard = Part.last_byte_at <= clock.now() - AT_REST
    held = select(Part).join(Part.recording).join(Recording.interview)
    mine = (Interview.public_id.in_(here), Part.shelved.is_not(None), heard)
    parts = [
        (one.file, one.shelved, one.bytes_durable) for one in db.session.scalars(held.where(*mine))
    ]
    db.session.commit()
    for file, kept, size in parts:
        if storage.spooled(file):
            storage.settle(file, kept, size)
