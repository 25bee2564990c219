"""Signs of life of what is written for long: how far it is, and that there is room for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qualz.media.storage import Storage

# So many bytes may pass between two of them: a slow disk takes seconds for them.
APART = 16 * 1024 * 1024
# Of the whole, where something is made for it first.
MAKING = 0.9


class Signs:
    """`on_progress` gets the fraction that is done; what it raises passes through, and so does
    `DiskFull`."""

    def __init__(self, on_progress: Callable[[float], None], storage: Storage) -> None:
        self._tell, self._storage = on_progress, storage
        self._expected, self._given, self._since = 1, 0, 0
        self._before = 0.0

    def make(self, done: float) -> None:
        """So much of what goes into it is made by now: all of it takes most of the time."""
        self._before = MAKING
        self._tell(MAKING * done)

    def expect(self, count: int) -> None:
        self._expected, self._given = max(1, count), 0
        self.give(0)

    def give(self, count: int) -> None:
        """So many bytes more were written; 0 where it is time for a sign of life anyway."""
        self._given += count
        self._since += count
        if count and self._since < APART:
            return
        self._since = 0
        self._storage.demand_room(max(0, self._expected - self._given))
        packed = min(1.0, self._given / self._expected)
        self._tell(self._before + (1 - self._before) * packed)
