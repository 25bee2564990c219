"""What a media process may not do: outlive its parent, eat the machine, hold up the others."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from qualz.lifeline import die_with


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings for one process. Bytes and seconds; `None` means no ceiling."""

    memory: int | None = 4 * 1024**3
    file_size: int | None = None
    cpu_seconds: int | None = None
    niceness: int = 10


def confinement(limits: Limits) -> Callable[[], None]:
    """A function to run in the child between fork and exec (`Popen(preexec_fn=…)`)."""
    parent = os.getpid()
    ceilings = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
    ]

    def confine() -> None:
        die_with(parent)
        for which, ceiling in ceilings:
            if ceiling is not None:
                _lower(which, ceiling)
        os.nice(limits.niceness)

    return confine


def _lower(which: int, ceiling: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        ceiling = min(ceiling, hard)
    # Not every system knows every limit; a process without one is still watched.
    with suppress(OSError, ValueError):
        resource.setrlimit(which, (ceiling, ceiling))
