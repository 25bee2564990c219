"""A request's body as the network brings it: at once, not for ever, and ended when asked.

gevent's own input waits until as much is here as was asked for. A body that breaks off takes with
it what had come by then, and one that brings a byte a minute holds its connection for ever.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import Any

# As much of a chunked body as may be lost when it breaks off; gevent gathers each step.
CHUNKED_STEP = 4096
STEP = 64 * 1024


@dataclass(frozen=True)
class Patience:
    """How long a body is waited for: `slowest` bytes a second over each `seconds` of waiting.

    1 KiB/s is a quarter of what sound alone needs, and less than the worst uplinks in use (GPRS:
    2 to 5 KiB/s); a minute is longer than they stall. Our own page waits 20 s for an answer to
    16 KiB, and gives up on anything slower itself. Only waiting counts: a disk that is slow to
    take the last piece is not the sender's fault.

    An answer that comes before the body was read is lost on a sender that finds its connection
    reset. So the rest is let come: for `linger` seconds, while it is not silent for
    `linger_silence`. The numbers are nginx's.
    """

    slowest: int = 1024
    seconds: float = 60.0
    linger: float = 30.0
    linger_silence: float = 5.0


class BrokenOff(ConnectionError):
    """The rest of a body will not be read."""


class Uplink:
    """What one request's body is read from: its connection, until somebody is done with it."""

    def __init__(self, file: BufferedReader, connection: socket.socket, patience: Patience) -> None:
        self.is_over = False
        self._file, self._connection, self._patience = file, connection, patience
        self._waited, self._came = 0.0, 0

    def read(self, most: int) -> bytes:
        """What has come, at least a byte; nothing at the end. Raises `OSError` when it is over."""
        if self.is_over:
            raise BrokenOff
        began = time.monotonic()
        try:
            data = self._file.read1(most)
        except OSError:
            self.is_over = True
            raise
        # What came after somebody ended it is let go: the bytes are on their way a second time.
        if self.is_over:
            raise BrokenOff
        self._keep_pace(len(data), time.monotonic() - began)
        self.is_over = self.is_over or not data
        return data

    def end(self) -> None:
        """Whoever waits for more finds it broken off, at once."""
        self.is_over = True
        # Linux goes on receiving after this; it is only there to wake who waits.
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)

    def let_come(self, read: Callable[[int], bytes]) -> None:
        """Read on for nobody, within limits."""
        silence = self._connection.gettimeout()
        self._connection.settimeout(self._patience.linger_silence)
        deadline = time.monotonic() + self._patience.linger
        try:
            while read(STEP):
                if time.monotonic() > deadline:
                    self.is_over = True
                    return
        finally:
            with suppress(OSError):
                self._connection.settimeout(silence)

    def _keep_pace(self, came: int, waited: float) -> None:
        self._came += came
        self._waited += waited
        if self._waited >= self._patience.seconds:
            self.is_over = self._came < self._patience.slowest * self._waited
            self._waited, self._came = 0.0, 0


class Body(RawIOBase):
    """`wsgi.input`: what has come is answered without waiting for all that was asked for."""

    def __init__(self, uplink: Uplink, made: Any) -> None:
        """`made`: gevent's input, which knows about chunks and about `Expect: 100-continue`."""
        self._uplink, self._made = uplink, made
        made.rfile = uplink

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._some(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def end(self) -> None:
        """Read no more of it. What was read stays with who read it."""
        if not self.is_complete:
            self._uplink.end()

    @property
    def is_complete(self) -> bool:
        if self._made.chunked_input:
            return bool(self._made.chunk_length == 0 and not self._made._chunked_input_error)
        return self._left == 0

    @property
    def leaves_connection_unusable(self) -> bool:
        """Whether what comes next on the connection may be this body's rest.

        Who waits to be told to send it (`Expect: 100-continue`) and is refused may or may not
        send it all the same.
        """
        is_over = self._uplink.is_over or self._made._chunked_input_error
        is_unasked_for = self._made.socket is not None
        return not self.is_complete and (is_over or is_unasked_for)

    def _discard(self) -> None:
        """Called by gevent once the request was answered."""
        if not (self.is_complete or self.leaves_connection_unusable):
            self._uplink.let_come(self._some)

    @property
    def _left(self) -> int:
        return int(self._made.content_length or 0) - int(self._made.position)

    def _some(self, most: int) -> bytes:
        if self._made.chunked_input:
            return bytes(self._made.read(min(most, CHUNKED_STEP)))
        if not (most := min(most, self._left)):
            return b""
        self._made._send_100_continue()
        data = self._uplink.read(most)
        if not data:
            raise BrokenOff
        self._made.position += len(data)
        return data
