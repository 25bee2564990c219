"""Signals as a queue to wait on, so that no code runs inside a handler."""

from __future__ import annotations

import os
import select
import signal
from types import TracebackType
from typing import Any, Self

STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While it is entered, signals that stop us and the deaths of children wait to be read."""

    def __enter__(self) -> Self:
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        # Under nohup we are to outlive the terminal.
        self._kept = {
            name: signal.signal(name, _ignore)
            for name in (*STOP, signal.SIGCHLD)
            if name is not signal.SIGHUP or signal.getsignal(name) is not signal.SIG_IGN
        }
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for name, handler in self._kept.items():
            signal.signal(name, handler)
        signal.set_wakeup_fd(-1)
        os.close(self._read_end)
        os.close(self._write_end)

    def wait(self, seconds: float | None) -> bool:
        """Sleep until a signal comes or `seconds` are over; answer whether we are to stop."""
        readable, _, _ = select.select([self._read_end], [], [], seconds)
        return bool(readable) and any(number in STOP for number in os.read(self._read_end, 4096))


def _ignore(_number: int, _frame: Any) -> None:
    """The pipe says all there is to say."""
