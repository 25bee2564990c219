"""What is whole of a damaged Ogg file with Opus in it (RFC 3533, RFC 7845), page by page.

Each page carries a checksum and says how many samples were heard by its end.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from qualz.media import packets
from qualz.media.packets import SILENT_OPUS, SILENT_SECONDS
from qualz.media.stretches import Bytes, Found, Packet, Stretch

_MARK = b"OggS"
RATE = 48_000  # what Opus counts in, whatever it was recorded at
SILENT_SAMPLES = round(SILENT_SECONDS * RATE)
IN_ONE = 50  # silent packets in one page
_HEAD = 27  # bytes before the table of segments
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OggPages:
    """A file whose header can be read. Raises `ValueError` if it cannot, or is not Opus."""

    def __init__(self, data: Bytes, beat: Callable[[], None]) -> None:
        self.data = data
        self.numbers = 0
        first = self._page(0)
        if first is None or bytes(data[first[1] : first[1] + 8]) != b"OpusHead":
            raise ValueError("no Opus")
        self.serial = bytes(data[14:18])
        self.sound: int | None = 0
        self.picture: int | None = None
        self.start = self._end_of_tags(first[2])
        self.found = Found(beat)
        self._read(self.start)

    def _page(self, at: int) -> tuple[int, int, int] | None:
        """(samples heard by its end, where its packets begin, where it ends) of a whole page."""
        head = bytes(self.data[at : at + _HEAD])
        if len(head) < _HEAD or not head.startswith(_MARK):
            return None
        table = bytes(self.data[at + _HEAD : at + _HEAD + head[26]])
        start = at + _HEAD + len(table)
        end = start + sum(table)
        if end > len(self.data) or checksum(self.data[at:end]) != head[22:26]:
            return None
        return struct.unpack("<q", head[6:14])[0], start, end

    def _end_of_tags(self, at: int) -> int:
        """The tags follow on pages of their own, at which nothing has been heard."""
        while (page := self._page(at)) and page[0] in (0, -1):
            at = page[2]
        return at

    def _read(self, at: int) -> None:
        while at < len(self.data):
            page = self._page(at)
            if page is None or self.data[at + 14 : at + 18] != self.serial:
                again = page[2] if page else self._next_page(at)
                self.found.skip(again - at)
                at = again
                continue
            heard, start, end = page
            length = self._seconds(at, start)
            if length and heard >= 0:
                time = heard / RATE - length
                self.found.add(
                    Stretch([Packet(track=0, time=time, length=length, at=at, size=end - at)])
                )
            at = end

    def _seconds(self, at: int, start: int) -> float:
        """How long the packets of a page sound that end on it."""
        seconds, begins, size = 0.0, start, 0
        for part in bytes(self.data[at + _HEAD : start]):
            size += part
            if part < 255:
                seconds += packets.opus_seconds(bytes(self.data[begins : begins + 2]))
                begins, size = begins + size, 0
        return seconds

    def _next_page(self, at: int) -> int:
        at += 1
        while (at := self.data.find(_MARK, at)) >= 0:
            if self._page(at):
                return at
            at += 1
        return len(self.data)

    # --- Writing ---------------------------------------------------------------------------------

    def header(self) -> bytes:
        at, pages = 0, []
        while at < self.start and (page := self._page(at)):
            pages.append(self._numbered(bytearray(self.data[at : page[2]])))
            at = page[2]
        return b"".join(pages)

    def written(self, stretch: Stretch) -> bytes:
        return b"".join(
            self._numbered(bytearray(self.data[page.at : page.at + page.size]))
            for page in stretch.packets
        )

    def silence(self, start: float, end: float) -> bytes:
        samples, pages = round(start * RATE), []
        left = int((end - start) * RATE) // SILENT_SAMPLES
        while left > 0:
            count = min(IN_ONE, left)
            samples += count * SILENT_SAMPLES
            left -= count
            head = _MARK + struct.pack("<BBq4sIIB", 0, 0, samples, self.serial, 0, 0, count)
            table = bytes([len(SILENT_OPUS)]) * count
            pages.append(self._numbered(bytearray(head + table + SILENT_OPUS * count)))
        return b"".join(pages)

    def _numbered(self, page: bytearray) -> bytes:
        page[18:22] = struct.pack("<I", self.numbers)
        self.numbers += 1
        page[22:26] = checksum(page)
        return bytes(page)


def checksum(page: bytes | bytearray) -> bytes:
    """That of RFC 3533 section 6: zlib's with all bits mirrored, over a page without one."""
    bare = bytes(page[:22]) + bytes(4) + bytes(page[26:])
    mirrored = zlib.crc32(bare.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2).to_bytes(4, "little")
