"""A process that ends when the one that started it does, however that one ended."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)

# Looked up before any fork: between fork and exec nothing may take a lock.
_prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None


def die_with(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to end this process with its parent, the process `parent`.

    Elsewhere than on Linux nothing is asked; there an orphan loses its lease instead.
    """
    if _prctl is None:
        return
    _prctl(PR_SET_PDEATHSIG, by)
    # The parent may have died before the request took effect; then no signal comes.
    if os.getppid() != parent:
        os._exit(1)
