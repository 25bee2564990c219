"""What single packets say about themselves, without decoding them."""

from __future__ import annotations

from collections.abc import Iterator

# RFC 6716 table 2: frame length in seconds by configuration number, four to a bandwidth for
# SILK and CELT, two for hybrid.
_OPUS_FRAME = (
    (0.010, 0.020, 0.040, 0.060) * 3 + (0.010, 0.020) * 2 + (0.0025, 0.005, 0.010, 0.020) * 4
)


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


_MOVED = frozenset({7, 8, 9})
