"""Headroom: what the disk has left, and whether that is enough for one interview more.

Those under way need room to the end, and their Full Sessions as much again. So the door is shut
before the disk is full, while there is a reserve for whoever is inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from qualz.media.storage import Storage
from qualz.settings import MEBIBYTE

# A tenth of the disk, but no less and no more than this. Below the least, parts are refused.
LEAST, MOST = 768 * MEBIBYTE, 2048 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Headroom:
    """Bytes: `free` of the disk's `size`, of which `reserve` is for those who are inside."""

    free: int
    size: int
    reserve: int

    @classmethod
    def of(cls, storage: Storage, reserve: int | None) -> Self:
        """`reserve`: None for what fits the disk."""
        size = storage.disk_bytes()
        fitting = min(MOST, max(LEAST, size // 10))
        return cls(storage.free_bytes(), size, fitting if reserve is None else reserve)

    @property
    def takes_new(self) -> bool:
        return self.free >= self.reserve

    @property
    def is_short(self) -> bool:
        """Whether it is time to make room."""
        return self.free < 2 * self.reserve

    @property
    def used(self) -> float:
        """As a share of the disk."""
        return 1 - self.free / self.size if self.size else 1.0
