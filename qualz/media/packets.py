"""What single packets say about themselves, without decoding them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

# RFC 6716 table 2: frame length in seconds by configuration number, four to a bandwidth for
# SILK and CELT, two for hybrid.
_OPUS_FRAME = (
    (0.010, 0.020, 0.040, 0.060) * 3 + (0.010, 0.020) * 2 + (0.0025, 0.005, 0.010, 0.020) * 4
)

SILENT_OPUS, SILENT_SECONDS = b"\xf8\xff\xfe", 0.020  # a packet in which nothing is heard


def opus_seconds(packet: bytes | memoryview) -> float:
    """Length of an Opus packet from its first bytes (RFC 6716 section 3.1). 0 if it is empty."""
    if len(packet) == 0:
        return 0.0
    toc = packet[0]
    count = toc & 3
    frames = (1, 2, 2, packet[1] & 63 if len(packet) > 1 else 0)[count]
    return frames * _OPUS_FRAME[toc >> 3]


def vp8_size(packet: bytes | memoryview) -> tuple[int, int] | None:
    """Width and height in a VP8 key frame's header (RFC 6386 section 9.1)."""
    if len(packet) < 10 or packet[0] & 1 or bytes(packet[3:6]) != b"\x9d\x01\x2a":
        return None
    width = int.from_bytes(packet[6:8], "little") & 0x3FFF
    height = int.from_bytes(packet[8:10], "little") & 0x3FFF
    return width, height


# The bits that an intra-only or key frame of VP9 begins its picture with (VP9 specification 7.2).
_VP9_SYNC = 0x498342


def vp9_size(packet: bytes | memoryview) -> tuple[int, int] | None:
    """Width and height where a VP9 frame of profile 0 states them (VP9 specification 6.2).

    Key frames do, and others that change the size without referring to a picture that has it.
    """
    bits = _Bits(bytes(packet[:24]))
    if bits.take(2) != 2 or bits.take(2) != 0 or bits.take(1):
        return None
    inter, shown, resilient = bits.take(1), bits.take(1), bits.take(1)
    if not inter:
        if bits.take(24) != _VP9_SYNC:
            return None
        bits.take(4)  # colour space and range
        return bits.take(16) + 1, bits.take(16) + 1
    intra_only = 0 if shown else bits.take(1)
    bits.take(0 if resilient else 2)
    if intra_only:
        if bits.take(24) != _VP9_SYNC:
            return None
        bits.take(8)
        return bits.take(16) + 1, bits.take(16) + 1
    bits.take(8 + 3 * 4)  # what is refreshed and referred to
    if any(bits.take(1) for _ in range(3)):
        return None
    return bits.take(16) + 1, bits.take(16) + 1


# By codec: reads the size that a picture states itself; `None` where it states none.
SIZE_OF_PICTURE: dict[str, Callable[[bytes | memoryview], tuple[int, int] | None]] = {
    "vp8": vp8_size,
    "vp9": vp9_size,
}


class _Bits:
    """Reads numbers from the front of some bytes; beyond their end everything is nought."""

    def __init__(self, data: bytes) -> None:
        self.value = int.from_bytes(data, "big")
        self.left = 8 * len(data)

    def take(self, count: int) -> int:
        self.left -= count
        if self.left < 0:
            return 0
        return (self.value >> self.left) & ((1 << count) - 1)


def nal_units(data: bytes, *, length_size: int | None) -> Iterator[bytes]:
    """The NAL units of an H.264 access unit, without what separates them.

    `length_size` is the width of the length fields that an avcC record announces, or `None` for
    the byte stream format with start codes (ITU-T H.264 annex B).
    """
    if length_size is None:
        for unit in data.split(b"\x00\x00\x01"):
            if stripped := unit.rstrip(b"\x00"):
                yield stripped
        return
    at = 0
    while at + length_size <= len(data):
        size = int.from_bytes(data[at : at + length_size], "big")
        at += length_size
        if unit := data[at : at + size].rstrip(b"\x00"):
            yield unit
        at += size


def avc_length_size(extradata: bytes) -> int | None:
    """Width of the length fields if `extradata` is an avcC record (ISO/IEC 14496-15)."""
    return (extradata[4] & 3) + 1 if len(extradata) > 6 and extradata[0] == 1 else None


def parameter_sets(extradata: bytes) -> tuple[bytes, ...]:
    """SPS and PPS of an H.264 stream, from avcC or from the byte stream format."""
    if avc_length_size(extradata) is None:
        return tuple(nal_units(extradata, length_size=None))
    found: list[bytes] = []
    at = 5
    for mask in (31, 255):
        count = extradata[at] & mask if at < len(extradata) else 0
        at += 1
        for _ in range(count):
            size = int.from_bytes(extradata[at : at + 2], "big")
            found.append(extradata[at + 2 : at + 2 + size].rstrip(b"\x00"))
            at += 2 + size
    return tuple(found)


def h264_content(data: bytes, *, length_size: int | None) -> bytes:
    """What of an H.264 packet has to survive: every NAL unit except those that containers move
    between packets and header (SPS 7, PPS 8) or drop at will (delimiters, 9)."""
    kept = (unit for unit in nal_units(data, length_size=length_size) if unit[0] & 31 not in _MOVED)
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in kept)


def picture_settings(data: bytes, *, length_size: int | None) -> Iterator[bytes]:
    """The sequence parameter sets (SPS, 7) that an H.264 packet carries itself."""
    return (unit for unit in nal_units(data, length_size=length_size) if unit[0] & 31 == SPS)


SPS = 7
_MOVED = frozenset({SPS, 8, 9})
