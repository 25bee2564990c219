"""The one place that starts media programs: confined, in a group of their own, killed with it."""

from __future__ import annotations

import os
import signal
import subprocess  # nosec B404 # few may: see tests/test_architecture.py
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from qualz.media.sandbox import Limits, confinement

Process = subprocess.Popen[bytes]
Overdue = subprocess.TimeoutExpired
NOWHERE = subprocess.DEVNULL


class DidNotWork(Exception):
    """A program ended with an error, could not be started, or took too long and was killed."""


@contextmanager
def confined(
    arguments: Sequence[str | Path],
    limits: Limits,
    *,
    out: int = subprocess.PIPE,
    log: IO[bytes] | int = NOWHERE,
    given: IO[bytes] | int = NOWHERE,
) -> Iterator[Process]:
    """A running program; `out` and `log` are where its two outputs go, `given` is what it reads.
    It, and what it started, is gone at the end."""
    process = subprocess.Popen(  # nosec B603 # a list of words, and no shell
        arguments,
        stdin=given,
        stdout=out,
        stderr=log,
        # Not a session of its own: Linux may share out processors by sessions, and what a worker
        # that gives way has started is to give way with it.
        process_group=0,
        preexec_fn=confinement(limits),
    )
    try:
        yield process
    finally:
        # The group goes whatever happened: on success nothing is left in it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def run(arguments: Sequence[str | Path], *, within: float, limits: Limits) -> None:
    """Run a program that says nothing of interest to its end. Raises `DidNotWork`, also after
    `within` seconds; so much processor time it may use too."""
    limits = replace(limits, cpu_seconds=limits.cpu_seconds or int(within) + 1)
    name = Path(arguments[0]).name
    try:
        with confined(arguments, limits, out=NOWHERE) as process:
            code = process.wait(timeout=within)
    except Overdue:
        raise DidNotWork(f"{name} was not done after {within:.0f} s") from None
    except OSError:
        raise DidNotWork(f"{name} cannot be started") from None
    if code != 0:
        raise DidNotWork(f"{name} exited with {code}")
