"""What keeps a backup from being made, read or put back."""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMED = 10


def few(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


class Problem(Exception):
    """The message says what is in the way and what to do."""


class CannotCopy(Problem):
    """A database cannot be saved, or not be put back."""


class CannotSave(Problem):
    """No backup was made, and nothing of one is left."""


class CannotRestore(Problem):
    """Nothing was put in place."""


class NotABackup(Problem):
    """It is none, or none that this version can read."""
