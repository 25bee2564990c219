"""Lets a Python process believe that its disk is full for as long as the file `NO_ROOM` exists."""

from __future__ import annotations

import errno
import os
from typing import Any

_pwrite = os.pwrite


def pwrite(descriptor: int, data: Any, offset: int) -> int:
    if not os.path.exists(os.environ["NO_ROOM"]):  # noqa: PTH110 - as light as can be
        return _pwrite(descriptor, data, offset)
    if len(data) < 2:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    # As on a real one, the beginning still fits.
    return _pwrite(descriptor, data[: len(data) // 2], offset)


os.pwrite = pwrite
