"""The body of an append, in the pieces in which it is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from flask import request
from werkzeug.exceptions import ClientDisconnected

from qualz.room.tus import Checksum, Unacceptable, in_words

# What is gathered before the disk is waited for, by size and by time: a slow uplink is to be
# seen alive, and a quick one is not to be held up by a sync for each packet.
PIECE = 256 * 1024
GATHERED_FOR = 1.0


class Body:
    """What one request brings. With a checksum it is kept whole or not at all; without one
    whatever arrives is kept, also of a body that breaks off."""

    def __init__(self, *, most_at_once: int) -> None:
        """`most_at_once`: bytes that may be held in memory until their checksum is known."""
        header = request.headers.get("Upload-Checksum")
        self.checksum = None if header is None else Checksum.from_header(header)
        self.broke_off = False
        self._most_at_once = most_at_once

    @property
    def announced(self) -> int:
        """How long it is going to be; 0 where nobody said."""
        return request.content_length or 0

    def demand_fits(self, left: int) -> None:
        """Refuse a body that is said to be longer than what is `left`, before it is read."""
        self._most, self._where = left, "more in this part"
        if self.checksum and self._most_at_once < left:
            self._most, self._where = self._most_at_once, "at once with a checksum"
        if self.announced > self._most:
            raise self._too_large()

    def pieces(self, *, is_unwanted: Callable[[], bool]) -> Iterator[bytes]:
        """All of it. It ends early when it breaks off or is unwanted: then `broke_off` is true.

        Raises `Unacceptable` where it goes on for too long, and `ChecksumMismatch`.
        """
        if self.checksum is None:
            yield from self._as_it_comes(is_unwanted)
            return
        whole = b"".join(self._as_it_comes(is_unwanted))
        if not self.broke_off:
            self.checksum.verify(whole)
            yield whole

    def _as_it_comes(self, is_unwanted: Callable[[], bool]) -> Iterator[bytes]:
        # One more than is allowed: else the limit could not be told from the end.
        request.max_content_length = self._most + 1
        came, gathered, since = 0, bytearray(), time.monotonic()
        while piece := self._next(PIECE - len(gathered), is_unwanted):
            came += len(piece)
            if came > self._most:
                raise self._too_large()
            gathered += piece
            if len(gathered) == PIECE or time.monotonic() - since > GATHERED_FOR:
                yield bytes(gathered)
                gathered, since = bytearray(), time.monotonic()
        if gathered:
            yield bytes(gathered)

    def _next(self, most: int, is_unwanted: Callable[[], bool]) -> bytes:
        """What has come by now; nothing at the end, be it too early."""
        try:
            piece: bytes = request.stream.read(most)
        except (ClientDisconnected, OSError):
            self.broke_off = True
            return b""
        if piece and is_unwanted():
            self.broke_off = True
            return b""
        return piece

    def _too_large(self) -> Unacceptable:
        return Unacceptable(f"At most {in_words(self._most)} are taken {self._where}.", status=413)
