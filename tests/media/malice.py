"""What somebody may send who wants the server to read, reach or do what it should not.

Each is a few kilobytes, built by hand from the formats' own words, and named by what it is after.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from qualz.media import matroska
from qualz.media.containers import CLUSTER, EBML, SEGMENT, TRACK_ENTRY, TRACK_TYPE, TRACKS
from qualz.media.matroska import element, identifier, number, size_field, text

UNKNOWN = b"\x01" + b"\xff" * 7
SOUND = b"\xf8\xff\xfe" + b"\x01" * 40  # 20 ms of Opus


def head() -> bytes:
    known = (number(0x42F2, 4), number(0x42F3, 8), text(0x4282, "webm"))
    return element(int.from_bytes(EBML, "big"), *known)


def opus_track(which: int = 1) -> bytes:
    told = b"OpusHead\x01\x01" + struct.pack("<HIhB", 0, 48000, 0, 0)
    sound = element(0xE1, element(0xB5, struct.pack(">d", 48000.0)), number(0x9F, 1))
    named = (number(0xD7, which), number(0x73C5, which), number(TRACK_TYPE, 2))
    return element(TRACK_ENTRY, *named, text(0x86, "A_OPUS"), element(0x63A2, told), sound)


def picture_track(codec: str, width: int, height: int) -> bytes:
    size = element(0xE0, number(0xB0, width), number(0xBA, height))
    named = (number(0xD7, 1), number(0x73C5, 1), number(TRACK_TYPE, 1), text(0x86, codec))
    return element(TRACK_ENTRY, *named, size)


def block(ticks: int, data: bytes = SOUND, flags: int = 0x80) -> bytes:
    return element(matroska.SIMPLE_BLOCK, b"\x81" + struct.pack(">hB", ticks, flags) + data)


def cluster(time: int, *blocks: bytes) -> bytes:
    return element(CLUSTER, number(matroska.TIMESTAMP, time, 8), *blocks)


def webm(*tracks: bytes, inside: bytes, scale: int = 1_000_000, more: bytes = b"") -> bytes:
    info = element(matroska.INFO, number(matroska.TIMESTAMP_SCALE, scale), more)
    return head() + identifier(SEGMENT) + UNKNOWN + info + element(TRACKS, *tracks) + inside


def second() -> bytes:
    return cluster(0, *(block(at) for at in range(0, 1000, 20)))


def box(name: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I", 8 + len(body)) + name + body


def full(name: bytes, *inside: bytes, flags: int = 0) -> bytes:
    return box(name, struct.pack(">I", flags), *inside)


def track_of_mp4(reference: bytes, length: int) -> bytes:
    """Sound whose samples lie in the file that the reference names."""
    entry = box(b"sowt", struct.pack(">6xHHHIHHHHI", 1, 0, 0, 0, 1, 16, 0, 0, 48000 << 16))
    table = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stts", struct.pack(">III", 1, 1000, 1)),
        full(b"stsc", struct.pack(">IIII", 1, 1, 1000, 1)),
        full(b"stsz", struct.pack(">II", 2, 1000)),
        full(b"stco", struct.pack(">II", 1, 0)),
    )
    information = box(b"dinf", full(b"dref", struct.pack(">I", 1), reference))
    media = box(
        b"mdia",
        full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 48000, length, 0, 0)),
        full(b"hdlr", b"\0\0\0\0soun" + bytes(12) + b"\0"),
        box(b"minf", full(b"smhd", bytes(4)), information, table),
    )
    header = struct.pack(">IIIII", 0, 0, 1, 0, length) + bytes(60)
    return box(b"trak", full(b"tkhd", header, flags=3), media)


def mp4(*tracks: bytes, length: int = 1000, more: bytes = b"") -> bytes:
    movie = full(b"mvhd", struct.pack(">IIII", 0, 0, 48000, length) + bytes(80))
    brand = box(b"ftyp", b"qt  ", bytes(4), b"qt  ")
    return brand + box(b"moov", movie, *tracks, more) + box(b"mdat", bytes(2000))


def alias(path: str) -> bytes:
    """As QuickTime names another file."""
    name = path.encode()
    told = struct.pack(">HH", 2, len(name)) + name + (b"\0" if len(name) % 2 else b"")
    start = bytes(6) + struct.pack(">HH", 150, 2) + bytes(140)
    return full(b"alis", start + told + struct.pack(">HH", 0xFFFF, 0))


def picture_bomb(codec: str, frame: bytes, size: int) -> bytes:
    frames = (block(at, frame) for at in range(0, 30_000, 33))
    return webm(picture_track(codec, size, size), inside=cluster(0, *frames))


def huge_vp8(size: int) -> bytes:
    """A key frame's first words, and then noughts: it decodes, to size×size pixels."""
    words = 0b0000 | 1 << 4 | 2000 << 5
    start = words.to_bytes(3, "little") + b"\x9d\x01\x2a" + struct.pack("<HH", size, size)
    return start + bytes(4000)


