"""Processes that begin as copies of this one, and so need not import what it has imported.

They share its memory as well, until they change it. For a process with one thread only: of the
others a copy has nothing but the locks that they held.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from setproctitle import setproctitle

from qualz.lifeline import die_with


@dataclass(frozen=True, slots=True)
class Fork:
    """A child of this process."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code once it has ended; asked only by who does not ask for it again."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def wait(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def fork(name: str, work: Callable[[], object], *, stdout: IO[bytes], stderr: IO[bytes]) -> Fork:
    """Start a process called `name` that works, leads its own session and ends with us."""
    parent = os.getpid()
    # What is buffered would be written twice, and what is collected would no longer be shared.
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()
    if pid := os.fork():
        return Fork(pid)
    code = 1
    try:
        _settle(parent, stdout.fileno(), stderr.fileno())
        setproctitle(name)
        code = _code_of(work)
    finally:
        # Whoever forked has things to finish that are not ours: its files, its children.
        os._exit(code)


def _settle(parent: int, stdout: int, stderr: int) -> None:
    """Hold nothing of the parent's but its memory, as after an exec."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    die_with(parent)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _code_of(work: Callable[[], object]) -> int:
    try:
        work()
    except SystemExit as end:
        if isinstance(end.code, int | None):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    else:
        return 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
