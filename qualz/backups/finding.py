"""Something that is amiss between the database and the files, in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` says what mending does, and `mend` does it, answering whether it still was so; they
    are None where nothing can be done here. The caller commits."""

    what: str
    remedy: str | None = None
    mend: Callable[[], bool] | None = None