def png() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    shape = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", shape) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def nested(depth: int) -> bytes:
    heads = (struct.pack(">I", 8 * left) + b"moov" for left in range(depth, 0, -1))
    return box(b"ftyp", b"isom", bytes(4)) + b"".join(heads)


def nested_elements(depth: int) -> bytes:
    groups = (
        identifier(matroska.BLOCK_GROUP) + size_field(5 * left, 4) for left in range(depth, -1, -1)
    )
    return webm(opus_track(), inside=element(CLUSTER, b"".join(groups)))


def laced(count: int) -> bytes:
    """One block that says it holds many packets, each of no bytes."""
    return webm(
        opus_track(),
        inside=cluster(
            0, *(block(0, b"\xff" + bytes(255), flags=0x80 | 0x06) for _ in range(count))
        ),
    )


MALICE: dict[str, Callable[[Path, int], bytes]] = {
    "a playlist over http": lambda secret, port: (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:%d/a.ts\n" % port
    ),
    "a list of pieces": lambda secret, port: b"ffconcat version 1.0\nfile %s\n" % bytes(secret),
    "samples in another file": lambda secret, port: mp4(
        track_of_mp4(full(b"url ", b"file://%s\0" % bytes(secret)), 1000)
    ),
    "samples elsewhere": lambda secret, port: mp4(
        track_of_mp4(full(b"url ", b"http://127.0.0.1:%d/a.mp4\0" % port), 1000)
    ),
    "samples at an alias": lambda secret, port: mp4(track_of_mp4(alias(str(secret)), 1000)),
    "a picture of 256 megapixels": lambda secret, port: picture_bomb(
        "V_VP8", huge_vp8(16_000)[:400], 16_000
    ),
    "a header of 65535×65535": lambda secret, port: picture_bomb("V_VP9", huge_vp8(2), 65535),
    "years": lambda secret, port: webm(
        opus_track(),
        inside=second() + cluster(10**13, block(0)),
        more=element(0x4489, struct.pack(">d", 1e15)),
    ),
    "years in a header": lambda secret, port: mp4(
        track_of_mp4(full(b"url ", flags=1), 0xFFFFFFFF), length=0xFFFFFFFF
    ),
    "10,000 tracks": lambda secret, port: webm(
        *(opus_track(which) for which in range(1, 10_001)), inside=second()
    ),
    "10,000 tracks of mp4": lambda secret, port: mp4(
        *(track_of_mp4(full(b"url ", flags=1), 1000) for _ in range(10_000))
    ),
    "a size beyond the file": lambda secret, port: webm(
        opus_track(), inside=identifier(CLUSTER) + b"\x01" + b"\x7f" * 7
    ),
    "boxes in boxes": lambda secret, port: nested(100_000),
    "elements in elements": lambda secret, port: nested_elements(20_000),
    "boxes of no size": lambda secret, port: box(b"ftyp", b"isom", bytes(4)) + bytes(200_000),
    "boxes of their heads only": lambda secret, port: (
        box(b"ftyp", b"isom", bytes(4)) + box(b"free") * 500_000
    ),
    "laces": lambda secret, port: laced(20_000),
    "a picture named webm": lambda secret, port: png(),
}
